import CFaultDisk

/// A disk for SQLite that lives in memory, dies and fails when it is told to, and gives the same for the same seeds.
///
/// Each disk has a number, and its files are those whose paths begin with `/fault-disk/<number>/`; folders need not be
/// made. From the first disk on it stands in front of the process's default VFS, which all other paths still reach.
/// What was not synced is remembered write by write, so that a loss of power can keep some of them and drop others.
///
/// A death (`kill`, `cutPower`, `die`) makes every open connection fail for ever. Let go of those before `restart`:
/// one that is closed later might delete files of the new life.
///
/// `@unchecked Sendable`: the handle never changes, and the disk behind it has a mutex.
package final class FaultDisk: @unchecked Sendable {
    /// What the disk is asked to do. Mapping shared memory and taking a lock of it is one operation each.
    package struct Operations: OptionSet, Sendable, Hashable {
        package let rawValue: Int32

        package init(rawValue: Int32) { self.rawValue = rawValue }

        package static let read = Operations(rawValue: Int32(FAULT_READ))
        package static let write = Operations(rawValue: Int32(FAULT_WRITE))
        package static let sync = Operations(rawValue: Int32(FAULT_SYNC))
        package static let truncate = Operations(rawValue: Int32(FAULT_TRUNCATE))
        package static let open = Operations(rawValue: Int32(FAULT_OPEN))
        package static let delete = Operations(rawValue: Int32(FAULT_DELETE))
        package static let sharedMemory = Operations(rawValue: Int32(FAULT_SHM))
        package static let all = Operations(rawValue: Int32(FAULT_ANY))
        /// Those that change what is stored.
        package static let changes: Operations = [.write, .sync, .truncate, .delete]
    }

    /// The smallest part of a write that survives a loss of power by itself.
    package enum SectorSize: Int32, Sendable, CaseIterable {
        case small = 512
        case large = 4096
    }

    let handle: OpaquePointer
    package let number: Int

    /// Makes an empty disk.
    package init(sectorSize: SectorSize = .small) {
        handle = fault_disk_make(sectorSize.rawValue)
        number = Int(fault_disk_number(handle))
    }

    deinit { fault_disk_drop(handle) }

    /// The path of a file or folder of this disk.
    package func path(_ name: String) -> String { "/fault-disk/\(number)/\(name)" }
}

// MARK: - Death

extension FaultDisk {
    /// The process dies: connections are dead and everything fails until `restart`, but what was written is there.
    package func kill() { fault_disk_kill(handle) }

    /// The power goes: connections are dead and everything fails until `restart`. Of what was not synced any part is
    /// there: some writes, some sectors of a write, some names of files that were made or deleted. How much, varies
    /// with the seed from nothing to everything.
    package func cutPower(seed: UInt64) { fault_disk_cut_power(handle, seed) }

    /// A new process begins: the disk works again, without the faults that were asked for.
    package func restart() { fault_disk_restart(handle) }

    /// The n-th operation from now on is the last one: it and all that follow fail until `restart`. It may have got
    /// through all the same. `cutPower` or `kill` then says what of the unsynced is left.
    package func die(atOperation n: Int) { fault_disk_die_at(handle, Int64(n)) }

    package var isDead: Bool { fault_disk_is_dead(handle) }
}

// MARK: - Faults

extension FaultDisk {
    /// The operations that were asked for since the disk was made.
    package var operationCount: Int { operationCount(of: .all) }

    package func operationCount(of kinds: Operations) -> Int {
        Int(fault_disk_operation_count(handle, kinds.rawValue))
    }

    /// Has the n-th operation of some kinds from now on fail, counted from 1, and all later ones of them if it is
    /// lasting. It takes the place of one that was asked for before.
    ///
    /// A write that fails has written the first half of its sectors. What a sync that fails should have written can
    /// be read but is never durable: no later sync writes it. An open that fails is `SQLITE_CANTOPEN`, all else is
    /// `SQLITE_IOERR_…`.
    package func failOperation(at n: Int, kind: Operations = .all, isLasting: Bool = false) {
        fault_disk_fail(handle, kind.rawValue, Int64(n), isLasting)
    }

    /// The operations that have failed because of the last `failOperation`.
    package var failureCount: Int { Int(fault_disk_failure_count(handle)) }

    /// Takes back `failOperation` and `die(atOperation:)`.
    package func clearFaults() { fault_disk_clear_faults(handle) }

    /// The bytes that all files together may have; a write beyond is `SQLITE_FULL`. Nil is no limit.
    package var capacity: Int? {
        get {
            let capacity = fault_disk_capacity(handle)
            return capacity < 0 ? nil : Int(capacity)
        }
        set { fault_disk_set_capacity(handle, newValue.map { Int64($0) } ?? -1) }
    }

    /// The bytes that all files together have.
    package var usedByteCount: Int { Int(fault_disk_used(handle)) }
}
