import Glibc
import SQLiteClient
import Telemetry

/// The thread that writes: it takes everything that is queued, makes it one transaction, and answers when that is
/// durable. What comes meanwhile waits for the next one, so the load itself sets the size of a group.
///
/// A caller that waits for the answer anyway and finds nobody writing does it itself, in the place of the thread: being
/// woken costs two threads more than all else that a small write does.
///
/// `@unchecked Sendable`: `writer` and `failure` are touched only by the one who has set `isWriting` in the queue,
/// `thread` before it is shared and by the one `close()` that finds the queue open.
final class WriterThread: @unchecked Sendable {
    /// More requests than this wait for the next group.
    static let groupSizeMax = 1024
    /// Pages of write-ahead log (8 KiB each) from which it is copied into the file, and from which readers are waited
    /// for, so that it starts again from its beginning.
    static let walPageCountPassive = 2048
    static let walPageCountRestart = 16_384

    private struct Queue: Sendable {
        var requests: [any WriteRequest] = []
        var isClosed = false
        /// Whether somebody is writing.
        var isWriting = false
        /// Whether the write-ahead log is long: the next write is the thread's, which copies it afterwards.
        var isLogLong = false

        var isIdle: Bool { requests.isEmpty && !isWriting && !isLogLong && !isClosed }
    }

    private let writer: Writer
    private let queue = Monitor(Queue())
    private let revisions: IntervalRevisions
    private var failure: StoreError?
    private var thread = pthread_t()
    private let committed: @Sendable (CommitNotice) -> Void
    private let early: @Sendable (EarlyFeed.Rows) -> Void

    /// Starts the thread; `committed` is called on it after each commit, before the writers are answered.
    init(
        _ writer: Writer, revisions: IntervalRevisions, committed: @escaping @Sendable (CommitNotice) -> Void,
        early: @escaping @Sendable (EarlyFeed.Rows) -> Void
    ) throws {
        self.writer = writer
        self.revisions = revisions
        self.committed = committed
        self.early = early
        writer.connection.trackWAL()
        let context = Unmanaged.passRetained(self)
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<WriterThread>.fromOpaque(context).takeRetainedValue().loop()
                return nil
            }, context.toOpaque())
        guard code == 0 else {
            context.release()
            throw StoreError.database("no thread for the writer: error \(code)")
        }
    }

    /// Queues a request; it is answered at once if the store is closed.
    func submit(_ request: some WriteRequest) {
        var isTaken = false
        queue.change { queue in
            isTaken = !queue.isClosed
            if isTaken { queue.requests.append(request) }
            // Whoever is writing wakes the thread when it ends, which could do nothing before.
            return isTaken && !queue.isWriting
        }
        if !isTaken { reject(request, .notWritable("it is closed")) }
    }

    /// Runs a request on the calling thread if nobody is writing, and queues it otherwise: for who waits for an answer.
    func submitWaiting(_ request: some WriteRequest) {
        var isMine = false
        queue.change { queue in
            isMine = queue.isIdle
            queue.isWriting = queue.isWriting || isMine
            return false
        }
        guard isMine else { return submit(request) }
        process([request])
        endWriting()
    }

    /// Lets others write; the thread is woken if there is something to.
    private func endWriting() {
        let isLong = writer.connection.walFrameCount >= Self.walPageCountPassive
        queue.change { queue in
            queue.isWriting = false
            queue.isLogLong = isLong
            return !queue.requests.isEmpty || queue.isClosed
        }
    }

    /// Writes what is queued and ends the thread.
    func close() {
        let wasOpen = queue.update { queue in
            defer { queue.isClosed = true }
            return !queue.isClosed
        }
        guard wasOpen else { return }
        if pthread_equal(thread, pthread_self()) != 0 { pthread_detach(thread) } else { pthread_join(thread, nil) }
    }

    private func loop() {
        while true {
            let group = queue.wait { queue -> [any WriteRequest]? in
                guard !queue.isWriting else { return nil }
                guard !queue.requests.isEmpty else { return queue.isClosed ? [] : nil }
                let group = Array(queue.requests.prefix(Self.groupSizeMax))
                queue.requests.removeFirst(group.count)
                queue.isWriting = true
                return group
            }
            guard !group.isEmpty else {
                // Tidying only: what the log holds is durable, and the next start reads it.
                _ = try? writer.connection.checkpoint(.truncate)
                return
            }
            process(group)
            checkpoint()
            endWriting()
        }
    }

    private func process(_ group: [any WriteRequest]) {
        if let failure {
            for request in group { reject(request, failure) }
            return
        }
        let before = writer.state
        writer.changedAssignments.removeAll(keepingCapacity: true)
        do {
            try writer.connection.begin()
            try writer.recallBook()
            let isAlone = group.count == 1 && group[0].count == 1
            if try isAlone || !runTogether(group) {
                for request in group { try run(request, isAlone: isAlone) }
            }
            if writer.connection.isInTransaction {
                try writer.book.flush(writer.connection)
                if writer.state.registryRevision != before.registryRevision { try writer.noteRegistryChanges() }
                if group.contains(where: \.isFeedEarly) { try tellEarly() }
                try commit()
            }
        } catch {
            writer.connection.rollback()
            writer.registryJournal.forget(after: before.registryRevision)
            writer.state = before
            writer.forgetBook()
            writer.logChanges.end()
            let error = StoreError(wrapping: error)
            if case .failed = error { failure = error }
            for request in group { request.finish(error) }
            return
        }
        writer.book.endTransaction()
        writer.logIndex.apply(writer.logChanges.all)
        writer.logChanges.end()
        notify()
        for request in group { request.finish(nil) }
    }

    /// Runs all parts without savepoints, each of which would copy every page that it changes; false if one has failed:
    /// then nothing is done yet, and all are to be run again, each by itself.
    private func runTogether(_ group: [any WriteRequest]) throws -> Bool {
        let before = writer.state
        do {
            for request in group {
                for index in 0..<request.count {
                    writer.book.beginPart()
                    try request.run(index, in: writer)
                }
            }
            return true
        } catch {
            if case .failed = StoreError(wrapping: error) { throw error }
            writer.connection.rollback()
            writer.state = before
            writer.forgetBook()
            writer.logChanges.end()
            try writer.connection.begin()
            try writer.recallBook()
            return false
        }
    }

    /// Runs the parts of a request, each in a savepoint. Throws only what concerns the whole group.
    private func run(_ request: any WriteRequest, isAlone: Bool) throws {
        for index in 0..<request.count {
            let before = writer.state
            writer.book.beginPart()
            writer.logChanges.beginPart()
            do {
                if isAlone {
                    try request.run(index, in: writer)
                } else {
                    try writer.connection.savepoint { try request.run(index, in: writer) }
                }
            } catch {
                if case .failed = StoreError(wrapping: error) { throw error }
                request.fail(index, StoreError(wrapping: error))
                writer.state = before
                writer.book.undoPart()
                writer.logChanges.undoPart()
                if isAlone {
                    writer.connection.rollback()
                } else if !writer.connection.isInTransaction {
                    throw error
                }
            }
        }
    }

    /// Makes what was written visible; whoever keeps what was read before knows it from the counts.
    private func commit() throws {
        revisions.begin(writer.changedAssignments)
        defer { revisions.end(writer.changedAssignments) }
        try writer.connection.commit()
    }

    /// The bug of telling what is not durable yet, for tests that must find it.
    private func tellEarly() throws {
        early(try EarlyFeed.rows(writer))
        committed(notice)
    }

    private var notice: CommitNotice {
        var notice = CommitNotice()
        notice.appendedSlots = writer.state.appendedSlots
        notice.changedSlots = writer.state.changedSlots
        notice.positionBefore = writer.state.notifiedPosition
        notice.lastPosition = writer.state.lastPosition
        notice.registryRevision = writer.state.registryRevision
        return notice
    }

    private func notify() {
        let notice = notice
        writer.state.notifiedPosition = writer.state.lastPosition
        writer.state.appendedSlots = SlotSet()
        writer.state.changedSlots = SlotSet()
        early([:])
        committed(notice)
    }

    private func reject(_ request: any WriteRequest, _ error: StoreError) {
        for index in 0..<request.count { request.fail(index, error) }
        request.finish(nil)
    }

    /// Copies the write-ahead log once it is long. A full disk leaves it as it is until the next time; an I/O error is
    /// the end of writing, for what the file then holds is unknown.
    private func checkpoint() {
        let count = writer.connection.walFrameCount
        guard failure == nil, count >= Self.walPageCountPassive else { return }
        do {
            try writer.connection.checkpoint(count >= Self.walPageCountRestart ? .restart : .passive)
        } catch {
            if error.isInputOutput { failure = StoreError(wrapping: error) }
        }
    }
}
