import FoundationEssentials
import LocalCache
import MessageChunks
import PrimaryStore
import ReferenceEvaluator
import SQLiteClient
import StoreSupport
import Telemetry
import Testing

@testable import CalcProcess

/// What nobody is likely to add to any more is stored for the long run, and nothing else changes.
struct ColdChunkTests {
    private static let day = 86_400.0
    /// The begin of a day.
    private static let begin = 1_699_920_000.0

    /// Drives of every hour of three days, sealed day by day, with noise that zstd shortens.
    private func rig(coldSeconds: Double = 3_600) throws -> NestedRig {
        let nest = try NestedRig([FuseRig.drives(minActive: 0)], stateSpacing: 16, sealSeconds: 0)
        nest.rig.configure = { $0.coldSeconds = coldSeconds }
        try nest.rig.start(workerCount: 1)
        nest.rig.now = Timestamp(seconds: Self.begin + 4 * Self.day)
        for day in 0..<3 { try send(nest, Self.begin + Double(day) * Self.day) }
        return nest
    }

    private func send(_ nest: NestedRig, _ start: Double) throws {
        try nest.send(
            (0..<288).map { step -> (Double, [String: RefValue]) in
                let moment = start + Double(step) * 300
                return (moment, ["din": .boolean(step % 12 < 3), "load": .number(Double(step % 5))])
            })
        try nest.settle()
    }

    private func chunks(_ nest: NestedRig) throws -> [ArchivedChunk] {
        try nest.rig.store.archivedChunks(device: nest.device, overlapping: .all)
    }

    /// The bytes of the cache's chunks, by what is read.
    private func cached(_ nest: NestedRig) throws -> [MessageBatch] {
        let cache = nest.worker.cache
        return try cache.chunks(nest.device, endingAfter: .distantPast).map {
            try cache.chunk(nest.device, first: $0.first, parameters: nil, hashes: true)
        }
    }

    private func cacheSize(_ nest: NestedRig) throws -> Int64 {
        let cache = try Connection(path: nest.rig.cachePath(0), mode: .readOnly)
        return try cache.integer("SELECT SUM(LENGTH(data)) FROM chunks") ?? 0
    }

    @Test("once chunks are old enough, archive and cache keep the same messages in fewer bytes")
    func cold() throws {
        let nest = try rig(coldSeconds: 1e9)
        let warm = try chunks(nest)
        let size = try cacheSize(nest)
        #expect(warm.count == 3 && warm.allSatisfy { !$0.isCold })
        let texts = try nest.rig.texts(nest.keys[0])
        nest.rig.configure = { $0.coldSeconds = 3_600 }
        try nest.rig.start(workerCount: 1)
        try nest.settle()
        let cold = try chunks(nest)
        #expect(cold.allSatisfy(\.isCold) && cold.map(\.first) == warm.map(\.first))
        for (new, old) in zip(cold, warm) {
            #expect(new.bytes.count < old.bytes.count)
            #expect(try MessageChunk(new.bytes).batch() == MessageChunk(old.bytes).batch())
        }
        #expect(try cacheSize(nest) == Int64(cold.reduce(0) { $0 + $1.bytes.count }))
        #expect(try cacheSize(nest) < size)
        #expect(nest.rig.board.metrics.chunksCooled == 3)
        #expect(try nest.rig.store.audit(slots: .all) == [])
        try nest.worker.cache.audit(readsBodies: true)
        #expect(try nest.rig.texts(nest.keys[0]) == texts)
        try nest.agrees()
    }

    @Test("a late message into a cold day changes what it must, and the day becomes cold again")
    func late() throws {
        let nest = try rig()
        #expect(try chunks(nest).allSatisfy(\.isCold))
        // The same moment with other parameters, a moment of its own, and a duplicate.
        try nest.send([
            (Self.begin + 3_600, ["load": .number(50)]), (Self.begin + 4_000, ["din": .boolean(true)]),
            (Self.begin + 300, ["din": .boolean(true), "load": .number(1)]),
        ])
        try nest.settle()
        try nest.agrees()
        #expect(try chunks(nest).map(\.count) == [290, 288, 288])
        #expect(try chunks(nest).allSatisfy(\.isCold))
        let archived = try chunks(nest).map { try MessageChunk($0.bytes).batch() }
        #expect(try cached(nest) == archived)
        #expect(nest.rig.board.metrics.chunksCooled == 4)
    }

    @Test("a damaged cold chunk is repaired from the cache, and a cache is copied from cold chunks")
    func damaged() throws {
        let nest = try rig()
        let before = try chunks(nest).map { try MessageChunk($0.bytes).batch() }
        let first = try chunks(nest)[1].first
        try DamagedStore.flipBit(
            in: "chunks", column: "bytes", where: "device = \(nest.device) AND first = \(first.microseconds)",
            folder: nest.rig.folder)
        #expect(try nest.worker.lookForDamage(nest.device))
        #expect(try chunks(nest).map(\.isCold) == [true, false, true])
        try nest.settle()
        #expect(try chunks(nest).map(\.isCold) == [true, true, true])
        try nest.rig.deleteCaches()
        try nest.rig.start(workerCount: 1)
        try nest.settle()
        #expect(try cached(nest) == before)
        #expect(try chunks(nest).map { try MessageChunk($0.bytes).batch() } == before)
        try nest.agrees()
    }

    @Test("where the worker ends between cache and archive, the next one does both again", arguments: [true, false])
    func cut(_ isDurable: Bool) throws {
        let nest = try rig(coldSeconds: 1e9)
        nest.rig.configure = { $0.coldSeconds = 3_600 }
        try nest.rig.start(workerCount: 1)
        struct Cut: Error {}
        let fail: (Int, StoreHooks.Call) throws(StoreError) -> Void = { _, call throws(StoreError) in
            if call == .cool { throw .database("cut off") }
        }
        if isDurable { nest.rig.hooks.after = fail } else { nest.rig.hooks.before = fail }
        try nest.settle()
        (nest.rig.hooks.before, nest.rig.hooks.after) = (nil, nil)
        #expect(try chunks(nest).allSatisfy { $0.isCold == isDurable })
        try nest.rig.start(workerCount: 1)
        try nest.settle()
        #expect(try chunks(nest).allSatisfy(\.isCold))
        #expect(try cacheSize(nest) == Int64(try chunks(nest).reduce(0) { $0 + $1.bytes.count }))
        try nest.agrees()
    }
}
