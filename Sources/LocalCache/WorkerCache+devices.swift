import MessageChunks
import SQLiteClient
import Telemetry

/// A device whose messages are in the cache.
package struct CachedDevice: Sendable, Hashable {
    package var device: DeviceID
    /// The log position that the chunks cover; what came after it is in the tail.
    package var sealed: Int64
    package var latest: Timestamp?

    package init(device: DeviceID, sealed: Int64, latest: Timestamp?) {
        self.device = device
        self.sealed = sealed
        self.latest = latest
    }
}

extension WorkerCache {
    /// The log position up to which the worker's devices have their messages; 0 in a new cache.
    package func position() throws(CacheError) -> Int64 {
        try refresh()
        return totals.position
    }

    package func setPosition(_ position: Int64) throws(CacheError) { try change { totals.position = position } }

    /// The epoch of each slot when this cache was last taken up by its owner.
    package func epochs() throws(CacheError) -> [Slot: Int64] {
        let rows = try read("SELECT key, value, crc FROM meta WHERE key LIKE 'epoch-%'") { row in
            let key = row.text(0)
            guard row.int64(2) == RowChecksum.meta(key, row.int64(1)), let slot = UInt8(key.dropFirst(6)) else {
                throw CacheError.corrupt("row \(key) of meta")
            }
            return (Slot(rawValue: slot), row.int64(1))
        }
        return Dictionary(rows, uniquingKeysWith: { $1 })
    }

    /// Notes the epochs of the owner's slots and forgets those of others; on disk when it returns.
    package func setEpochs(_ epochs: [Slot: Int64]) throws(CacheError) {
        precondition(!isInTransaction, "epochs are noted in a transaction of their own")
        try transaction {
            try Deletion.epochs.run(connection, from: &totals.metas)
            for (slot, epoch) in epochs {
                let key = "epoch-\(slot.rawValue)"
                let checksum = RowChecksum.meta(key, epoch)
                try run("INSERT INTO meta VALUES (?, ?, ?)", key, epoch, checksum)
                totals.metas.add(checksum)
            }
        }
        // A commit alone may be lost with the power, a checkpoint is not.
        do { try connection.checkpoint(.passive) } catch { throw CacheError(error) }
    }

    /// The number of the last feed row of each slot by which the intervals here are known; slots of which none was
    /// noted are left out.
    package func feedRevisions() throws(CacheError) -> [Slot: Int64] {
        let rows = try read("SELECT key, value, crc FROM meta WHERE key LIKE 'feed-%'") { row in
            let key = row.text(0)
            guard row.int64(2) == RowChecksum.meta(key, row.int64(1)), let slot = UInt8(key.dropFirst(5)) else {
                throw CacheError.corrupt("row \(key) of meta")
            }
            return (Slot(rawValue: slot), row.int64(1))
        }
        return Dictionary(rows, uniquingKeysWith: { $1 })
    }

    package func setFeedRevision(_ revision: Int64, of slot: Slot) throws(CacheError) {
        let key = "feed-\(slot.rawValue)"
        try change {
            let known =
                try notedRevisions[slot] ?? connection.integer("SELECT value FROM meta WHERE key = ?", key)
            notedRevisions[slot] = revision
            guard known != revision else { return }
            if let known { totals.metas.remove(RowChecksum.meta(key, known)) }
            let checksum = RowChecksum.meta(key, revision)
            let statement = try connection.statement("INSERT OR REPLACE INTO meta VALUES (?, ?, ?)")
            try statement.bind(1, key)
            try statement.bind(2, revision)
            try statement.bind(3, checksum)
            try statement.run()
            totals.metas.add(checksum)
        }
    }

    /// The devices whose messages are here: the log position their chunks cover, and their latest message.
    package func devices() throws(CacheError) -> [CachedDevice] {
        try refresh()
        let devices = entries.compactMap { device, entry in
            entry.sealed.map { CachedDevice(device: device, sealed: $0, latest: entry.latest) }
        }
        return devices.sorted { $0.device < $1.device }
    }

    package func setDevice(_ device: CachedDevice) throws(CacheError) {
        try change {
            try use(device.device)
            try update(device.device) { entry in
                entry.sealed = device.sealed
                entry.latest = device.latest
            }
        }
    }

    /// Forgets a device and everything about it, whatever state its rows are in.
    package func removeDevice(_ device: DeviceID) throws(CacheError) {
        try change {
            try refresh()
            try touch(device)
            shared = nil
            for table in ["devices", "chunks", "tail", "assignments", "held", "states"] {
                try run("DELETE FROM \(table) WHERE device = ?", device.rawValue)
            }
            guard let entry = entries.removeValue(forKey: device) else { return }
            if let written = entry.written { totals.devices.remove(written) }
            for assignment in entry.assignments.values {
                if let written = assignment.written { totals.assignments.remove(written) }
            }
        }
    }
}
