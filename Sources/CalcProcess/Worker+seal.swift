import LocalCache
import Logging
import MessageChunks
import PrimaryStore
import Telemetry

extension Worker {
    /// Devices that are sealed between two looks at the log.
    private static let sealsPerRoundMax = 64
    /// Seconds until a device with a damaged chunk is tried again.
    private static let corruptPauseSeconds = 600.0
    /// Seconds between two looks at what waits to be sealed.
    static let sealLookSeconds = 5.0

    /// Makes log rows into archive chunks, for every device of this worker's slots; false if none was due.
    func sealSome() throws -> Bool {
        guard now >= nextSeal else { return false }
        let candidates = try store.pendingLog(slots: setup.slots)
        let waitingNow = Set(candidates.map(\.device))
        waitingSince = waitingSince.filter { waitingNow.contains($0.key) }
        for waiting in candidates where waitingSince[waiting.device] == nil { waitingSince[waiting.device] = now }
        let ripe = candidates.filter { isRipe($0) }.prefix(Self.sealsPerRoundMax)
        var seals: [Seal] = []
        for waiting in ripe {
            do {
                if try hasMissedSeal(waiting.device) {
                    try copyAnew(waiting.device)
                    continue
                }
                if let seal = try seal(waiting.device) { seals.append(seal) }
            } catch StoreError.corrupt(let reason) {
                if try lookForDamage(waiting.device) { continue }
                noteDamage(waiting.device, reason)
                // The messages stay in the log, where they are safe and are read from.
                setup.logger.error(
                    "device cannot be sealed", metadata: ["device": "\(waiting.device)", "reason": "\(reason)"])
                waitingSince[waiting.device] = now.advanced(bySeconds: Self.corruptPauseSeconds)
            }
        }
        let sealedCount = try apply(seals)
        // More only if this brought something: what fails is paused, not tried at once again.
        let isMore = ripe.count == Self.sealsPerRoundMax && sealedCount > 0
        if !isMore { nextSeal = now.advanced(bySeconds: min(Self.sealLookSeconds, max(0.05, setup.sealSeconds))) }
        return isMore
    }

    /// Whether a seal of a device was written whose answer did not come: the next one would leave its messages out of
    /// the cache.
    func hasMissedSeal(_ device: DeviceID) throws -> Bool {
        guard devices[device]?.sync == .synced, let cached = devices[device]?.cached else { return false }
        return try store.archiveMark(device: device) != cached.sealed
    }

    private func isRipe(_ waiting: PendingLog) -> Bool {
        guard let since = waitingSince[waiting.device], since <= now else { return false }
        return waiting.messageCount >= setup.sealCount || now >= since.advanced(bySeconds: setup.sealSeconds)
    }

    /// What sealing a device up to this worker's position replaces and writes; nil if there is nothing to seal.
    private func seal(_ device: DeviceID) throws -> Seal? {
        let log = try unsealed(device)
        guard !log.batch.isEmpty else { return nil }
        var replaced: [Timestamp] = []
        var chunks: [Seal.Chunk] = []
        // What has expired meanwhile goes, from the chunks that are written anew too.
        let kept = TimeRange(lower: try horizon(of: device), upper: .distantFuture)
        for day in log.batch.sorted().clipped(to: kept).days() {
            let neighbours = try neighbours(of: day, device)
            let merged = try neighbours.reduce(day) { merged, chunk throws(StoreError) in
                try MessageHistory.decode(chunk, device: device).merged(with: merged)
            }
            replaced += neighbours.map(\.first)
            chunks += MessageChunk.split(merged.clipped(to: kept)).map { sealed($0) }
        }
        let slot = Slot(device: device)
        return Seal(
            slot: slot, epoch: setup.epochs[slot] ?? 0, device: device, replaced: replaced, chunks: chunks,
            upTo: log.upTo)
    }

    /// A chunk of messages that are kept.
    func sealed(_ batch: MessageBatch) -> Seal.Chunk { Seal.Chunk(encoding: batch, names: store.parameters) }

    /// The log rows of a device that this worker has seen; some of them, if there are very many.
    private func unsealed(_ device: DeviceID) throws -> (batch: MessageBatch, upTo: Int64) {
        let page = try store.readLog(device: device, after: 0)
        let limit = sealLimit
        let entries = page.entries.filter { $0.position <= limit }
        var parts: [MessageBatch] = []
        for entry in entries { parts.append(try entry.batch()) }
        return (MessageBatch.joined(parts), entries.last?.position ?? 0)
    }

    /// The chunks of a day that new messages fall into, and the one before them if it has room.
    private func neighbours(of day: MessageBatch, _ device: DeviceID) throws -> [ArchivedChunk] {
        guard let first = day.timestamps.first, let last = day.timestamps.last else { return [] }
        let dayStart = first - first.flooredRemainder(by: MessageBatch.dayMicroseconds)
        let range = TimeRange(
            inclusive: Timestamp(microseconds: dayStart), Timestamp(microseconds: last))
        let chunks = try store.archivedChunks(device: device, overlapping: range)
        let inside = chunks.filter { $0.last.microseconds >= first }
        let before = chunks.last { $0.last.microseconds < first && $0.count < MessageChunk.splitCountMax }
        guard let before, chunks.last(where: { $0.last.microseconds < first }) == before else { return inside }
        return [before] + inside
    }

    /// Writes seals; returns how many were taken.
    private func apply(_ seals: [Seal]) throws -> Int {
        guard !seals.isEmpty else { return 0 }
        var count = 0
        let results = store.seal(seals)
        try transaction {
            for (seal, result) in zip(seals, results) {
                switch result {
                case .success:
                    try settle(seal)
                    count += 1
                case .failure(.fenced(let slot, let epoch, let current)):
                    throw StoreError.fenced(slot: slot, epoch: epoch, current: current)
                case .failure(let error):
                    setup.logger.error("sealing failed and is repeated", metadata: ["error": "\(error)"])
                    waitingSince[seal.device] = now
                }
            }
        }
        return count
    }

    private func settle(_ seal: Seal) throws {
        waitingSince[seal.device] = nil
        setup.board.count { $0.chunksSealed += Int64(seal.chunks.count) }
        guard devices[seal.device]?.sync == .synced else { return }
        try cache.settleSeal(seal.device, replaced: seal.replaced, upTo: seal.upTo)
        for chunk in seal.chunks {
            try cache.insertChunk(seal.device, first: chunk.first, last: chunk.last, count: chunk.count, chunk.bytes)
        }
        devices[seal.device]?.cached?.sealed = seal.upTo
    }
}

extension MessageBatch {
    static let dayMicroseconds: Int64 = 86_400_000_000

    /// The messages of each UTC day; the batch must be sorted.
    func days() -> [MessageBatch] {
        var result: [MessageBatch] = []
        var start = 0
        while start < count {
            let day = timestamps[start].flooredQuotient(by: Self.dayMicroseconds)
            var end = start
            while end < count, timestamps[end].flooredQuotient(by: Self.dayMicroseconds) == day { end += 1 }
            result.append(slice(start..<end))
            start = end
        }
        return result
    }
}

extension Int64 {
    fileprivate func flooredQuotient(by divisor: Int64) -> Int64 { (self - flooredRemainder(by: divisor)) / divisor }

    fileprivate func flooredRemainder(by divisor: Int64) -> Int64 {
        let remainder = self % divisor
        return remainder < 0 ? remainder + divisor : remainder
    }
}

extension Seal.Chunk {
    init(encoding batch: MessageBatch, names: ParameterTable) {
        self.init(
            first: Timestamp(microseconds: batch.timestamps.first ?? 0),
            last: Timestamp(microseconds: batch.timestamps.last ?? 0), count: batch.count,
            bytes: MessageChunk.encodeSealed(batch, names: names))
    }
}
