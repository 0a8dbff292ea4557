import Telemetry

extension MessageChunk {
    /// The hash of each message's own parameters. Where they are not stored, every column is decoded.
    public func hashes() throws(ChunkError) -> [UInt64] { try hashes([]) }

    /// The messages with only the parameters named, to be merged with others that stand at some times, which ascend.
    ///
    /// The hashes, which may cost more than all else, are counted up where the order of the whole does not depend on
    /// them: where there are no others, or none stands at the time of a message here.
    public func batch(parameters: [ParameterID], besides times: [Int64]) throws(ChunkError) -> MessageBatch {
        var batch = try batch(parameters: parameters, hashes: false)
        if needsHashes(batch.timestamps, besides: times) {
            batch.hashes = try hashes(batch.columns)
        } else {
            for row in batch.hashes.indices { batch.hashes[row] = UInt64(row) }
        }
        return batch
    }

    private func needsHashes(_ own: [Int64], besides times: [Int64]) -> Bool {
        guard !times.isEmpty else { return !isSorted }
        if hasEqualTimestamps || !isSorted { return true }
        var row = 0
        for time in times {
            while row < own.count, own[row] < time { row += 1 }
            if row < own.count, own[row] == time { return true }
        }
        return false
    }

    /// The hashes, where some columns are decoded already.
    func hashes(_ decoded: [MessageColumn]) throws(ChunkError) -> [UInt64] {
        guard header.hasComputedHashes else { return storedHashes() }
        let columns = decoded.count == header.columns.count ? decoded : try self.decoded(header.columns)
        return PayloadHash.hashes(of: columns, nameHashes: header.columns.map { $0.nameHash }, count: count)
    }

    private func storedHashes() -> [UInt64] {
        bytes.withUnsafeBytes { raw in
            let part = UnsafeRawBufferPointer(rebasing: raw[header.hashes])
            return (0..<header.count).map { row in
                UInt64(littleEndian: part.loadUnaligned(fromByteOffset: row * 8, as: UInt64.self))
            }
        }
    }
}
