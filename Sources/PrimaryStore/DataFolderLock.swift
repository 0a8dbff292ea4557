import Glibc

/// The lock of a data folder, held by the one process that writes there; it goes with the value, and with the process.
package struct DataFolderLock: ~Copyable, Sendable {
    private let descriptor: Int32

    /// Takes the lock of a folder, which is made if it is not there.
    package init(folder: String) throws(StoreError) {
        mkdir(folder, 0o750)
        let path = folder + "/lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw .database("cannot open \(path): error \(errno)") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            throw code == EWOULDBLOCK ? .locked(folder) : .database("cannot lock \(path): error \(code)")
        }
        self.descriptor = descriptor
    }

    // Closing the only descriptor releases the lock.
    deinit { close(descriptor) }
}
