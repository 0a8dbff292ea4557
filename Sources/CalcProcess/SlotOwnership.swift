import PrimaryStore
import Telemetry

/// Which slots a calc process owns, and until when it may act on that.
///
/// It decides only: moments and answers of the store go in, what is to be asked of the store comes out. The moment that
/// counts is the one at which a request was made, which is the one the store notes: another owner may claim a slot once
/// the store has not heard of it for a lease, and by then this one does nothing more with it. The fence stands behind
/// that, for what was under way.
package struct SlotOwnership: Sendable {
    /// How a process takes slots.
    package struct Terms: Sendable, Hashable {
        /// Unique for each start of a process.
        package var owner: String
        /// Seconds for which a slot is kept from others after its owner was last heard of.
        package var leaseSeconds = 10.0
        /// The slots to take when nobody has them.
        package var wanted = SlotSet.all
        /// Whether no other process can be there: then a start takes every slot at once.
        package var isAlone: Bool

        package init(owner: String, leaseSeconds: Double = 10, wanted: SlotSet = .all, isAlone: Bool = false) {
            self.owner = owner
            self.leaseSeconds = leaseSeconds
            self.wanted = wanted
            self.isAlone = isAlone
        }
    }

    /// What is to be asked of the store.
    package enum Request: Sendable, Hashable {
        /// Every slot, whoever has it.
        case claimAll
        /// Those of some slots that nobody has, or whose owner is not heard of.
        case claim(SlotSet)
        case beat
    }

    package let terms: Terms
    /// The slots that are owned, with their epochs.
    package private(set) var epochs: [Slot: Int64] = [:] {
        didSet {
            slots = SlotSet(epochs.keys)
            missing = terms.wanted.subtracting(slots)
        }
    }
    package private(set) var slots = SlotSet()
    /// What is wanted and not owned.
    private var missing: SlotSet
    /// Counts the changes of `epochs`.
    package private(set) var generation = 0
    /// The moment of the last request after which the store had heard of this owner for all its slots.
    private var heardAt: Timestamp?
    private var beatAt: Timestamp?
    private var claimedAt: Timestamp?
    private var isStarting: Bool
    private var hasEnded = false

    package init(_ terms: Terms) {
        self.terms = terms
        isStarting = terms.isAlone
        missing = terms.wanted
    }

    /// Whether anything may be done with the slots. A clock that was put back gives no certainty until the next beat.
    package func mayWork(at now: Timestamp) -> Bool {
        guard let heardAt, !epochs.isEmpty else { return false }
        return heardAt <= now && now < heardAt.advanced(bySeconds: terms.leaseSeconds)
    }

    /// What is to be asked now; nil if nothing is due. A beat comes before a claim: it may tell that slots are lost.
    package func next(at now: Timestamp) -> Request? {
        if hasEnded { return nil }
        if isStarting { return isDue(claimedAt, now) ? .claimAll : nil }
        if !epochs.isEmpty, isDue(beatAt, now) { return .beat }
        return !missing.isEmpty && isDue(claimedAt, now) ? .claim(missing) : nil
    }

    /// When something may be due next; nil after the end.
    package func nextMoment(after now: Timestamp) -> Timestamp? {
        if hasEnded { return nil }
        let isMissing = isStarting || !missing.isEmpty
        let moments = [epochs.isEmpty ? nil : dueMoment(beatAt, now), isMissing ? dueMoment(claimedAt, now) : nil]
        return moments.compactMap { $0 }.min() ?? now.advanced(bySeconds: beatSeconds)
    }

    /// Notes that a request goes out: another one of its kind does so only after a while, whatever becomes of it.
    package mutating func send(_ request: Request, at moment: Timestamp) {
        switch request {
        case .beat: beatAt = moment
        case .claim, .claimAll: claimedAt = moment
        }
    }

    /// Takes slots up that the store has given; `moment` is when they were asked for.
    package mutating func take(_ given: [Slot: Int64], askedAt moment: Timestamp) {
        guard !hasEnded else { return }
        isStarting = false
        guard !given.isEmpty else { return }
        // What was owned before has not been heard of by this.
        if epochs.isEmpty {
            heardAt = moment
            beatAt = moment
        }
        epochs.merge(given) { $1 }
        generation += 1
    }

    /// Takes up what the store says is still owned; the others are lost.
    package mutating func hear(_ owned: SlotSet, askedAt moment: Timestamp) {
        heardAt = moment
        let kept = epochs.filter { owned.contains($0.key) }
        guard kept.count != epochs.count else { return }
        epochs = kept
        generation += 1
    }

    /// Drops a slot whose epoch the store has refused, unless it has come back meanwhile. All that is wanted and not
    /// owned is claimed again.
    package mutating func lose(_ slot: Slot, epoch: Int64) {
        guard epochs[slot] == epoch else { return }
        epochs[slot] = nil
        generation += 1
    }

    /// Gives everything up; returns what is to be released.
    package mutating func end() -> [Slot: Int64] {
        defer {
            hasEnded = true
            epochs = [:]
            generation += 1
        }
        return epochs
    }

    private var beatSeconds: Double { terms.leaseSeconds / 3 }

    private func isDue(_ tried: Timestamp?, _ now: Timestamp) -> Bool { dueMoment(tried, now) <= now }

    private func dueMoment(_ tried: Timestamp?, _ now: Timestamp) -> Timestamp {
        guard let tried, tried <= now else { return now }
        return tried.advanced(bySeconds: beatSeconds)
    }
}

extension SlotSet {
    func subtracting(_ other: SlotSet) -> SlotSet {
        var result = self
        for slot in other.slots { result.remove(slot) }
        return result
    }
}
