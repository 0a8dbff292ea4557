import Logging
import PrimaryStore
import Telemetry

/// Brings the registry and the change feed into a sink, step by step; it keeps nothing that the sink does not have.
///
/// The sink's cursors are the only memory: after whatever failure it asks for them and goes on from there. It is used
/// by one thread.
final class FeedLoop {
    let store: any PrimaryStore
    let sink: any FeedSink
    let limits: DeliveryLimits
    let board: DeliveryBoard
    let now: @Sendable () -> Timestamp

    /// The revision of each slot that the sink has; nil while it is not open.
    var cursors: [Slot: Int64]?
    /// The same as it was last known, for the lag.
    private var knownCursors: [Slot: Int64]?
    var registry = DeliveredRegistry()
    var rebuilds = RebuildQueue()
    /// Slots that cannot be read for now.
    private var damaged: [Slot: Timestamp] = [:]
    private var firstSlot = 0
    private var failures: FailureWatch
    private var maintain: Due
    private var trips: Due
    private var horizons: Due
    private var isFeedNext = true
    /// Under load: the next delivery waits until then, so that several commits share it.
    private var gatherUntil: Timestamp?

    init(
        store: any PrimaryStore, sink: any FeedSink, limits: DeliveryLimits, board: DeliveryBoard,
        now: @escaping @Sendable () -> Timestamp, logger: Logger,
        chance: @escaping () -> Double = { Double.random(in: 0...1) }
    ) {
        self.store = store
        self.sink = sink
        self.limits = limits
        self.board = board
        self.now = now
        failures = FailureWatch(limits, "intervals", logger, chance: chance)
        maintain = Due(every: limits.maintainSeconds)
        trips = Due(every: limits.tripsSeconds)
        horizons = Due(every: limits.horizonSeconds)
        // It mends what races leave, and there were none yet.
        trips.isDone(at: now())
    }

    /// Does the next thing that there is to do.
    func step() -> DeliveryStep {
        let asked = board.takeRebuilds()
        if !asked.isEmpty {
            rebuilds.ask(asked)
            failures.hurry()
        }
        if let seconds = failures.secondsLeft(at: now()) {
            noteLag()
            return .wait(seconds: seconds)
        }
        do throws(DeliveryFailure) {
            let step = try work()
            failures.succeeded()
            if let cursors { board.noteDelivered(cursors) }
            return step
        } catch { return fail(error) }
    }

    /// Lets the sink go.
    func end() { disconnect() }

    private func work() throws(DeliveryFailure) -> DeliveryStep {
        try connect()
        try lookAfter()
        try bringRegistry()
        if let seconds = gatherUntil.map({ $0.seconds(after: now()) }), seconds > 0, rebuilds.isEmpty {
            board.updateFeed { $0.set(.busy, at: now()) }
            return .wait(seconds: min(seconds, limits.gatherSeconds))
        }
        if !isFeedNext, rebuilds.hasReadable(except: damagedSlots) {
            isFeedNext = true
            try rebuild()
            return .again
        }
        isFeedNext = false
        return try deliverFeed()
    }

    // MARK: Connection

    private func connect() throws(DeliveryFailure) {
        guard cursors == nil else { return }
        board.updateFeed { $0.set(.connecting, at: now()) }
        cursors = try deliver { () throws(SinkError) in try sink.open(store: store.storeIdentity) }.revisions
        maintain.isDueNow()
        noteLag()
    }

    private func disconnect() {
        sink.close()
        knownCursors = cursors ?? knownCursors
        cursors = nil
        registry = DeliveredRegistry()
        board.setRegistry(nil)
        // Its pages are read again from the first: what the sink had may be gone with its server.
        rebuilds.beginAgain()
    }

    private func fail(_ failure: DeliveryFailure) -> DeliveryStep {
        if failure.isOfSink { disconnect() }
        let moment = now()
        var seconds = 0.0
        board.updateFeed { seconds = failures.failed(failure, &$0, at: moment) }
        noteLag()
        return .wait(seconds: seconds)
    }

    // MARK: What is due

    private func lookAfter() throws(DeliveryFailure) {
        if maintain.isDue(at: now()) {
            try deliver { () throws(SinkError) in try sink.maintain() }
            maintain.isDone(at: now())
        }
        if trips.isDue(at: now()) {
            try deliver { () throws(SinkError) in try sink.refreshTrips() }
            trips.isDone(at: now())
        }
    }

    /// Brings the registry if it has changed, and now and then the horizons, which move without that.
    private func bringRegistry() throws(DeliveryFailure) {
        let isNew = registry.revision != store.registryRevision
        if isNew || !board.hasRegistry(registry.revision) { return try applyRegistry() }
        guard horizons.isDue(at: now()) else { return }
        let present = try fetch { () throws(StoreError) in try store.registry() }
        if !registry.hasHorizons(of: present) { try apply(present) }
        horizons.isDone(at: now())
    }

    func applyRegistry() throws(DeliveryFailure) {
        try apply(try fetch { () throws(StoreError) in try store.registry() })
    }

    func apply(_ snapshot: RegistrySnapshot) throws(DeliveryFailure) {
        try deliver { () throws(SinkError) in try sink.apply(snapshot) }
        registry = DeliveredRegistry(snapshot)
        horizons.isDone(at: now())
        board.setRegistry(snapshot.revision)
    }
}

// MARK: - The feed

extension FeedLoop {
    var damagedSlots: SlotSet { SlotSet(damaged.keys) }

    private func deliverFeed() throws(DeliveryFailure) -> DeliveryStep {
        let moment = now()
        damaged = damaged.filter { $0.value > moment }
        var batch = FeedBatch(limits)
        let found = try read(into: &batch)
        noteLag(found.lag)
        guard !batch.rows.isEmpty else { return rest() }
        // A calculator that came after the registry was looked at comes before its intervals.
        if !registry.covers(batch.rows) { try applyRegistry() }
        if rebuilds.isEmpty { board.updateFeed { $0.set(.busy, at: moment) } }
        let receipt = try deliver { () throws(SinkError) in try sink.apply(batch.rows) }
        var lag = found.lag
        for (slot, revision) in batch.reached {
            lag -= revision - (cursors?[slot] ?? 0)
            cursors?[slot] = revision
        }
        noteLag(lag)
        note(receipt)
        gather(hasMore: found.hasMore, after: moment)
        return found.hasMore || !rebuilds.isEmpty ? .again : rest()
    }

    /// Reads what slots have beyond the cursors, from another slot on each time; returns how far behind they are in
    /// all, and whether some of them must wait for the next delivery.
    private func read(into batch: inout FeedBatch) throws(DeliveryFailure) -> (lag: Int64, hasMore: Bool) {
        let revisions = try fetch { () throws(StoreError) in try store.slotRevisions() }
        var found: (lag: Int64, hasMore: Bool) = (0, false)
        for number in revisions.indices {
            let index = (firstSlot + number) % revisions.count
            let (slot, revision) = (Slot(rawValue: UInt8(index)), revisions[index])
            let cursor = cursors?[slot] ?? 0
            found.lag += max(0, revision - cursor)
            // A sink that is ahead has seen what the store has not: it is of another past.
            if cursor > revision { rebuilds.require(slot) }
            guard revision > cursor, damaged[slot] == nil, !rebuilds.isHeld(slot) else { continue }
            if !batch.isFull { try read(slot, after: cursor, into: &batch) }
            let isReadable = damaged[slot] == nil && !rebuilds.isHeld(slot)
            if isReadable, batch.reached[slot] ?? cursor < revision { found.hasMore = true }
        }
        firstSlot = (firstSlot + 1) % revisions.count
        return found
    }

    private func read(_ slot: Slot, after cursor: Int64, into batch: inout FeedBatch) throws(DeliveryFailure) {
        do {
            batch.add(
                try store.changes(
                    slot: slot, after: cursor, countMax: batch.countLeft, byteCountMax: batch.bytesLeft,
                    withBodies: true))
        } catch .cursorTooOld {
            rebuilds.require(slot)
        } catch .corrupt(let reason) {
            isDamaged(slot, reason)
        } catch { throw .store(error) }
    }

    /// Leaves a slot alone for a while: the others go on.
    func isDamaged(_ slot: Slot, _ reason: String) {
        damaged[slot] = now().advanced(bySeconds: limits.damagedSeconds)
        board.updateFeed { failures.passedOver(reason, &$0) }
    }

    /// What there is to wait for once everything is delivered.
    private func rest() -> DeliveryStep {
        if rebuilds.hasReadable(except: damagedSlots) { return .again }
        let isWaiting = !damaged.isEmpty
        board.updateFeed { $0.set(isWaiting ? .waiting("slots that cannot be read") : .idle, at: now()) }
        let dues = [maintain, trips, horizons].map { $0.secondsLeft(at: now()) }
        return .wait(seconds: min(dues.min() ?? 1, isWaiting ? limits.damagedSeconds : .infinity))
    }

    /// Under load, when small deliveries follow each other, the next one waits a little.
    private func gather(hasMore: Bool, after begin: Timestamp) {
        let isUnderLoad = gatherUntil.map { begin.seconds(after: $0) < limits.gatherSeconds } ?? false
        let pause = isUnderLoad && !hasMore ? limits.gatherSeconds : 0
        gatherUntil = now().advanced(bySeconds: pause)
    }

    private func noteLag() {
        guard let cursors = cursors ?? knownCursors, let revisions = try? store.slotRevisions() else { return }
        board.noteDelivered(cursors)
        noteLag(DeliveryBoard.lag(cursors, revisions))
    }

    private func noteLag(_ count: Int64) { board.updateFeed { $0.setLag(max(0, count), at: now()) } }

    func note(_ receipt: DeliveryReceipt) {
        board.updateFeed { status in
            status.writtenCount += receipt.written
            status.deletedCount += receipt.deleted
            status.passedOverCount += receipt.unchanged + receipt.stale
            status.batchCount += 1
            status.lastDelivery = now()
        }
    }
}
