import LocalCache
import Logging
import MessageChunks
import PrimaryStore
import Telemetry

extension Worker {
    /// Chunks that are stored for the long run in one round: some 10 ms of work.
    private static let coolingsPerRoundMax = 8
    /// Chunks that are asked for at one time, those of other workers among them.
    private static let warmChunksMax = 64
    /// Seconds between two rounds while there is something to do.
    private static let coolPauseSeconds = 0.05
    /// Seconds until it is looked again whether there is something to do.
    private static let coolLookSeconds = 60.0

    /// Stores chunks that nobody is likely to add to any more for the long run: they take less room, and somewhat
    /// longer to read. A late message makes one warm again.
    ///
    /// The cache goes first: where the worker ends in between, the archive still says that there is something to do.
    func coolSome() throws {
        guard now >= nextCooling else { return }
        let places = try store.warmChunks(
            endingBefore: now.advanced(bySeconds: -setup.coldSeconds), after: cooledUpTo,
            countMax: Self.warmChunksMax)
        let own = places.filter { setup.slots.contains(Slot(device: $0.device)) }
        let chosen = own.prefix(Self.coolingsPerRoundMax)
        let isEnd = places.count < Self.warmChunksMax && chosen.count == own.count
        cooledUpTo = isEnd ? nil : chosen.count < own.count ? chosen.last : places.last
        nextCooling = now.advanced(bySeconds: isEnd ? Self.coolLookSeconds : Self.coolPauseSeconds)
        try apply(try chosen.compactMap(cooling))
    }

    /// What a chunk becomes; nil if it is better left alone.
    private func cooling(of place: ChunkPlace) throws -> Cooling? {
        do throws(StoreError) {
            let range = TimeRange(inclusive: place.first, place.first)
            guard let chunk = try store.archivedChunks(device: place.device, overlapping: range).first,
                chunk.first == place.first, !chunk.isCold
            else { return nil }
            let batch = try MessageHistory.decode(chunk, device: place.device)
            let slot = Slot(device: place.device)
            return Cooling(
                slot: slot, epoch: setup.epochs[slot] ?? 0, device: place.device, chunk: chunk,
                bytes: coldBytes(of: batch) ?? chunk.bytes)
        } catch {
            // Whoever looks for damage finds it too.
            if case .corrupt = error { return nil }
            throw error
        }
    }

    /// The bytes for the long run; nil if they do not give the same messages back.
    private func coldBytes(of batch: MessageBatch) -> [UInt8]? {
        let bytes = MessageChunk.encodeSealed(batch, names: store.parameters, isCold: true)
        guard let read = try? MessageChunk(bytes).batch(), read == batch else { return nil }
        return bytes
    }

    private func apply(_ coolings: [Cooling]) throws {
        guard !coolings.isEmpty else { return }
        try transaction {
            for cooling in coolings { try rewriteCached(cooling) }
        }
        for (cooling, result) in zip(coolings, store.cool(coolings)) {
            switch result {
            case .success: setup.board.count { $0.chunksCooled += 1 }
            case .failure(.fenced(let slot, let epoch, let current)):
                throw StoreError.fenced(slot: slot, epoch: epoch, current: current)
            case .failure(let error):
                setup.logger.warning(
                    "chunk is not stored for the long run",
                    metadata: ["device": "\(cooling.device)", "error": "\(error)"])
            }
        }
    }

    /// Gives the cache's copy of a chunk the same bytes, if it is one.
    private func rewriteCached(_ cooling: Cooling) throws {
        guard devices[cooling.device]?.sync == .synced, try !hasMissedSeal(cooling.device) else { return }
        let chunk = cooling.chunk
        try cache.rewriteChunk(
            cooling.device, CachedChunk(first: chunk.first, last: chunk.last, count: chunk.count), cooling.bytes)
    }
}
