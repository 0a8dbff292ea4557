import LocalCache
import Logging
import MessageChunks
import PrimaryStore
import Recalculation
import Telemetry

extension Worker {
    /// Copies some devices that have assignments and are not in the cache; false if there are none.
    func synchroniseSome() throws -> Bool {
        for (device, moment) in setBackUntil where moment <= now {
            setBackUntil[device] = nil
            unsynced.append(device)
        }
        guard !unsynced.isEmpty else { return false }
        for _ in 0..<min(Self.syncsPerRoundMax, unsynced.count) {
            let device = unsynced.removeFirst()
            if devices[device]?.sync == .unsynced { try synchronise(device) }
        }
        return true
    }

    /// Copies the chunks of a device, then the log behind them up to this worker's position.
    private func synchronise(_ device: DeviceID) throws {
        devices[device]?.sync = .synchronizing
        setup.board.set(DeviceStatus(sync: .synchronizing), of: device)
        do {
            try cache.transaction {
                try cache.removeDevice(device)
                let cached = try copy(device)
                try cache.setDevice(cached)
                devices[device]?.cached = cached
            }
        } catch CacheError.corrupt(let reason) { throw CacheError.corrupt(reason) } catch {
            return setBack(device, "\(error)")
        }
        devices[device]?.sync = .synced
        setup.board.set(DeviceStatus(sync: .synced, position: position), of: device)
        setup.board.count { $0.devicesSynced += 1 }
        for key in devices[device]?.keys ?? [] { try begin(key) }
    }

    private func copy(_ device: DeviceID) throws -> CachedDevice {
        if let asset = picture.devices[device], asset.isAsset { return try copy(asset) }
        let chunksEnd = try copyChunks(device)
        let tailEnd = try copyLog(device)
        let latest = [chunksEnd, tailEnd].compactMap { $0 }.max()
        return CachedDevice(device: device, sealed: try store.archiveMark(device: device), latest: latest)
    }

    /// What cannot be read stays unsynced for a while, and says so.
    private func setBack(_ device: DeviceID, _ reason: String) {
        setup.logger.error("device cannot be synchronised", metadata: ["device": "\(device)", "reason": "\(reason)"])
        devices[device]?.sync = .unsynced
        devices[device]?.cached = nil
        setBackUntil[device] = now.advanced(bySeconds: Self.setBackSeconds)
        for key in devices[device]?.keys ?? [] { assignments[key]?.failure = reason }
        publish(devices[device]?.keys ?? [])
        setup.board.set(DeviceStatus(sync: .unsynced), of: device)
    }

    private func copyChunks(_ device: DeviceID) throws -> Timestamp? {
        var last: Timestamp?
        // The closure of the store throws its own errors only: those of the cache are carried out by hand.
        var failure: CacheError?
        try store.forEachArchivedChunk(device: device) { chunk in
            do throws(CacheError) {
                try cache.insertChunk(device, first: chunk.first, last: chunk.last, count: chunk.count, chunk.bytes)
            } catch {
                failure = error
                return false
            }
            last = chunk.last
            return true
        }
        if let failure { throw failure }
        return last
    }

    private func copyLog(_ device: DeviceID) throws -> Timestamp? {
        var latest: Timestamp?
        var after: Int64 = 0
        while true {
            let page = try store.readLog(device: device, after: after)
            for entry in page.entries where entry.position <= position {
                let batch = try entry.batch().sorted()
                try cache.appendTail(device, position: entry.position, batch)
                latest = [latest, batch.timestamps.last.map { Timestamp(microseconds: $0) }].compactMap { $0 }.max()
            }
            after = page.reached
            guard page.isCut else { return latest }
        }
    }

    /// Begins to calculate an assignment of a device that is in the cache.
    func begin(_ key: AssignmentKey) throws {
        guard let work = assignments[key], try loadHeld(key) else { return publish([key]) }
        let all = Invalidation(range: .all, since: now, due: now, cause: "assignment")
        try calculateAnew(key, work.isEnabled ? all : nil)
    }
}
