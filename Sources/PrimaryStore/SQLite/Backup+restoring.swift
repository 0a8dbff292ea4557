import Glibc
import SQLiteClient

extension Backup {
    /// Puts a store into a data folder, in place of what is there if that is asked for.
    ///
    /// Nothing of the folder is touched before the new store lies in it, whole and checked; a crash leaves the old one
    /// or the new one. Caches are deleted, since they are of another past, and the store gets an id of its own, so that
    /// one that lies elsewhere is never taken for its own either. A folder that a process holds is refused.
    package static func restore(
        _ path: String, to folder: String, isReplacing: Bool,
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(StoreError) -> Backup {
        do {
            guard access(path, F_OK) == 0 else { throw StoreError.notFound(path) }
            guard try isReplacing || isFree(folder) else { throw StoreError.invalid("\(folder) is not empty") }
            let lock = try DataFolderLock(folder: folder)
            let target = folder + "/primary.db"
            let partial = target + ".restoring"
            defer { DurableFile.deleteDatabase(partial) }
            try copy(path, to: partial, progress)
            let checked = try Backup(checking: partial)
            try deleteCaches(folder + "/cache")
            close(target)
            try DurableFile.move(partial, to: target)
            _ = consume lock
            return checked.moved(to: target)
        } catch { throw StoreError(wrapping: error) }
    }

    /// Whether a folder is not there, or has nothing but a lock in it.
    private static func isFree(_ folder: String) throws -> Bool {
        try DurableFile.names(in: folder).allSatisfy { $0 == "lock" }
    }

    /// The caches of any number of workers.
    private static func deleteCaches(_ folder: String) throws {
        for name in try DurableFile.names(in: folder) where name.hasPrefix("worker-") {
            guard unlink("\(folder)/\(name)") == 0 else {
                throw StoreError.database("cannot delete \(folder)/\(name): error \(errno)")
            }
        }
    }

    /// Takes the log of the store that is replaced into its file, so that it never stands beside another file. A store
    /// that is too damaged for that loses its log.
    private static func close(_ path: String) {
        if let old = try? Connection(path: path, busyTimeoutMilliseconds: 0) {
            try? old.execute("PRAGMA journal_mode = DELETE")
        }
        DurableFile.deleteSidecars(path)
    }
}
