import Evaluation
import LocalCache
import Logging
import MessageChunks
import PrimaryStore
import Recalculation
import Telemetry

extension Worker {
    /// Copies some devices that have assignments and are not in the cache; false if there are none.
    func synchroniseSome() throws -> Bool {
        for device in setBackUntil.filter({ $0.value <= now }).keys.sorted() {
            setBackUntil[device] = nil
            unsynced.append(device)
        }
        guard !unsynced.isEmpty else { return false }
        let next = unsynced.prefix(Self.syncsPerRoundMax)
        unsynced.removeFirst(next.count)
        for device in next where devices[device]?.sync == .unsynced { try synchronise(device) }
        return true
    }

    /// Copies the chunks of a device, then the log behind them up to this worker's position.
    private func synchronise(_ device: DeviceID) throws {
        devices[device]?.sync = .synchronizing
        publish(device)
        do {
            try transaction {
                try cache.removeDevice(device)
                let cached = try copy(device)
                try cache.setDevice(cached)
                devices[device]?.cached = cached
            }
        } catch StoreError.corrupt(let reason) {
            return try mend(device, reason)
        } catch let error as StoreError where !error.endsWorker {
            return setBack(device, "\(error)")
        }
        devices[device]?.sync = .synced
        publish(device)
        setup.board.count { $0.devicesSynced += 1 }
        for key in (devices[device]?.keys ?? []).sorted() { try begin(key) }
    }

    /// Copies a device again once what is damaged of it, or of those that stood for it, is mended or set apart.
    private func mend(_ device: DeviceID, _ reason: String) throws {
        devices[device]?.sync = .unsynced
        devices[device]?.cached = nil
        var isMended = false
        let sources = Set((picture.devices[device]?.stretches ?? []).map(\.facts.id))
        for source in sources.sorted() + [device] { isMended = try lookForDamage(source) || isMended }
        guard isMended else { return setBack(device, reason) }
        if !unsynced.contains(device) { unsynced.append(device) }
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
        publish(device)
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
        try forEachReadableEntry(of: device, for: device) { entry in
            let batch = try entry.batch().sorted()
            try cache.appendTail(device, position: entry.position, batch)
            latest = [latest, batch.timestamps.last.map { Timestamp(microseconds: $0) }].compactMap { $0 }.max()
        }
        return latest
    }

    /// Begins to calculate an assignment of a device that is in the cache.
    func begin(_ key: AssignmentKey) throws {
        do { try passDamage(of: key) } catch {
            guard case .corrupt(let reason) = error else { throw error }
            assignments[key]?.failure = reason
            return publish([key])
        }
        guard let work = assignments[key], try loadHeld(key) else { return publish([key]) }
        // An asset is copied again when the devices that stand for it are others: then intervals may vanish.
        let isAsset = picture.devices[key.device]?.isAsset ?? false
        let all = Invalidation(range: .all, since: now, due: now, cause: "assignment", isConfigured: isAsset)
        try calculateAnew(key, work.isEnabled ? all : nil)
    }
}
