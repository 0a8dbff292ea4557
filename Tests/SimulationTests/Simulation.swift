import FaultDisk
import PrimaryStore
import ReferenceEvaluator
import SeededRandom
import StoreSupport
import Telemetry
import TimeZones

@testable import CalcProcess

/// One random life of a whole installation: a store, machines with calc processes, devices, people who edit. The code
/// is the shipped one; the clock, the disks and the way between a machine and the store are made up.
///
/// Everything happens on the caller's thread, and everything follows from the seed.
final class Simulation {
    let seed: UInt64
    var random: SeededGenerator
    let rates: SwarmRates
    let troubles: TroubleRates
    let clock: SimulatedClock
    let hooks = StoreHooks()
    let timeZones = TimeZoneDatabase()
    var trace = Trace()
    var faults = FaultCount()

    let storeDisk = SimulatedDisk()
    /// It must be opened again before anything else can be done with it.
    var hasStoreFailed = false
    /// Nil while it is opened again.
    var opened: SQLitePrimaryStore?
    var nodes: [SimulatedNode] = []
    var devices: [SimulatedDevice] = []
    /// The calculators that there are, with those that each reads.
    var calculators: [(id: CalculatorID, sources: [CalculatorID])] = []
    var geofences: [Int64] = []
    var groups: [Int64] = []
    var assets: [Int64] = []
    let maker: CalculatorMaker
    let messageMaker: MessageMaker
    /// What the device sends and what is calculated of it, if that is a case that the reference evaluator knows.
    let given: GeneratedCase?
    /// Whether anybody has changed what is calculated.
    var hasEdits = false
    /// The names of all parameters, which are given to each store in this order.
    let parameterNames: [String]
    var journal = Journal()
    let follower = FeedFollower()

    /// Nothing goes wrong while it is so.
    var isCalm = true
    /// Calls of the store that are under way, by node.
    var frames: [Int: Int] = [:]
    /// Steps of others that are taken between two calls of somebody.
    var depth = 0
    /// The greatest epoch that a write under the fence carried, by slot.
    var epochs: [Slot: Int64] = [:]
    /// What was frozen before a push that is under way.
    var frozen: [AssignmentKey: [HeldInterval]] = [:]
    /// Until when the store does nothing, and what it says.
    var outage: (until: Timestamp, error: StoreError)?
    /// Devices of which something in the store was damaged.
    var damagedDevices: Set<DeviceID> = []
    /// What was set on intervals, for those whose last answer said so.
    var toldFields: [FieldsName: Double] = [:]
    /// Those that were asked for and not answered: they may still be set.
    var unansweredFields: Set<FieldsName> = []
    /// Assignments with a held job that was discarded, so that they are not what the messages give.
    var discarded: Set<AssignmentKey> = []
    /// Late messages of a device, by row, which make most of what is calculated of it vanish.
    var cuts: (device: Int, rows: [Int])?
    /// The first invariant that was found broken.
    var failure: String?
    var sentNumber = 0

    /// `isThreaded`: somebody else lets the process live, and the world is all that is made.
    init(seed: UInt64, isPrinting: Bool = false, isThreaded: Bool = false) throws {
        self.seed = seed
        random = SeededGenerator(seed: seed &* 0x9e37_79b9 &+ 0x51)
        var rates = SwarmRates(&random)
        if isThreaded { rates.nodeCount = 1 }
        self.rates = rates
        troubles = TroubleRates(seed: seed)
        trace.isPrinting = isPrinting
        let hasTTL = random.percent(45)
        let step = hasTTL ? random.pick([600, 3_600, 14_400]) : random.pick([1, 10, 60, 600, 3_600])
        maker = CalculatorMaker(step: step, hasTTL: hasTTL)
        messageMaker = MessageMaker(step: step, gap: hasTTL ? random.pick([50_000, 200_000]) : step * 30)
        let given = random.percent(20) ? try Self.givenCase(&random) : nil
        self.given = given
        let begin = given?.rawMessages.map(\.timestampMicroseconds).min().map { $0 - 10_000_000 }
        let some = Timestamp(seconds: 1_700_000_000 + Double(random.below(1_000_000)))
        clock = SimulatedClock(begin.map { Timestamp(microseconds: $0) } ?? some)
        let names = Set(given?.rawMessages.flatMap { $0.values.keys } ?? []).union(MessageMaker.names)
        parameterNames = names.sorted()
        opened = try SQLitePrimaryStore(folder: storeDisk.folder)
        for name in parameterNames { _ = store.parameters.id(for: name) }
        follower.follow(store)
        setHooks()
        if let given { try populate(with: given) } else { try populate() }
        if troubles.hasDrives, given == nil { try addDrives() }
        for index in 0..<(isThreaded ? 0 : rates.nodeCount) { nodes.append(SimulatedNode(index: index, clock: clock)) }
    }

    deinit {
        for node in nodes { node.stop() }
        opened?.close()
    }

    var store: SQLitePrimaryStore {
        guard let opened else { preconditionFailure("the store is open between two events") }
        return opened
    }

    /// Lives, and returns what was broken; nil if everything held.
    func run() throws -> String? {
        for node in nodes where node.index == 0 || random.among(2) { restart(node) }
        isCalm = false
        try live(for: rates.eventCount)
        if cuts != nil {
            failure = try failure ?? rest("before the cut")
            cutDrives()
            try live(for: 12)
        }
        return try failure ?? rest("the end") ?? (troubles.isDamagedAtLast ? damageAtLast() : nil)
    }

    /// So many events, and more until everything is sent.
    private func live(for eventCount: Int) throws {
        var events = 0
        while failure == nil, events < eventCount || devices.contains(where: { !$0.batches.isEmpty }) {
            try live(mustSend: events >= eventCount * 2)
            events += 1
            // A disk that nobody tidies up stays full.
            if events > eventCount * 4 { endTroubles() }
        }
    }

    /// One event, drawn by the rates.
    private func live(mustSend: Bool) throws {
        if hasStoreFailed || storeDisk.disk.isDead { openStoreAgain() }
        let events: [(Int, () throws -> Void)] = [
            (rates.sends, send), (mustSend ? 0 : rates.rounds, roundOfSomebody), (rates.settles, settleSomebody),
            (rates.restarts, restartSomebody), (rates.crashes, crashSomebody), (rates.pauses, pauseSomebody),
            (rates.cutOffs, cutSomebodyOff), (rates.lostDisks, loseDisk), (rates.oldDisks, restoreOldDisk),
            (rates.flippedBits, flipBit), (rates.storeCrashes, crashStore), (rates.storeTroubles, troubleStore),
            (rates.diskTroubles, troubleDisk), (rates.edits, editAtWork), (rates.fields, addFields),
            (rates.recalculations, recalculate), (rates.swaps, swapOwners), (rates.jumps, jump),
            (troubles.replays, changeReplays), (troubles.outages, beginOutage), (troubles.damages, damageStore),
            (troubles.hasDrives ? 3 : 0, decideJobs),
            (mustSend ? 0 : rates.rests, { self.failure = try self.failure ?? self.rest("a rest") }),
        ]
        var place = random.below(events.reduce(0) { $0 + $1.0 })
        for (weight, event) in events {
            place -= weight
            if place < 0 { return try event() }
        }
    }

    /// A store that has failed is of no use until it is opened again.
    func noteStoreError(_ error: any Error) {
        switch error {
        case StoreError.failed, StoreError.notWritable: hasStoreFailed = true
        default: break
        }
    }

    func note(_ event: String) { trace.note("\(clock.now.seconds) \(event)") }

    // MARK: Sending

    /// One device sends its next batch; what is not acknowledged is sent again.
    func send() {
        let waiting = devices.indices.filter { !devices[$0].batches.isEmpty && !devices[$0].isGone }
        for index in devices.indices where devices[index].isGone { devices[index].batches = [] }
        guard let index = waiting.randomElement(using: &random) else { return }
        let device = devices[index]
        var batch = device.messages.gather(device.batches[0])
        let latest = Timestamp(microseconds: batch.timestamps.max() ?? 0)
        clock.advance(to: latest.advanced(bySeconds: Double(random.below(3))))
        let isHistory = random.among(12)
        if !device.hasStamps {
            batch.acceptances = batch.timestamps.map { isHistory ? $0 : clock.now.microseconds }
        } else {
            clock.advance(to: Timestamp(microseconds: batch.acceptances.max() ?? 0))
        }
        sentNumber += 1
        let isLostBefore = random.percent(rates.clientLosses)
        let isLostAfter = random.percent(rates.clientLosses)
        note("send \(sentNumber) of \(device.id): \(batch.count) from \((batch.timestamps.min() ?? 0) / 1_000_000)")
        journal.noteSent(batch, to: device.id)
        if isLostBefore { return faults.count("request of a client lost") }
        do {
            if let outageError { throw outageError }
            _ = try store.append([LogAppend(device: device.id, batch: batch)])
        } catch {
            noteStoreError(error)
            return note("refused: \(error)")
        }
        if isLostAfter { return faults.count("answer to a client lost") }
        journal.noteAcknowledged(batch, of: device.id)
        devices[index].batches.removeFirst()
    }

    func jump() {
        let seconds = random.pick([0.3, 3, 11, 70, 700])
        clock.advance(bySeconds: seconds)
        note("wait \(seconds)")
    }
}

/// How often what went wrong.
struct FaultCount {
    private(set) var counts: [String: Int] = [:]

    mutating func count(_ what: String, _ number: Int = 1) { counts[what, default: 0] += number }

    mutating func add(_ other: FaultCount) { counts.merge(other.counts, uniquingKeysWith: +) }

    var text: String { counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ") }
}
