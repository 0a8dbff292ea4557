import FoundationEssentials
import PrimaryStore
import ReferenceEvaluator
import StoreSupport
import Telemetry
import Testing

@testable import CalcProcess

/// What was written and is not there any more is put right where a copy is left, and told where none is.
struct DamageTests {
    private static let begin = 1_700_000_000.0
    private static let day = 86_400.0

    /// Drives of every hour of some days, sealed day by day, each day a chunk.
    private func rig(days: Int = 3) throws -> NestedRig {
        let nest = try NestedRig([FuseRig.drives(minActive: 0)], stateSpacing: 16, sealSeconds: 0)
        nest.rig.now = Timestamp(seconds: Self.begin + Double(days + 1) * Self.day)
        for day in 0..<days { try send(nest, day) }
        try nest.settle()
        return nest
    }

    private func send(_ nest: NestedRig, _ day: Int) throws {
        let start = (Self.begin / Self.day).rounded(.down) * Self.day + Double(day) * Self.day
        try nest.send(
            (0..<24).flatMap { hour -> [(Double, [String: RefValue])] in
                let moment = start + Double(hour) * 3_600
                return [
                    (moment, ["din": .boolean(true), "load": .number(Double(hour % 5 + day))]),
                    (moment + 600, ["din": .boolean(false)]),
                ]
            })
        try nest.settle()
    }

    private func firsts(_ nest: NestedRig) throws -> [Timestamp] {
        var firsts: [Timestamp] = []
        try nest.rig.store.forEachArchivedChunk(device: nest.device) { chunk in
            firsts.append(chunk.first)
            return true
        }
        return firsts
    }

    private func flip(_ nest: NestedRig, _ first: Timestamp) throws {
        try DamagedStore.flipBit(
            in: "chunks", column: "bytes", where: "device = \(nest.device) AND first = \(first.microseconds)",
            folder: nest.rig.folder)
    }

    private func bytes(_ nest: NestedRig) throws -> [[UInt8]] {
        try nest.rig.store.archivedChunks(device: nest.device, overlapping: .all).map(\.bytes)
    }

    // MARK: The archive

    @Test("a damaged chunk of the archive is repaired from the cache")
    func repaired() throws {
        let nest = try rig()
        let before = try bytes(nest)
        let firsts = try firsts(nest)
        #expect(firsts.count >= 3)
        for first in firsts { try flip(nest, first) }
        #expect(throws: StoreError.self) { try bytes(nest) }
        #expect(try nest.worker.lookForDamage(nest.device))
        #expect(try bytes(nest) == before)
        #expect(nest.rig.board.metrics.chunksRepaired == Int64(firsts.count))
        #expect(nest.rig.board.metrics.chunksDamaged == 0)
        #expect(try nest.rig.store.damagedChunks(device: nest.device).isEmpty)
        #expect(try !nest.worker.lookForDamage(nest.device))
        try nest.agrees()
    }

    @Test("chunks that vanished from the archive are put back from the cache")
    func vanished() throws {
        let nest = try rig()
        let before = try bytes(nest)
        try DamagedStore.run("DELETE FROM chunks WHERE device = \(nest.device)", in: nest.rig.folder)
        #expect(try nest.worker.lookForDamage(nest.device))
        #expect(try bytes(nest) == before)
        #expect(try nest.rig.store.damagedChunks(device: nest.device).isEmpty)
    }

    @Test("a damaged chunk of which there is no copy is set apart: what lies before stays, what comes is calculated")
    func setApart() throws {
        let nest = try rig()
        let firsts = try firsts(nest)
        let texts = try nest.rig.texts(nest.keys[0])
        let damaged = firsts[1]
        try flip(nest, damaged)
        try nest.rig.deleteCaches()
        try nest.rig.start(workerCount: 1)
        try nest.settle()
        let apart = try nest.rig.store.damagedChunks(device: nil)
        #expect(apart.map(\.first) == [damaged] && apart.first?.since != nil)
        let horizon = try #require(try nest.rig.store.assignment(nest.keys[0])?.marks.horizon)
        #expect(horizon.microseconds == (apart.first?.last.microseconds ?? 0) + 1)
        #expect(try nest.rig.texts(nest.keys[0]).prefix(24) == texts.prefix(24))
        #expect(nest.rig.board.metrics.chunksDamaged == 1)
        #expect(nest.rig.board.status(of: nest.device).failure?.contains("damaged") == true)
        #expect(nest.rig.board.status(of: nest.device).sync == .synced)
        try send(nest, 3)
        let after = try nest.rig.texts(nest.keys[0])
        #expect(after.prefix(24) == texts.prefix(24) && after.count == 96)
        // Nobody is answered with a gap that is not told.
        #expect(throws: StoreError.self) {
            try MessageHistory(store: nest.rig.store).forEachBlock(device: nest.device, range: .all) { _ in true }
        }
        try nest.rig.start(workerCount: 1)
        try nest.settle()
        #expect(try nest.rig.texts(nest.keys[0]) == after)
        #expect(nest.rig.board.status(of: nest.device).failure?.contains("damaged") == true)
    }

    @Test("an assignment that is made after a chunk was set apart begins behind it")
    func assignedAfter() throws {
        let nest = try rig()
        try flip(nest, try firsts(nest)[0])
        try nest.rig.deleteCaches()
        try nest.rig.start(workerCount: 1)
        try nest.settle()
        let calculator = try nest.rig.store.createCalculator(name: "late", json: FuseRig.drives("late", minActive: 0))
        let key = AssignmentKey(calculator: calculator.id, device: nest.device)
        _ = try nest.rig.store.assign([key], isEnabled: true, isAutoCreated: false)
        try nest.settle()
        let last = try #require(try nest.rig.store.damagedChunks(device: nil).first?.last)
        #expect(try nest.rig.store.assignment(key)?.marks.horizon.microseconds == last.microseconds + 1)
        #expect(try nest.rig.texts(key).count == 48)
    }

    @Test("a chunk that is damaged in the cache as well is set apart, and the cache is built anew")
    func damagedTwice() throws {
        let nest = try rig()
        let first = try firsts(nest)[0]
        try flip(nest, first)
        try DamagedStore.flipBit(
            in: "chunks", column: "data", where: "device = \(nest.device) AND first = \(first.microseconds)",
            folder: nest.rig.folder, file: "cache/worker-0.db")
        _ = try nest.worker.lookForDamage(nest.device)
        try nest.settle()
        #expect(try nest.rig.store.damagedChunks(device: nil).map(\.first) == [first])
        #expect(nest.rig.board.status(of: nest.device).sync == .synced)
        #expect(try nest.rig.texts(nest.keys[0]).count == 72)
    }

    // MARK: The log

    @Test("a damaged batch of the log is passed over, counted and told; the others go on", arguments: [true, false])
    func log(_ isRunning: Bool) throws {
        let nest = try NestedRig([FuseRig.drives(minActive: 0)], stateSpacing: 16, sealSeconds: 1e9)
        nest.rig.now = Timestamp(seconds: Self.begin + 20_000)
        for drive in 0..<6 {
            try nest.send([
                (Self.begin + Double(drive) * 100, ["din": .boolean(true), "load": .number(1)]),
                (Self.begin + Double(drive) * 100 + 40, ["din": .boolean(false)]),
            ])
        }
        let last = nest.rig.store.lastPosition
        for position in [last - 4, last - 3, last - 1] {
            try DamagedStore.flipBit(
                in: "log", column: "bytes", where: "position = \(position)", folder: nest.rig.folder)
        }
        if !isRunning {
            try nest.rig.deleteCaches()
            try nest.rig.start(workerCount: 1)
        }
        try nest.settle()
        #expect(try nest.rig.texts(nest.keys[0]).count == 3)
        let status = nest.rig.board.status(of: nest.device)
        #expect(status.sync == .synced && status.failure?.contains("log batch") == true)
        if isRunning { #expect(nest.rig.board.metrics.logBatchesDamaged == 3) }
        try nest.send([(Self.begin + 900, ["din": .boolean(true), "load": .number(1)])])
        try nest.settle()
        #expect(try nest.rig.texts(nest.keys[0]).count == 4)
        #expect(nest.worker.position == nest.rig.store.lastPosition)
    }

    @Test(
        "an asset of a device with a damaged batch of the log has all the rest, and says so", arguments: [true, false])
    func assetLog(_ isRunning: Bool) throws {
        let nest = try NestedRig([FuseRig.drives(minActive: 0)], sealSeconds: 1e9)
        nest.rig.now = Timestamp(seconds: Self.begin + 20_000)
        let asset = try nest.rig.store.createEntity(.asset, name: "asset", json: "{}").id
        let key = AssignmentKey(calculator: nest.ids[0], device: DeviceID(asset: asset))
        _ = try nest.rig.store.assign([key], isEnabled: true, isAutoCreated: false)
        let course = AssetInterval(
            asset: asset, begin: Timestamp(seconds: Self.begin), end: nil, device: nest.device, json: "{}",
            timestamp: nest.rig.now)
        if isRunning { _ = try nest.rig.store.overlayAssetIntervals(asset, [course]) }
        try nest.settle()
        for drive in 0..<3 {
            try nest.send([
                (Self.begin + Double(drive) * 100, ["din": .boolean(true), "load": .number(1)]),
                (Self.begin + Double(drive) * 100 + 40, ["din": .boolean(false)]),
            ])
        }
        try DamagedStore.flipBit(
            in: "log", column: "bytes", where: "position = \(nest.rig.store.lastPosition - 1)", folder: nest.rig.folder)
        if !isRunning { _ = try nest.rig.store.overlayAssetIntervals(asset, [course]) }
        try nest.settle()
        #expect(try nest.rig.texts(key).count == 2)
        let status = nest.rig.board.status(of: key.device)
        #expect(status.sync == .synced && status.failure?.contains("log batch") == true)
    }
}
