import FoundationEssentials
import Glibc

/// The data folder and what surrounds its files.
extension Doctor {
    /// Below it a warning, and below the second an error.
    private static let freeBytesWarning: UInt64 = 2 << 30
    private static let freeBytesError: UInt64 = 200 << 20

    /// False if there is nothing to look at.
    func lookAtFolder() -> Bool {
        var status = stat()
        guard stat(data, &status) == 0 else {
            let reason = errno == ENOENT ? "is not there" : String(cString: strerror(errno))
            say(
                .error, "data folder", "\(data) \(reason)",
                mend: "name it with --data; odograph serve makes a new one")
            return false
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            say(.error, "data folder", "\(data) is no folder", mend: "name a folder with --data")
            return false
        }
        let mode = status.st_mode & 0o777
        let text = "\(data), of user \(status.st_uid), mode \(String(mode, radix: 8))"
        if status.st_uid != geteuid(), geteuid() != 0 {
            say(.warning, "data folder", text, mend: "run as user \(status.st_uid), to whom it belongs")
        } else if mode & 0o007 != 0 {
            say(.warning, "data folder", "\(text): everybody may enter it", mend: "chmod 750 \(data)")
        } else {
            say(.ok, "data folder", text)
        }
        lookAtToken()
        return true
    }

    private func lookAtToken() {
        var status = stat()
        guard stat(data + "/master-token", &status) == 0 else { return }
        let mode = status.st_mode & 0o777
        guard mode & 0o077 != 0 else { return }
        say(
            .warning, "master token", "others may read \(data)/master-token, mode \(String(mode, radix: 8))",
            mend: "chmod 600 \(data)/master-token, then revoke the token and make another")
    }

    /// Who has the folder open: the lock itself is left alone, for a server may be about to take it.
    func lookAtLock() {
        var status = stat()
        guard stat(data + "/lock", &status) == 0 else {
            return say(.ok, "lock", "no server has used the folder yet")
        }
        guard text("/proc/locks") != nil else {
            return say(.warning, "lock", "/proc/locks cannot be read: who uses the folder is not known")
        }
        guard let holder = holder(of: status) else { return say(.ok, "lock", "no server runs on the folder") }
        let name = text("/proc/\(holder)/comm").map { " (\($0.filter { $0 != "\n" }))" } ?? ""
        say(.ok, "lock", "process \(holder)\(name) runs on the folder")
    }

    /// The process that has locked a file. The list of all locks is read page by page: where it changes meanwhile, a
    /// line may be passed over. So the processes are asked too, of which only one's own say what they have open.
    private func holder(of status: stat) -> String? {
        let file = Self.lockedFile(status)
        let lines = text("/proc/locks")?.split(separator: "\n") ?? []
        for line in lines {
            // 1: FLOCK ADVISORY WRITE 4711 fd:00:123456 0 EOF
            let words = line.split(separator: " ")
            if words.count > 5, words[1] == "FLOCK", words[5] == file { return String(words[4]) }
        }
        return entries("/proc").first { Int32($0) != nil && hasLocked(status, process: $0) }
    }

    private func hasLocked(_ status: stat, process: String) -> Bool {
        entries("/proc/\(process)/fd").contains { descriptor in
            var open = stat()
            return stat("/proc/\(process)/fd/\(descriptor)", &open) == 0 && open.st_dev == status.st_dev
                && open.st_ino == status.st_ino
                && text("/proc/\(process)/fdinfo/\(descriptor)")?.contains("FLOCK") ?? false
        }
    }

    private func entries(_ folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    }

    /// A file as /proc/locks names it: the device's numbers in hexadecimal, and the inode.
    private static func lockedFile(_ status: stat) -> String {
        let device = UInt64(status.st_dev)
        let major = (device >> 8) & 0xfff
        let minor = (device & 0xff) | ((device >> 12) & 0xf_ff00)
        return "\(twoDigits(major)):\(twoDigits(minor)):\(status.st_ino)"
    }

    private static func twoDigits(_ number: UInt64) -> String {
        (number < 16 ? "0" : "") + String(number, radix: 16)
    }

    func lookAtSpace() {
        var status = statvfs()
        guard statvfs(data, &status) == 0 else {
            return say(.warning, "free space", "cannot be told: \(String(cString: strerror(errno)))")
        }
        let unit = UInt64(status.f_frsize)
        let free = UInt64(status.f_bavail) * unit
        let text = "\(Self.megabytes(free)) MB of \(Self.megabytes(UInt64(status.f_blocks) * unit)) MB"
        let state: DoctorFinding.State =
            free < Self.freeBytesError ? .error : free < Self.freeBytesWarning ? .warning : .ok
        say(
            state, "free space", text,
            mend: state == .ok ? nil : "make room, or set messages_ttl: with a full disk nothing is accepted")
    }

    func lookAtCaches() {
        let names = entries(data + "/cache")
        let caches = names.filter { $0.hasSuffix(".db") }
        let bytes = names.reduce(UInt64(0)) { sum, name in
            var status = stat()
            return stat("\(data)/cache/\(name)", &status) == 0 ? sum + UInt64(status.st_size) : sum
        }
        say(
            .ok, "caches",
            caches.isEmpty
                ? "none; they are built at the next start" : "\(caches.count) with \(Self.megabytes(bytes)) MB")
    }

    private func text(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    static func megabytes(_ bytes: UInt64) -> UInt64 { bytes >> 20 }
}
