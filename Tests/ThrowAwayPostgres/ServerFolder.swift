import Glibc

/// The folder of one server: its data, its socket and its log.
enum ServerFolder {
    /// Of what initdb makes; another version makes another template.
    private static let templateVersion = 1

    private static let temporary = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"

    /// Makes a folder with the data of a server that was never started.
    static func make() throws -> String {
        if let missing = ServerProgram.missing { throw StartFailure(reason: missing) }
        let template = try template()
        let folder = try empty("throw-away-postgres.XXXXXX")
        do {
            try Command.run(["cp", "-a", "--reflink=auto", template, folder + "/data"])
        } catch {
            delete(folder)
            throw error
        }
        return folder
    }

    static func delete(_ folder: String) { try? Command.run(["rm", "-rf", folder]) }

    /// A folder that belongs to the account of the server, and is reachable by others for the socket.
    private static func empty(_ pattern: String) throws -> String {
        var path = Array((temporary + "/" + pattern).utf8CString)
        guard mkdtemp(&path) != nil else { throw StartFailure(reason: "no folder can be made in \(temporary)") }
        let folder = String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if let account = ServerProgram.account { chown(folder, account.userID, account.groupID) }
        return folder
    }

    /// What initdb makes, made once and copied from then on: it takes seconds, a copy a tenth of one.
    private static func template() throws -> String {
        let programs = ServerProgram.folder ?? ""
        let version = programs.split(separator: "/").dropLast().last ?? "0"
        let owner = ServerProgram.account?.userID ?? geteuid()
        let path = "\(temporary)/throw-away-postgres-template-\(version)-\(owner)-\(templateVersion)"
        if isOurs(path, owner) { return path }
        let folder = try empty("throw-away-postgres-init.XXXXXX")
        defer { delete(folder) }
        try TextFile.write(folder + "/password", ThrowAwayPostgres.password + "\n")
        try Command.run(
            ServerProgram.prefix + [
                programs + "/initdb", "--pgdata=\(folder)/data", "--username=\(ThrowAwayPostgres.superuser)",
                "--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile=\(folder)/password", "--no-sync",
                "--no-instructions", "--encoding=UTF8", "--locale=C.UTF-8", "--wal-segsize=1",
            ])
        // Whoever was quicker has made the same.
        if rename(folder + "/data", path) != 0, !isOurs(path, owner) {
            throw StartFailure(reason: "\(path) is in the way")
        }
        return path
    }

    /// Another user's folder of that name is not touched: only he and we know what is in it.
    private static func isOurs(_ path: String, _ owner: uid_t) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_uid == owner && status.st_mode & (S_IFMT | 0o077) == S_IFDIR
    }
}

/// Small files, read and written whole.
enum TextFile {
    static func read(_ path: String) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(file, &piece, piece.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += piece[..<count]
        }
    }

    static func write(_ path: String, _ text: String) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw StartFailure(reason: "\(path) cannot be written") }
        defer { close(file) }
        let bytes = Array(text.utf8)
        guard Glibc.write(file, bytes, bytes.count) == bytes.count else {
            throw StartFailure(reason: "\(path) cannot be written")
        }
    }
}

/// A port that is free now. Another process may take it before the server does; then another is looked for.
enum FreePort {
    static func find() throws -> Int {
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard file >= 0 else { throw StartFailure(reason: "no socket") }
        defer { close(file) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(file, generic, size) == 0 ? getsockname(file, generic, &size) : -1
            }
        }
        guard code == 0 else { throw StartFailure(reason: "no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
