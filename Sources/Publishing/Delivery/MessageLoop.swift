import Logging
import PrimaryStore
import Telemetry

/// Brings the messages of the log, and of the archive where the log has them no more, into a sink, step by step.
///
/// The sink's position is the only memory that counts: after whatever failure it asks for it and goes on from there.
/// It is used by one thread.
final class MessageLoop {
    /// Messages that were read and wait for the registry to know their devices.
    private struct Reading {
        var rows: [MessageRow]
        var next: MessageCursor
        var hasMore: Bool
        var registryRevision: Int64
    }

    private let store: any PrimaryStore
    private let sink: any MessageSink
    private let extraction: MessageExtraction
    private let limits: DeliveryLimits
    private let board: DeliveryBoard
    private let now: @Sendable () -> Timestamp

    /// How far the sink has come; nil while it is not open.
    private var cursor: MessageCursor?
    /// The position as it was last known, for the lag.
    private var knownPosition: Int64?
    private var reading: Reading?
    private var trail: CatchUpTrail
    private var failures: FailureWatch
    private var heartbeat: Due
    private var mileage: Due

    init(
        store: any PrimaryStore, sink: any MessageSink, extraction: MessageExtraction, limits: DeliveryLimits,
        board: DeliveryBoard, now: @escaping @Sendable () -> Timestamp, logger: Logger,
        chance: @escaping () -> Double = { Double.random(in: 0...1) }
    ) {
        self.store = store
        self.sink = sink
        self.extraction = extraction
        self.limits = limits
        self.board = board
        self.now = now
        trail = CatchUpTrail(seconds: limits.catchUpBackSeconds)
        failures = FailureWatch(limits, "messages", logger, chance: chance)
        heartbeat = Due(every: limits.heartbeatSeconds)
        mileage = Due(every: limits.mileageSeconds)
    }

    /// Does the next thing that there is to do.
    func step() -> DeliveryStep {
        if let seconds = failures.secondsLeft(at: now()) {
            noteLag()
            return .wait(seconds: seconds)
        }
        do throws(DeliveryFailure) {
            let step = try work()
            failures.succeeded()
            noteLag()
            return step
        } catch { return fail(error) }
    }

    /// Lets the sink go.
    func end() { disconnect() }

    private func work() throws(DeliveryFailure) -> DeliveryStep {
        let cursor = try connect()
        if mileage.isDue(at: now()) { try refreshMileage() }
        let reading = if let waiting = self.reading { waiting } else { try read(after: cursor) }
        guard board.hasRegistry(reading.registryRevision) else {
            // It would leave out messages of devices that it does not know.
            self.reading = reading
            board.updateMessages { $0.set(.waiting("the registry"), at: now()) }
            return try wait(at: cursor)
        }
        self.reading = nil
        guard !reading.rows.isEmpty || reading.next.position > cursor.position else {
            self.cursor = reading.next
            return reading.hasMore ? .again : try rest(at: cursor)
        }
        try apply(reading, at: cursor)
        return reading.hasMore ? .again : try rest(at: reading.next)
    }

    private func apply(_ reading: Reading, at cursor: MessageCursor) throws(DeliveryFailure) {
        noteWork(reading.next)
        let receipt = try deliver { () throws(SinkError) in
            try sink.apply(reading.rows, after: cursor.position, upTo: reading.next.position)
        }
        self.cursor = reading.next
        trail.note(reading.next, at: now())
        heartbeat.isDone(at: now())
        board.updateMessages { status in
            status.writtenCount += receipt.written
            status.passedOverCount += max(0, receipt.taken - receipt.written)
            status.batchCount += 1
            status.lastDelivery = now()
        }
    }

    private func read(after cursor: MessageCursor) throws(DeliveryFailure) -> Reading {
        let page = try fetch { () throws(StoreError) in
            try store.readMessages(after: cursor, limit: limits.messages)
        }
        // Asked after the messages were read: their devices are in it.
        let revision = store.registryRevision
        var damaged = page.damaged
        var rows = try fetch { () throws(StoreError) in try extraction.rows(of: page, damaged: &damaged) }
        // What a catch-up reads in the log lies beyond the position that the sink has until it ends.
        if page.next.isCatchingUp { for index in rows.indices { rows[index].position = 0 } }
        board.updateMessages { status in
            for reason in damaged { failures.passedOver(reason, &status) }
        }
        return Reading(rows: rows, next: page.next, hasMore: page.hasMore, registryRevision: revision)
    }
}

// MARK: - Connection

extension MessageLoop {
    private func connect() throws(DeliveryFailure) -> MessageCursor {
        if let cursor { return cursor }
        board.updateMessages { $0.set(.connecting, at: now()) }
        let position = try deliver { () throws(SinkError) in try sink.open(store: store.storeIdentity) }
        guard position <= store.lastPosition else {
            throw .sink(
                .refused("it has messages up to \(position), and the log ends at \(store.lastPosition): rebuild it"))
        }
        board.askForRegistry()
        let opened = trail.cursor(at: position)
        cursor = opened
        mileage.isDueNow()
        return opened
    }

    private func disconnect() {
        sink.close()
        knownPosition = cursor?.position ?? knownPosition
        cursor = nil
        reading = nil
    }

    private func fail(_ failure: DeliveryFailure) -> DeliveryStep {
        if failure.isOfSink { disconnect() }
        let moment = now()
        var seconds = 0.0
        board.updateMessages { seconds = failures.failed(failure, &$0, at: moment) }
        noteLag()
        return .wait(seconds: seconds)
    }

    // MARK: What is due

    private func refreshMileage() throws(DeliveryFailure) {
        let hasMore = try deliver { () throws(SinkError) in try sink.refreshMileage() }
        if !hasMore { mileage.isDone(at: now()) }
    }

    private func rest(at cursor: MessageCursor) throws(DeliveryFailure) -> DeliveryStep {
        board.updateMessages { $0.set(.idle, at: now()) }
        return try wait(at: cursor)
    }

    /// Tells the sink that all is well, if it has not heard for long, and waits.
    private func wait(at cursor: MessageCursor) throws(DeliveryFailure) -> DeliveryStep {
        if heartbeat.isDue(at: now()) {
            _ = try deliver { () throws(SinkError) in
                try sink.apply([], after: cursor.position, upTo: cursor.position)
            }
            heartbeat.isDone(at: now())
        }
        return .wait(seconds: min(heartbeat.secondsLeft(at: now()), mileage.secondsLeft(at: now())))
    }

    // MARK: Status

    private func noteWork(_ next: MessageCursor) {
        let progress = next.catchUpProgress
        board.updateMessages { status in
            status.set(progress.map { .rebuilding(done: $0.done, total: $0.total) } ?? .busy, at: now())
        }
    }

    private func noteLag() {
        guard let position = cursor?.position ?? knownPosition else { return }
        board.noteDelivered(position)
        board.updateMessages { $0.setLag(max(0, store.lastPosition - position), at: now()) }
    }
}
