import Glibc

/// What is done to whole files, so that a loss of power leaves the old one or the new one.
enum DurableFile {
    /// Makes the bytes of a file durable. No connection of this process may be open on it: closing a file lets go of
    /// every lock that a process has on it.
    static func sync(_ path: String) throws(StoreError) { try sync(path, O_RDONLY | O_CLOEXEC) }

    /// Gives a file another name, in place of what has that name, and makes that durable.
    static func move(_ path: String, to target: String) throws(StoreError) {
        guard rename(path, target) == 0 else {
            throw .database("cannot rename \(path) to \(target): error \(errno)")
        }
        let folder = target.lastIndex(of: "/").map { String(target[...$0]) } ?? "."
        try sync(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }

    /// Whether two paths lead to one file.
    static func areSame(_ path: String, _ other: String) -> Bool {
        var one = stat()
        var two = stat()
        guard stat(path, &one) == 0, stat(other, &two) == 0 else { return false }
        return one.st_dev == two.st_dev && one.st_ino == two.st_ino
    }

    /// Deletes what SQLite may keep beside a file.
    static func deleteSidecars(_ path: String) {
        for suffix in ["-wal", "-shm", "-journal"] { unlink(path + suffix) }
    }

    /// Deletes a file of SQLite with what lies beside it.
    static func deleteDatabase(_ path: String) {
        unlink(path)
        deleteSidecars(path)
    }

    /// The names in a folder; none if it is not there.
    static func names(in folder: String) throws(StoreError) -> [String] {
        guard let entries = opendir(folder) else {
            guard errno == ENOENT else { throw .database("cannot read \(folder): error \(errno)") }
            return []
        }
        defer { closedir(entries) }
        var names: [String] = []
        while let entry = readdir(entries) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private static func sync(_ path: String, _ flags: Int32) throws(StoreError) {
        let descriptor = open(path, flags)
        guard descriptor >= 0 else { throw .database("cannot open \(path): error \(errno)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .failed("cannot sync \(path): error \(errno)") }
    }
}
