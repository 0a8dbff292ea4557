import Evaluation
import LocalCache
import Logging
import PrimaryStore
import Telemetry

extension Worker {
    /// Puts good copies in the place of a device's damaged chunks, and sets those apart of which there is none; false
    /// if none of its chunks is damaged, or if they are not this worker's to mend.
    ///
    /// What cannot be mended is behind the horizon of the assignments before it is set apart: a crash between the two
    /// leaves a chunk that is met again.
    @discardableResult
    func lookForDamage(_ device: DeviceID) throws -> Bool {
        guard setup.slots.contains(Slot(device: device)) else { return false }
        let damaged = try store.damagedChunks(device: device).filter { $0.since == nil }
        let lost = try damaged.filter { try !repair($0) }
        if !lost.isEmpty {
            try passDamage(lost, picture.assignmentKeys(of: device))
            for chunk in lost { try setApart(chunk) }
            try copyAnew(device)
        }
        return !damaged.isEmpty
    }

    /// Puts the cache's copy of a chunk in its place, if there is one; false if there is none.
    private func repair(_ chunk: DamagedChunk) throws -> Bool {
        // Only a cache that has just what is sealed is a copy of the archive.
        guard let cached = devices[chunk.device]?.cached, devices[chunk.device]?.sync == .synced,
            try store.archiveMark(device: chunk.device) == cached.sealed
        else { return false }
        let count = try put(try copies(of: chunk), inPlaceOf: chunk, upTo: cached.sealed)
        guard count > 0 else { return false }
        setup.board.count { $0.chunksRepaired += Int64(count) }
        setup.logger.error(
            "damaged chunk is repaired from the cache",
            metadata: ["device": "\(chunk.device)", "reason": "\(chunk.reason)"])
        return true
    }

    /// Puts copies in the place of a damaged chunk, or of those that vanished; returns how many there was room for.
    private func put(
        _ copies: [Seal.Chunk], inPlaceOf chunk: DamagedChunk, upTo: Int64
    ) throws(StoreError) -> Int {
        let slot = Slot(device: chunk.device)
        let epoch = setup.epochs[slot] ?? 0
        var count = 0
        for copy in copies {
            do throws(StoreError) {
                if count == 0 {
                    try store.repair(chunk, with: copy, slot: slot, epoch: epoch)
                } else {
                    try store.seal(
                        Seal(
                            slot: slot, epoch: epoch, device: chunk.device, replaced: [], chunks: [copy], upTo: upTo))
                }
                count += 1
            } catch .invalid {
                // It has not vanished: it is there.
            }
        }
        return count
    }

    /// What the cache has of a damaged chunk; where chunks vanished, all that it has of that time.
    private func copies(of chunk: DamagedChunk) throws(CacheError) -> [Seal.Chunk] {
        let before = Timestamp(microseconds: chunk.first.microseconds - 1)
        let after = Timestamp(microseconds: chunk.last.microseconds + 1)
        let firsts =
            chunk.hasVanished
            ? try cache.chunks(chunk.device, endingAfter: before, beginningBefore: after).map(\.first)
                .filter { $0 >= chunk.first } : [chunk.first]
        var copies: [Seal.Chunk] = []
        for first in firsts {
            do throws(CacheError) {
                let batch = try cache.chunk(chunk.device, first: first, parameters: nil, hashes: true)
                copies.append(sealed(batch))
            } catch .corrupt {}
        }
        return copies
    }

    private func setApart(_ chunk: DamagedChunk) throws(StoreError) {
        let slot = Slot(device: chunk.device)
        try store.setApart(chunk, slot: slot, epoch: setup.epochs[slot] ?? 0, at: now)
        setup.board.count { $0.chunksDamaged += 1 }
        setup.logger.error(
            "damaged chunk is set apart",
            metadata: [
                "device": "\(chunk.device)", "first": "\(chunk.first.seconds)", "last": "\(chunk.last.seconds)",
                "reason": "\(chunk.reason)",
            ])
        noteDamage(chunk.device, "messages are damaged and set apart: \(chunk.reason)")
    }

    /// Moves the horizons of assignments past chunks that nobody can read: what ends before stays as it is, and what
    /// comes after begins from nothing.
    private func passDamage(_ chunks: [DamagedChunk], _ keys: [AssignmentKey]) throws(StoreError) {
        guard let device = keys.first?.device, let last = try chunks.map(believable).max() else { return }
        let horizon = Timestamp(microseconds: last.microseconds + 1)
        var assignments: [AssignmentExpiry] = []
        for key in keys {
            guard let marks = try store.assignment(key)?.marks, marks.horizon < horizon else { continue }
            assignments.append(
                AssignmentExpiry(
                    key: key, basePosition: marks.logPosition, horizon: horizon, state: nil, intervalsBefore: nil))
        }
        guard !assignments.isEmpty else { return }
        let slot = Slot(device: device)
        let expiry = Expiry(
            slot: slot, epoch: setup.epochs[slot] ?? 0, device: device, horizon: nil, assignments: assignments, at: now)
        self.expiry.forgetMarks()
        for result in store.expire([expiry]) { _ = try result.get() }
    }

    /// The last message of a damaged chunk, unless its row says what cannot be: that it lies behind all that is there.
    private func believable(_ chunk: DamagedChunk) throws(StoreError) -> Timestamp {
        var latest = devices[chunk.device]?.cached?.latest ?? (chunk.hasVanished ? .distantPast : chunk.last)
        do throws(StoreError) {
            try store.forEachArchivedChunk(device: chunk.device, overlapping: .all, isReversed: true) { archived in
                latest = max(latest, archived.last)
                return false
            }
        } catch .corrupt {}
        return min(max(chunk.first, min(chunk.last, latest)), now.advanced(bySeconds: Self.lastBelievableSeconds))
    }

    /// Messages are not taken for true that are further ahead of now.
    private static let lastBelievableSeconds = 86_400.0

    /// Moves the horizon of an assignment past what was set apart of its device, or of those that stood for it.
    func passDamage(of key: AssignmentKey) throws(StoreError) {
        let apart = try store.damagedChunks(device: nil)
        guard !apart.isEmpty else { return }
        let stretches = picture.devices[key.device]?.stretches ?? []
        let concerning = apart.filter { chunk in
            let range = TimeRange(inclusive: chunk.first, max(chunk.first, chunk.last))
            return chunk.device == key.device
                || stretches.contains { $0.facts.id == chunk.device && $0.range.overlaps(range) }
        }
        try passDamage(concerning, [key])
    }

    /// Copies a device from the primary store again. What the cache has of it goes at once: while the device waits for
    /// its copy, new messages pass it by, and a restart must not take the rest for all of it.
    func copyAnew(_ device: DeviceID) throws {
        guard devices[device] != nil else { return }
        for key in devices[device]?.keys ?? [] { giveUp(key) }
        try cache.removeDevice(device)
        devices[device]?.sync = .unsynced
        devices[device]?.cached = nil
        if !unsynced.contains(device) { unsynced.append(device) }
    }

    /// Says on the board what is wrong with the messages of a device.
    func noteDamage(_ device: DeviceID, _ reason: String) {
        damage[device] = reason
        publish(device)
    }

    /// Says on the board how a device stands.
    func publish(_ device: DeviceID) {
        guard let work = devices[device] else { return }
        setup.board.set(
            DeviceStatus(sync: work.sync, position: work.cached == nil ? 0 : position, failure: damage[device]),
            of: device)
    }

    /// Learns what was set apart of this worker's devices.
    func restoreDamage() throws(StoreError) {
        damage = [:]
        for chunk in try store.damagedChunks(device: nil) where setup.slots.contains(Slot(device: chunk.device)) {
            damage[chunk.device] = "messages are damaged and set apart: \(chunk.reason)"
        }
    }
}

extension DamagedChunk {
    /// Whether it stands for chunks of which nothing is left, somewhere in its range.
    fileprivate var hasVanished: Bool { count == 0 }
}

extension TimeRange {
    fileprivate func overlaps(_ other: TimeRange) -> Bool { lower < other.upper && other.lower < upper }
}
