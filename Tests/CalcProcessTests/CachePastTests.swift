import FoundationEssentials
import LocalCache
import PrimaryStore
import ReferenceEvaluator
import Telemetry
import Testing

@testable import CalcProcess

/// A cache is gone on with only where nothing has happened to its store without it.
struct CachePastTests {
    /// A source that time alone closes, and one that reads it.
    private static let calculators = [
        """
        {"name":"source","update_delay":1,"selectors":[{"type":"expression","expression":"din","min_active":0,\
        "max_inactive":300}],"counters":[{"name":"load","type":"expression","expression":"$load","method":"maximum"},\
        {"name":"open","type":"active"}]}
        """,
        """
        {"name":"reader","update_delay":1,"selectors":[{"type":"datetime"}],"counters":[{"name":"drives","type":"calc",\
        "calc_id":1,"method":"each","fields":["load","open","begin","end"]}]}
        """,
    ]

    private func nest(workerCount: Int = 1) throws -> NestedRig {
        let nest = try NestedRig(Self.calculators, workerCount: workerCount, sealSeconds: 0)
        // The last stretch is open until time alone ends it.
        nest.rig.now = Timestamp(seconds: NestedTests.begin + 1_700)
        try nest.send(NestedTests.messages("11.......37........22......."))
        try nest.settle()
        try nest.agrees()
        return nest
    }

    /// Whether the workers have gone on with what their caches held of the device.
    private func hasKept(_ nest: NestedRig) -> Bool { nest.worker.devices[nest.device]?.sync == .synced }

    @Test("a restart goes on with the cache, one after another", arguments: [1, 2, 3])
    func restarts(_ workerCount: Int) throws {
        let nest = try nest(workerCount: workerCount)
        for _ in 0..<3 {
            try nest.rig.start(workerCount: workerCount)
            #expect(hasKept(nest))
        }
        try nest.send([(NestedTests.begin + 2_225, ["din": .boolean(true), "load": .number(8)])])
        try nest.settle()
        try nest.agrees()
    }

    @Test("with another number of workers a cache that was left behind is not gone on with when its number is back")
    func otherWorkers() throws {
        let nest = try nest(workerCount: 2)
        let index = Int(Slot(device: nest.device).rawValue) % 2
        let kept = try saved(nest, index)
        try nest.rig.start(workerCount: 1)
        try nest.settle()
        #expect(hasKept(nest))
        try nest.send([(NestedTests.begin + 2_225, ["din": .boolean(true), "load": .number(8)])])
        try nest.settle()
        try put(kept, nest, index)
        try nest.rig.start(workerCount: 2)
        #expect(!hasKept(nest))
        try nest.settle()
        try nest.agrees()
        #expect(hasKept(nest))
    }

    @Test("a start that ended before its caches were taken up costs them, and nothing else")
    func endedEarly() throws {
        let nest = try nest()
        _ = try nest.rig.store.claimAllSlots(owner: "test", at: nest.rig.now)
        try nest.send([(NestedTests.begin + 2_225, ["din": .boolean(true), "load": .number(8)])])
        try nest.rig.start(workerCount: 1)
        #expect(!hasKept(nest))
        try nest.settle()
        try nest.agrees()
        try nest.rig.start(workerCount: 1)
        #expect(hasKept(nest))
    }

    @Test("an older cache that is put back beside a store that went on without it is built anew")
    func olderCache() throws {
        let nest = try nest()
        let old = try saved(nest, 0)
        try nest.rig.start(workerCount: 1)
        // Time alone changes the intervals, so that no position and no mark of the log tells.
        nest.rig.now = nest.rig.now.advanced(bySeconds: 4_000)
        try nest.settle()
        try put(old, nest, 0)
        try nest.rig.start(workerCount: 1)
        #expect(!hasKept(nest))
        try nest.settle()
        try nest.agrees()
    }

    @Test("a cache of a lost past, not ahead of the store that was put back, is built anew")
    func lostPast() throws {
        let nest = try nest()
        // What is noted there is of later starts than the store has seen: it was put back.
        let slot = Slot(device: nest.device)
        let epochs = try epochs(nest)
        try note(nest, Dictionary(uniqueKeysWithValues: epochs.map { ($0.key, $0.value + 3) }))
        try nest.rig.start(workerCount: 1)
        #expect(!hasKept(nest))
        try nest.settle()
        #expect(hasKept(nest))
        #expect(try self.epochs(nest)[slot] == epochs[slot].map { $0 + 1 })
        try nest.agrees()
    }

    @Test("a cache of which no epoch is noted is built anew")
    func withoutNote() throws {
        let nest = try nest()
        try note(nest, [:])
        try nest.rig.start(workerCount: 1)
        #expect(!hasKept(nest))
        try nest.settle()
        try nest.agrees()
    }

    @Test("only the devices of slots that somebody else had meanwhile are copied anew")
    func oneByOne() throws {
        let nest = try nest()
        let other = DeviceID(1)
        _ = try nest.rig.store.assign(
            [AssignmentKey(calculator: nest.ids[0], device: other)], isEnabled: true, isAutoCreated: false)
        try nest.settle()
        var epochs = try epochs(nest)
        epochs[Slot(device: other), default: 0] -= 1
        try note(nest, epochs)
        try nest.rig.start(workerCount: 1)
        #expect(hasKept(nest) && nest.worker.devices[other]?.sync != .synced)
        try nest.settle()
        #expect(nest.worker.devices[other]?.sync == .synced)
        try nest.agrees()
    }

    @Test("a worker that begins anew in its own ownership goes on with its cache")
    func sameOwnership() throws {
        let nest = try nest()
        let setup = nest.worker.setup
        let again = try Worker(setup)
        #expect(again.devices[nest.device]?.sync == .synced)
    }

    // MARK: Files

    private func epochs(_ nest: NestedRig) throws -> [Slot: Int64] {
        try WorkerCache(path: nest.rig.cachePath(0), storeID: nest.rig.store.storeID).epochs()
    }

    private func note(_ nest: NestedRig, _ epochs: [Slot: Int64]) throws {
        try WorkerCache(path: nest.rig.cachePath(0), storeID: nest.rig.store.storeID).setEpochs(epochs)
    }

    /// The files of a cache as they are now.
    private func saved(_ nest: NestedRig, _ index: Int) throws -> [String: Data] {
        let manager = FileManager.default
        return Dictionary(
            uniqueKeysWithValues: ["", "-wal"].compactMap { suffix in
                manager.contents(atPath: nest.rig.cachePath(index) + suffix).map { (suffix, $0) }
            })
    }

    /// Puts files in the place of a cache, whose workers have been ended.
    private func put(_ files: [String: Data], _ nest: NestedRig, _ index: Int) throws {
        try nest.rig.deleteCaches()
        for (suffix, data) in files { try data.write(to: URL(filePath: nest.rig.cachePath(index) + suffix)) }
    }
}
