import FoundationEssentials
import LocalCache
import Logging
import PrimaryStore
import ReferenceBridge
import ReferenceEvaluator
import SeededRandom
import StoreSupport
import Telemetry
import Testing
import TimeZones

@testable import CalcProcess

/// Calc processes with a real store: what they own, and what becomes of their work when they lose it.
struct OwnershipNodeTests {
    static let caseCount = ProcessInfo.processInfo.environment["ODOGRAPH_CASES"].flatMap(UInt64.init) ?? 6
    static let firstSeed = ProcessInfo.processInfo.environment["ODOGRAPH_SEED"].flatMap(UInt64.init) ?? 1

    @Test("a process that pauses beyond its lease does nothing more, and the other one goes on where it was")
    func pause() throws {
        let house = try NodeHouse()
        let first = house.start("a")
        try house.settle([first])
        try house.send(0..<20)
        try house.settle([first])
        #expect(try house.intervalCount() == 2)
        let second = house.start("b")
        try house.send(20..<40)
        house.now = house.now.advanced(bySeconds: 11)
        try house.settle([second])
        #expect(try house.intervalCount() == 4 && second.keeper.slots == .all)
        try house.send(40..<60)
        #expect(try !first.round(of: 0) && !first.keeper.mayWork)
        try house.settle([first, second])
        #expect(first.keeper.slots.isEmpty && first.seats.allSatisfy { $0.worker == nil })
        #expect(try house.intervalCount() == 6)
    }

    @Test("a fenced push drops the slot and nothing else; it is claimed again once it is free")
    func fenced() throws {
        let house = try NodeHouse()
        let node = house.start("a")
        try house.settle([node])
        try house.send(0..<20)
        let slot = Slot(device: house.device)
        var others: [Slot: Int64] = [:]
        house.hooks.before = { [store = house.store, now = house.now] _, call throws(StoreError) in
            guard call == .push, others.isEmpty else { return }
            // The first owner was not heard of for longer than it thinks.
            others = try store.claimSlots(
                [slot], owner: "b", at: now.advanced(bySeconds: 1_000), leaseSeconds: NodeHouse.leaseSeconds)
        }
        try house.settle([node])
        #expect(!others.isEmpty && house.board(of: node).metrics.fencedPushes == 1)
        #expect(node.keeper.slots.count == 255 && !node.keeper.slots.contains(slot))
        #expect(try house.intervalCount() == 0)
        #expect(node.seats.allSatisfy { $0.worker != nil })
        house.now = house.now.advanced(bySeconds: 1_000 + NodeHouse.leaseSeconds)
        try house.settle([node])
        #expect(try node.keeper.slots == .all && house.intervalCount() == 2)
    }

    @Test("an orderly end frees the slots, and the next start goes on with the caches", arguments: [1, 3])
    func end(workerCount: Int) throws {
        let house = try NodeHouse(workerCount: workerCount)
        for round in 0..<3 {
            let node = house.start("a\(round)", isAlone: round == 2)
            try house.settle([node])
            try house.send(round * 20..<round * 20 + 20)
            try house.settle([node])
            #expect(try house.intervalCount() == round * 2 + 2)
            let isFirst = round == 0
            #expect(house.board(of: node).metrics.devicesSynced == (isFirst ? 1 : 0), "the cache is gone on with")
            try node.end()
            #expect(try house.store.slotLeases().allSatisfy { $0.owner == nil })
            #expect(try !node.step())
        }
    }

    @Test("a beat that fails for a full disk ends nothing; work goes on once there is room")
    func fullDisk() throws {
        let house = try NodeHouse()
        let node = house.start("a", isAlone: true)
        try house.settle([node])
        try house.send(0..<20)
        house.hooks.before = { _, call throws(StoreError) in
            if call == .heartBeat || call == .push { throw .diskFull }
        }
        for _ in 0..<20 {
            house.now = house.now.advanced(bySeconds: 2)
            _ = try node.step()
        }
        #expect(!node.keeper.mayWork)
        house.hooks.before = nil
        house.now = house.now.advanced(bySeconds: 4)
        try house.settle([node])
        #expect(try node.keeper.mayWork && house.intervalCount() == 2)
    }

    @Test("a store that must be opened anew ends the process")
    func failed() throws {
        let house = try NodeHouse()
        let node = house.start("a", isAlone: true)
        try house.settle([node])
        house.hooks.before = { _, call throws(StoreError) in if call == .heartBeat { throw .failed("fsync") } }
        house.now = house.now.advanced(bySeconds: 4)
        #expect(throws: StoreError.failed("fsync")) { try node.step() }
    }

    @Test("a process beats once every third of a lease, however many workers it has")
    func beats() throws {
        let house = try NodeHouse(workerCount: 4)
        let node = house.start("a", isAlone: true)
        var calls: [StoreHooks.Call: Int] = [:]
        house.hooks.before = { _, call throws(StoreError) in calls[call, default: 0] += 1 }
        for _ in 0..<900 {
            _ = try node.step()
            house.now = house.now.advanced(bySeconds: 0.1)
        }
        #expect(calls[.claimAllSlots] == 1 && calls[.claimSlots] == nil)
        // The first step at or after 3.33 s.
        #expect(calls[.heartBeat] == 26)
    }

    @Test("several processes on one store never work on the same slot, and come to one full evaluation")
    func random() throws {
        for seed in Self.firstSeed..<Self.firstSeed + Self.caseCount {
            if let failure = try NodeRun(seed: seed).failure() {
                Issue.record("seed \(seed): \(failure)")
                return
            }
        }
    }
}

/// Some processes that pause, crash, are cut off and come back.
private final class NodeRun {
    private let house: NodeHouse
    private var random: SeededGenerator
    private var nodes: [CalcNode?]
    private var pausedUntil: [Timestamp]
    private var starts = 0
    private var sent = 0
    private var log: [String] = []

    init(seed: UInt64) throws {
        random = SeededGenerator(seed: seed)
        house = try NodeHouse(workerCount: Int.random(in: 1...2, using: &random))
        nodes = Array(repeating: nil, count: Int.random(in: 1...3, using: &random))
        pausedUntil = Array(repeating: .distantPast, count: nodes.count)
    }

    func failure() throws -> String? {
        house.hooks.before = { [weak self] _, _ throws(StoreError) in
            if self?.fails(30) == true { throw .database("cut off") }
        }
        house.hooks.after = { [weak self] _, _ throws(StoreError) in
            if self?.fails(60) == true { throw .database("answer lost") }
        }
        for _ in 0..<150 {
            house.now = house.now.advanced(bySeconds: Double.random(in: 0...1.5, using: &random))
            for index in nodes.indices { try live(index) }
            if Int.random(in: 0..<5, using: &random) == 0 {
                try house.send(sent..<sent + 7)
                sent += 7
            }
            if let failure = try ownersAtWork() { return "\(failure) after \(log.suffix(8))" }
        }
        return try rest()
    }

    private func fails(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &random) == 0 }

    private func live(_ index: Int) throws {
        guard pausedUntil[index] <= house.now else { return }
        let dice = Int.random(in: 0..<40, using: &random)
        guard let node = nodes[index] else {
            if dice < 8 { start(index) }
            return
        }
        switch dice {
        case 0:
            log.append("\(index) crashes")
            nodes[index] = nil
        case 1:
            log.append("\(index) ends")
            do { try node.end() } catch is StoreError {}
            nodes[index] = nil
        case 2:
            log.append("\(index) pauses")
            pausedUntil[index] = house.now.advanced(bySeconds: Double.random(in: 0...25, using: &random))
        default: _ = try node.step()
        }
    }

    private func start(_ index: Int) {
        starts += 1
        nodes[index] = house.start("\(index)-\(starts)", folder: "\(index)")
    }

    /// What is wrong with who works on what.
    private func ownersAtWork() throws -> String? {
        let leases = try house.store.slotLeases()
        var owners: [Slot: Int] = [:]
        for (index, node) in nodes.enumerated() {
            guard let node, node.keeper.mayWork else { continue }
            for slot in node.keeper.slots.slots {
                if let other = owners[slot] { return "slot \(slot.rawValue) has owners \(other) and \(index)" }
                owners[slot] = index
                if leases[Int(slot.rawValue)].owner?.hasPrefix("\(index)-") != true {
                    return "\(index) works on slot \(slot.rawValue) of \(leases[Int(slot.rawValue)].owner ?? "nobody")"
                }
            }
        }
        return nil
    }

    private func rest() throws -> String? {
        house.hooks.before = nil
        house.hooks.after = nil
        pausedUntil = pausedUntil.map { _ in .distantPast }
        if nodes.allSatisfy({ $0 == nil }) { start(0) }
        for _ in 0..<30 {
            house.now = house.now.advanced(bySeconds: 3)
            try house.settle(nodes.compactMap { $0 })
        }
        let expected = try house.expectedCount(sent)
        let found = try house.intervalCount()
        return expected == found ? nil : "\(expected) intervals expected, \(found) found after \(log.suffix(12))"
    }
}

/// A store with one device and one calculator, and processes on one thread beside it.
final class NodeHouse {
    static let leaseSeconds = 10.0

    let store: SQLitePrimaryStore
    let hooks = StoreHooks()
    let device = DeviceID(1)
    private let folder: String
    private let clock: ManualClock
    private let workerCount: Int
    private var boards: [ObjectIdentifier: StatusBoard] = [:]

    init(workerCount: Int = 2) throws {
        folder = FileManager.default.temporaryDirectory.path() + "odograph-house-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        store = try SQLitePrimaryStore(folder: folder)
        clock = ManualClock(Timestamp(seconds: 1_700_100_000))
        self.workerCount = workerCount
        _ = try store.createDevice(ident: "d", name: "van", json: "{}")
        _ = try store.createCalculator(name: "c", json: ReplayFleet.calculator)
        _ = try store.assign(
            [AssignmentKey(calculator: CalculatorID(1), device: device)], isEnabled: true, isAutoCreated: false)
    }

    deinit {
        store.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    var now: Timestamp {
        get { clock.now }
        set { clock.now = newValue }
    }

    func start(_ owner: String, isAlone: Bool = false, folder name: String = "x") -> CalcNode {
        let board = StatusBoard()
        let store = HookedStore(store, hooks, user: 0)
        let template = Worker.Setup(
            index: 0, slots: SlotSet(), workerCount: workerCount, epochs: [:], store: store,
            mirror: RegistryMirror(store: store, timeZones: TimeZoneDatabase()), board: board, cachePath: "",
            sealSeconds: 5, sealCount: 16, now: { [clock] in clock.now }, logger: Logger(label: "test"))
        let terms = SlotOwnership.Terms(owner: owner, leaseSeconds: Self.leaseSeconds, isAlone: isAlone)
        let node = CalcNode(template, terms: terms) { [folder] in "\(folder)/\(name)-\($0).db" }
        boards[ObjectIdentifier(node)] = board
        return node
    }

    func board(of node: CalcNode) -> StatusBoard { boards[ObjectIdentifier(node)] ?? StatusBoard() }

    /// A message a minute; five on, five off.
    func send(_ indices: Range<Int>) throws {
        let messages = indices.map { index in
            let moment = (1_700_000_000 + Int64(index) * 60) * 1_000_000
            let values: [String: RefValue] = ["din": .boolean(index % 10 < 5), "load": .number(Double(index % 5))]
            return RefMessage(timestampMicroseconds: moment, acceptanceMicroseconds: moment, values: values)
        }
        _ = try store.append([LogAppend(device: device, batch: MessageBatch(messages, store.parameters))])
    }

    /// Lets processes do everything that is due, and what is due soon after.
    func settle(_ nodes: [CalcNode]) throws {
        for _ in 0..<3 {
            now = now.advanced(bySeconds: 2)
            for node in nodes {
                var rounds = 0
                while try node.step() {
                    rounds += 1
                    precondition(rounds < 10_000, "the processes come to rest")
                }
            }
        }
    }

    func intervalCount() throws -> Int {
        try store.intervals(AssignmentKey(calculator: CalculatorID(1), device: device), IntervalQuery()).count
    }

    func expectedCount(_ messageCount: Int) throws -> Int { (messageCount + 9) / 10 }
}
