import Logging
import PrimaryStore
import ServiceLifecycle
import Synchronization
import Telemetry
import Threads

/// Delivers what the store has to where it is reported: the registry, the change feed and the messages.
///
/// Each of its two loops has a thread and a sink of its own, and both are woken by the store's commits. Whatever
/// becomes of a sink, the store is only read: who appends and who calculates never waits for a delivery. Every delivery
/// is at least once, and the sinks make it once in effect, since their cursors are durable with what they write.
package final class Delivery: Service, Sendable {
    /// What delivers where.
    package struct Sinks: Sendable {
        /// Each is called once, on the thread that uses the sink.
        package var feed: @Sendable () -> any FeedSink
        package var messages: @Sendable () -> any MessageSink

        package init(
            feed: @escaping @Sendable () -> any FeedSink, messages: @escaping @Sendable () -> any MessageSink
        ) {
            self.feed = feed
            self.messages = messages
        }
    }

    private let store: any PrimaryStore
    private let sinks: Sinks
    private let extraction: MessageExtraction
    private let limits: DeliveryLimits
    private let board: DeliveryBoard
    private let now: @Sendable () -> Timestamp
    private let logger: Logger

    package init(
        store: any PrimaryStore, sinks: Sinks, extraction: MessageExtraction, limits: DeliveryLimits = DeliveryLimits(),
        now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        self.store = store
        self.sinks = sinks
        self.extraction = extraction
        self.limits = limits
        self.now = now
        self.logger = logger
        board = DeliveryBoard(now: now())
        store.addCommitObserver(Self.waker(board, store))
    }

    /// Delivers until the service is shut down.
    package func run() async throws {
        let feed = AsyncThread { [self] in runFeed() }
        let messages = AsyncThread { [self] in runMessages() }
        await withTaskCancellationOrGracefulShutdownHandler {
            await feed.join()
            await messages.join()
        } onCancelOrGracefulShutdown: { [board] in
            board.feedBell.close()
            board.messagesBell.close()
        }
    }

    package var status: DeliveryStatus {
        board.status(revisions: (try? store.slotRevisions()) ?? [], position: store.lastPosition)
    }

    /// Asks for slots to be delivered anew from the intervals as they are; the status tells how far that is. What is
    /// right at the sink already is not written again.
    package func rebuild(slots: SlotSet = .all) { board.askForRebuild(slots) }

    private func runFeed() {
        let loop = FeedLoop(
            store: store, sink: sinks.feed(), limits: limits, board: board, now: now, logger: logger)
        Self.run(board.feedBell) { loop.step() }
        loop.end()
    }

    private func runMessages() {
        let loop = MessageLoop(
            store: store, sink: sinks.messages(), extraction: extraction, limits: limits, board: board, now: now,
            logger: logger)
        Self.run(board.messagesBell) { loop.step() }
        loop.end()
    }

    private static func run(_ bell: Doorbell, _ step: () -> DeliveryStep) {
        while !bell.isClosed {
            if case .wait(let seconds) = step() { bell.wait(seconds: seconds) }
        }
    }

    /// Wakes the loop that a commit concerns.
    private static func waker(
        _ board: DeliveryBoard, _ store: any PrimaryStore
    ) -> @Sendable (CommitNotice) -> Void {
        let seen = Mutex((position: store.lastPosition, revision: store.registryRevision))
        return { notice in
            let (isAppended, isRegistryNew) = seen.withLock { seen in
                defer { seen = (notice.lastPosition, notice.registryRevision) }
                return (notice.lastPosition != seen.position, notice.registryRevision != seen.revision)
            }
            if isRegistryNew || !notice.changedSlots.isEmpty { board.feedBell.ring() }
            if isAppended { board.messagesBell.ring() }
        }
    }
}
