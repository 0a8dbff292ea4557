import Logging
import PrimaryStore
import Synchronization
import Telemetry

/// Keeps a process's slots: asks the store for what `SlotOwnership` finds due, and tells the workers what they have.
final class SlotKeeper: Sendable {
    /// What one worker may work on.
    struct Share: Sendable {
        /// Changes whenever any slot of the process comes or goes.
        var generation: Int
        var epochs: [Slot: Int64]
    }

    private let ownership: Mutex<SlotOwnership>
    private let store: any PrimaryStore
    private let now: @Sendable () -> Timestamp
    private let logger: Logger

    init(
        _ terms: SlotOwnership.Terms, store: any PrimaryStore, now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        ownership = Mutex(SlotOwnership(terms))
        self.store = store
        self.now = now
        self.logger = logger
    }

    // MARK: What the workers ask

    /// Whether the slots are this process's at this very moment, as far as it can know.
    var mayWork: Bool { ownership.withLock { $0.mayWork(at: now()) } }

    var generation: Int { ownership.withLock { $0.generation } }

    var slots: SlotSet { ownership.withLock { $0.slots } }

    /// The slots of one of the workers. A slot stays with the same worker for as long as their number stays.
    func share(of index: Int, among count: Int) -> Share {
        ownership.withLock { ownership in
            Share(
                generation: ownership.generation,
                epochs: ownership.epochs.filter { Int($0.key.rawValue) % count == index })
        }
    }

    /// Drops a slot that another owner has.
    func lose(_ slot: Slot, epoch: Int64) {
        ownership.withLock { $0.lose(slot, epoch: epoch) }
    }

    // MARK: What the process does

    /// Asks the store for all that is due; true if the workers' slots, or whether they may work, may have changed. What
    /// the store cannot do now is asked again later; it throws only when the store will never do it.
    func step() throws(StoreError) -> Bool {
        let before = (generation, mayWork)
        while let request = nextRequest() {
            do throws(StoreError) {
                try ask(request)
            } catch {
                switch error {
                case .failed, .notWritable: throw error
                default: logger.error("slots cannot be kept up for now", metadata: ["error": "\(error)"])
                }
            }
        }
        return before != (generation, mayWork)
    }

    /// Seconds until there may be something to do.
    func secondsToWait() -> Double {
        let moment = now()
        let next = ownership.withLock { $0.nextMoment(after: moment) } ?? moment
        return max(0.01, Double(next.microseconds - moment.microseconds) / 1e6)
    }

    /// Gives the slots up; returns those that are free now, with the epochs that they had.
    func release() throws(StoreError) -> [Slot: Int64] {
        let (owner, held) = ownership.withLock { ($0.terms.owner, $0.end()) }
        guard !held.isEmpty else { return [:] }
        try store.releaseSlots(SlotSet(held.keys), owner: owner)
        return held
    }

    private func nextRequest() -> (SlotOwnership.Request, Timestamp)? {
        ownership.withLock { ownership in
            let moment = now()
            guard let request = ownership.next(at: moment) else { return nil }
            ownership.send(request, at: moment)
            return (request, moment)
        }
    }

    /// Asks with the moment at which the request was decided on: what comes later than thought is too late.
    private func ask(_ due: (request: SlotOwnership.Request, moment: Timestamp)) throws(StoreError) {
        let terms = ownership.withLock { $0.terms }
        switch due.request {
        case .claimAll:
            take(try store.claimAllSlots(owner: terms.owner, at: due.moment), due.moment)
        case .claim(let slots):
            take(
                try store.claimSlots(
                    slots, owner: terms.owner, at: due.moment, leaseSeconds: terms.leaseSeconds), due.moment)
        case .beat:
            let owned = try store.heartBeat(owner: terms.owner, at: due.moment)
            let lost = ownership.withLock { ownership in
                let before = ownership.slots
                ownership.hear(owned, askedAt: due.moment)
                return before.subtracting(ownership.slots)
            }
            if !lost.isEmpty { logger.warning("slots are with others now", metadata: ["count": "\(lost.count)"]) }
        }
    }

    private func take(_ given: [Slot: Int64], _ moment: Timestamp) {
        guard !given.isEmpty else { return }
        ownership.withLock { $0.take(given, askedAt: moment) }
        logger.info("slots claimed", metadata: ["count": "\(given.count)"])
    }
}
