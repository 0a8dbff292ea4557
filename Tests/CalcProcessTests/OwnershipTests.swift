import FoundationEssentials
import PrimaryStore
import ReferenceEvaluator
import SeededRandom
import Telemetry
import Testing

@testable import CalcProcess

/// The ownership of slots as decisions: several owners, a store, a clock, and everything between them that fails.
struct OwnershipTests {
    static let caseCount = ProcessInfo.processInfo.environment["ODOGRAPH_CASES"].flatMap(UInt64.init) ?? 300
    static let firstSeed = ProcessInfo.processInfo.environment["ODOGRAPH_SEED"].flatMap(UInt64.init) ?? 1
    static let start = Timestamp(seconds: 1_700_000_000)
    static let slotList = [3, 4, 200].map(Slot.init(rawValue:))
    static let slots = SlotSet(slotList)

    @Test("nobody works beyond its lease, and no slot has two owners at work, whatever is late or lost")
    func random() {
        for seed in Self.firstSeed..<Self.firstSeed + Self.caseCount {
            var run = OwnershipRun(seed: seed)
            if let failure = run.failure() {
                Issue.record("seed \(seed): \(failure)")
                return
            }
        }
    }

    @Test("the same for every sequence of four steps of two owners")
    func exhaustive() {
        var states = [OwnershipModel(owners: 2)]
        for _ in 0..<4 {
            var next: [OwnershipModel] = []
            for state in states {
                for first in OwnershipModel.Fate.allCases {
                    for second in OwnershipModel.Fate.allCases {
                        var state = state
                        state.now = state.now.advanced(bySeconds: 4.5)
                        state.step(0, first)
                        state.step(1, second)
                        if let failure = state.failure(upTo: 10) {
                            Issue.record("\(failure): \(state.history)")
                            return
                        }
                        next.append(state)
                    }
                }
            }
            states = next
        }
        #expect(states.count == 65_536)
        // In some of them a slot has changed hands.
        #expect(states.contains { $0.rows.values.contains { $0.epoch > 1 && $0.owner == 1 } })
    }

    @Test("a beat goes out every third of a lease, and one that failed is not repeated before that")
    func beats() {
        var ownership = SlotOwnership(.init(owner: "a", leaseSeconds: 9, wanted: Self.slots, isAlone: true))
        #expect(ownership.next(at: Self.start) == .claimAll)
        ownership.send(.claimAll, at: Self.start)
        #expect(ownership.next(at: Self.start.advanced(bySeconds: 2.9)) == nil)
        #expect(ownership.next(at: Self.start.advanced(bySeconds: 3)) == .claimAll)
        ownership.take(epochs(1), askedAt: Self.start)
        #expect(ownership.next(at: Self.start.advanced(bySeconds: 2.9)) == nil)
        #expect(ownership.nextMoment(after: Self.start) == Self.start.advanced(bySeconds: 3))
        let later = Self.start.advanced(bySeconds: 3)
        #expect(ownership.next(at: later) == .beat)
        ownership.send(.beat, at: later)
        #expect(ownership.next(at: later.advanced(bySeconds: 2)) == nil)
        #expect(ownership.mayWork(at: Self.start.advanced(bySeconds: 8.9)))
        #expect(!ownership.mayWork(at: Self.start.advanced(bySeconds: 9)))
        ownership.hear(Self.slots, askedAt: later)
        #expect(ownership.mayWork(at: Self.start.advanced(bySeconds: 11.9)))
    }

    @Test("slots that are missing from a beat's answer, or fenced, are dropped and claimed again")
    func losses() {
        var ownership = SlotOwnership(.init(owner: "a", wanted: Self.slots))
        let slot = Slot(rawValue: 4)
        ownership.take(epochs(5), askedAt: Self.start)
        let generation = ownership.generation
        ownership.lose(slot, epoch: 4)
        #expect(ownership.generation == generation, "an epoch of before says nothing of this one")
        ownership.lose(slot, epoch: 5)
        #expect(ownership.epochs[slot] == nil && ownership.epochs.count == 2 && ownership.generation > generation)
        let claim = SlotOwnership.Request.claim([slot])
        #expect(ownership.next(at: Self.start) == claim)
        ownership.take([slot: 7], askedAt: Self.start)
        ownership.hear([Slot(rawValue: 3)], askedAt: Self.start.advanced(bySeconds: 4))
        #expect(ownership.slots == [Slot(rawValue: 3)])
        #expect(ownership.end() == [Slot(rawValue: 3): 5])
        #expect(ownership.next(at: Self.start) == nil && !ownership.mayWork(at: Self.start.advanced(bySeconds: 4)))
    }

    @Test("a clock that is put back stops the work until the next beat, which is due at once")
    func clockPutBack() {
        var ownership = SlotOwnership(.init(owner: "a", wanted: Self.slots))
        ownership.take(epochs(1), askedAt: Self.start)
        let before = Self.start.advanced(bySeconds: -3_600)
        #expect(!ownership.mayWork(at: before) && ownership.next(at: before) == .beat)
        ownership.send(.beat, at: before)
        ownership.hear(Self.slots, askedAt: before)
        #expect(ownership.mayWork(at: before) && ownership.next(at: before) == nil)
    }

    private func epochs(_ epoch: Int64) -> [Slot: Int64] {
        Dictionary(uniqueKeysWithValues: Self.slotList.map { ($0, epoch) })
    }
}

/// Owners and what the store knows of them, with time and messages moved by hand.
struct OwnershipModel {
    /// What becomes of an owner's next request.
    enum Fate: CaseIterable {
        case fine, requestLost, answerLost
        /// The owner stands still.
        case paused
    }

    struct Row {
        var owner: Int?
        var epoch: Int64 = 0
        var heartBeat = Timestamp.distantPast
    }

    static let lease = 10.0
    var now = OwnershipTests.start
    var owners: [SlotOwnership]
    var rows = Dictionary(uniqueKeysWithValues: OwnershipTests.slotList.map { ($0, Row()) })
    /// When each owner's last request was made that was answered while it owned something.
    var answeredAt: [Timestamp?]
    var history: [String] = []

    init(owners count: Int) { self.init(wanted: Array(repeating: OwnershipTests.slots, count: count)) }

    /// An owner for each set of slots that one wants.
    init(wanted: [SlotSet]) {
        owners = wanted.enumerated().map { index, wanted in
            SlotOwnership(.init(owner: "\(index)", leaseSeconds: Self.lease, wanted: wanted))
        }
        answeredAt = Array(repeating: nil, count: wanted.count)
    }

    /// Lets an owner make all its requests at once.
    mutating func step(_ index: Int, _ fate: Fate) {
        history.append("\(index): \(fate)")
        guard fate != .paused else { return }
        while let request = owners[index].next(at: now) {
            owners[index].send(request, at: now)
            guard fate != .requestLost else { continue }
            let answer = apply(request, of: index, at: now)
            if fate == .fine { take(answer, by: index, at: now) }
        }
    }

    enum Answer {
        case given([Slot: Int64])
        case owned(SlotSet)
    }

    /// What the store does with a request, which may come late: it carries the moment at which it was made.
    mutating func apply(_ request: SlotOwnership.Request, of index: Int, at moment: Timestamp) -> Answer {
        switch request {
        case .claimAll: return .given(claim(OwnershipTests.slots, index, moment) { _ in true })
        case .claim(let slots):
            let given = claim(slots, index, moment) { row in
                row.owner == nil || row.owner == index || row.heartBeat.advanced(bySeconds: Self.lease) <= moment
            }
            return .given(given)
        case .beat:
            for slot in rows.keys where rows[slot]?.owner == index { hear(slot, moment) }
            return .owned(SlotSet(rows.filter { $0.value.owner == index }.keys))
        }
    }

    private mutating func claim(
        _ slots: SlotSet, _ index: Int, _ moment: Timestamp, where isFree: (Row) -> Bool
    ) -> [Slot: Int64] {
        var given: [Slot: Int64] = [:]
        for slot in OwnershipTests.slotList where slots.contains(slot) {
            guard let row = rows[slot], isFree(row) else { continue }
            rows[slot] = Row(owner: index, epoch: row.epoch + 1, heartBeat: row.owner == index ? row.heartBeat : moment)
            hear(slot, moment)
            given[slot] = row.epoch + 1
        }
        return given
    }

    private mutating func hear(_ slot: Slot, _ moment: Timestamp) {
        guard let row = rows[slot] else { return }
        rows[slot]?.heartBeat = max(row.heartBeat, moment)
    }

    mutating func take(_ answer: Answer, by index: Int, at moment: Timestamp) {
        switch answer {
        case .given(let epochs):
            if owners[index].epochs.isEmpty, !epochs.isEmpty { answeredAt[index] = moment }
            owners[index].take(epochs, askedAt: moment)
        case .owned(let slots):
            answeredAt[index] = moment
            owners[index].hear(slots, askedAt: moment)
        }
    }

    /// What is wrong now, or within some seconds in which nobody does anything.
    func failure(upTo seconds: Double = 0) -> String? {
        for delay in stride(from: 0, through: seconds, by: 1.5) {
            let moment = now.advanced(bySeconds: delay)
            let working = owners.indices.filter { owners[$0].mayWork(at: moment) }
            for index in working {
                guard let answered = answeredAt[index], moment < answered.advanced(bySeconds: Self.lease) else {
                    return "owner \(index) works beyond its lease"
                }
            }
            for slot in rows.keys {
                let here = working.filter { owners[$0].epochs[slot] != nil }
                if here.count > 1 { return "slot \(slot.rawValue) has owners \(here)" }
                if let index = here.first, rows[slot]?.owner != index {
                    return "owner \(index) works on slot \(slot.rawValue) of \(String(describing: rows[slot]?.owner))"
                }
            }
        }
        return nil
    }
}

/// A random life of some owners, whose requests and answers take time.
private struct OwnershipRun {
    private struct Letter {
        var request: SlotOwnership.Request
        var sent: Timestamp
        var arrives: Timestamp
        var answer: OwnershipModel.Answer?
        var returns: Timestamp
        /// Whether its sender still waits for it.
        var isAwaited = true
        var owner: Int
    }

    private var model: OwnershipModel
    private var random: SeededGenerator
    private var letters: [Letter] = []
    private var pausedUntil: [Timestamp]

    init(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let count = Int.random(in: 1...4, using: &random)
        // Slots that only some want come one by one.
        var wanted: [SlotSet] = []
        for _ in 0..<count {
            let part = OwnershipTests.slotList.filter { _ in Int.random(in: 0..<3, using: &random) > 0 }
            wanted.append(part.isEmpty ? OwnershipTests.slots : SlotSet(part))
        }
        model = OwnershipModel(wanted: wanted)
        pausedUntil = Array(repeating: .distantPast, count: count)
        self.random = random
    }

    mutating func failure() -> String? {
        for _ in 0..<400 {
            model.now = model.now.advanced(bySeconds: Double.random(in: 0...1.2, using: &random))
            deliver()
            for index in pausedUntil.indices { step(index) }
            if let failure = model.failure() { return "\(failure) at \(model.now)" }
            // Whoever pauses wakes up with what it knew.
            if let failure = model.failure(upTo: 15) { return "\(failure) later than \(model.now)" }
        }
        return settle()
    }

    private mutating func deliver() {
        letters.sort { $0.arrives < $1.arrives }
        for place in letters.indices where letters[place].answer == nil && letters[place].arrives <= model.now {
            letters[place].answer = model.apply(
                letters[place].request, of: letters[place].owner, at: letters[place].sent)
        }
        for letter in letters where letter.returns <= model.now && letter.isAwaited {
            if let answer = letter.answer { model.take(answer, by: letter.owner, at: letter.sent) }
        }
        letters.removeAll { $0.answer != nil && ($0.returns <= model.now || !$0.isAwaited) }
    }

    private mutating func step(_ index: Int) {
        guard pausedUntil[index] <= model.now else { return }
        if Int.random(in: 0..<60, using: &random) == 0 {
            pausedUntil[index] = model.now.advanced(bySeconds: Double.random(in: 0...30, using: &random))
            return
        }
        if let place = letters.firstIndex(where: { $0.owner == index && $0.isAwaited }) {
            // It gives up waiting; what it asked may be done all the same, and much later.
            if letters[place].sent.advanced(bySeconds: 5) <= model.now { letters[place].isAwaited = false }
            return
        }
        guard let request = model.owners[index].next(at: model.now) else { return }
        model.owners[index].send(request, at: model.now)
        if Int.random(in: 0..<12, using: &random) == 0 { return }
        let slow = Int.random(in: 0..<8, using: &random) == 0 ? 12.0 : 0.5
        let arrives = model.now.advanced(bySeconds: Double.random(in: 0...slow, using: &random))
        letters.append(
            Letter(
                request: request, sent: model.now, arrives: arrives,
                returns: arrives.advanced(bySeconds: Double.random(in: 0...slow, using: &random)), owner: index))
        if Int.random(in: 0..<12, using: &random) == 0 { letters[letters.count - 1].isAwaited = false }
        if Int.random(in: 0..<30, using: &random) == 0 {
            let slot = random.pick(OwnershipTests.slotList)
            model.owners[index].lose(slot, epoch: model.owners[index].epochs[slot] ?? 0)
        }
    }

    /// Once nothing fails any more every slot is somebody's, who knows its epoch.
    private mutating func settle() -> String? {
        letters = []
        for _ in 0..<60 {
            model.now = model.now.advanced(bySeconds: 1)
            for index in model.owners.indices { model.step(index, .fine) }
            if let failure = model.failure() { return "\(failure) at rest" }
        }
        for (slot, row) in model.rows where model.owners.contains(where: { $0.terms.wanted.contains(slot) }) {
            guard let owner = row.owner, model.owners[owner].mayWork(at: model.now) else {
                return "slot \(slot.rawValue) is nobody's at rest"
            }
            // An epoch that another request has raised behind its back is learnt of by the fence.
            if model.owners[owner].epochs[slot].map({ $0 > row.epoch }) ?? true {
                return "slot \(slot.rawValue) has epoch \(row.epoch), its owner \(model.owners[owner].epochs)"
            }
        }
        return nil
    }
}
