import CFaultDisk

/// What is done to the files behind SQLite's back. Names are those given to `path`; what is done is durable at once,
/// and false where there is no such file.
extension FaultDisk {
    package struct File: Sendable, Hashable {
        package var name: String
        package var byteCount: Int
    }

    /// The files there are, in the order in which their names were first used.
    package var files: [File] {
        var files: [File] = []
        var buffer = [CChar](repeating: 0, count: 1024)
        while fault_disk_file_path(handle, files.count, &buffer, buffer.count) {
            let path = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            files.append(
                File(
                    name: String(path.dropFirst(self.path("").count)),
                    byteCount: Int(fault_disk_file_size(handle, path)))
            )
        }
        return files
    }

    /// The size of a file; nil if there is none.
    package func byteCount(file name: String) -> Int? {
        let size = fault_disk_file_size(handle, path(name))
        return size < 0 ? nil : Int(size)
    }

    /// Bytes of a file; nil if it does not have them all.
    package func bytes(file name: String, offset: Int, count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        return fault_disk_file_read(handle, path(name), Int64(offset), &bytes, Int64(count)) ? bytes : nil
    }

    /// Flips a bit (0…7) of the byte at an offset, as a disk does that forgets.
    @discardableResult
    package func flipBit(file name: String, offset: Int, bit: Int) -> Bool {
        fault_disk_file_flip(handle, path(name), Int64(offset), Int32(bit))
    }

    @discardableResult
    package func delete(file name: String) -> Bool { fault_disk_file_delete(handle, path(name)) }

    @discardableResult
    package func truncate(file name: String, byteCount: Int) -> Bool {
        fault_disk_file_truncate(handle, path(name), Int64(byteCount))
    }

    /// Copies a file over another name; a connection to what had that name keeps the old file.
    @discardableResult
    package func copy(file name: String, to target: String) -> Bool {
        fault_disk_file_copy(handle, path(name), path(target))
    }
}

// MARK: - Snapshots

/// All files of a disk at one moment, with what was not synced then.
///
/// `@unchecked Sendable`: it never changes.
package final class FaultDiskSnapshot: @unchecked Sendable {
    fileprivate let handle: OpaquePointer

    fileprivate init(of disk: FaultDisk) { handle = fault_snapshot_take(disk.handle) }

    deinit { fault_snapshot_free(handle) }
}

extension FaultDisk {
    /// Keeps all files as they are now. Cheap: pages are shared until they are written.
    package func snapshot() -> FaultDiskSnapshot { FaultDiskSnapshot(of: self) }

    /// Puts the files of a snapshot, of this disk or of another one, in the place of those there are. Connections are
    /// dead afterwards, and the disk works, as after `restart`.
    package func restore(_ snapshot: FaultDiskSnapshot) { fault_snapshot_restore(snapshot.handle, handle) }
}
