import PrimaryStore
import Synchronization
import Telemetry
import Threads

/// What the loops of the delivery tell each other and whoever asks.
final class DeliveryBoard: Sendable {
    private struct State {
        var feed: LoopStatus
        var messages: LoopStatus
        /// The revision of the registry that the sink has; nil while that is not known.
        var registryRevision: Int64?
        var rebuildsAsked = SlotSet()
        /// What the sinks have, as it was last known.
        var cursors: [Slot: Int64]?
        var position: Int64?
    }

    let feedBell = Doorbell()
    let messagesBell = Doorbell()
    private let state: Mutex<State>

    init(now: Timestamp) {
        state = Mutex(State(feed: LoopStatus(since: now), messages: LoopStatus(since: now)))
    }

    /// How the loops are doing, beside what the store has by now.
    func status(revisions: [Int64], position: Int64) -> DeliveryStatus {
        state.withLock { state in
            var status = DeliveryStatus(feed: state.feed, messages: state.messages)
            if let cursors = state.cursors { status.feed.lagCount = Self.lag(cursors, revisions) }
            if let delivered = state.position { status.messages.lagCount = max(0, position - delivered) }
            if !state.rebuildsAsked.isEmpty, !status.feed.isFailing {
                status.feed.state = .rebuilding(done: 0, total: state.rebuildsAsked.count)
            }
            return status
        }
    }

    /// The rows that slots have beyond cursors.
    static func lag(_ cursors: [Slot: Int64], _ revisions: [Int64]) -> Int64 {
        revisions.enumerated().reduce(0) { $0 + max(0, $1.element - (cursors[Slot(rawValue: UInt8($1.offset))] ?? 0)) }
    }

    func noteDelivered(_ cursors: [Slot: Int64]) { state.withLock { $0.cursors = cursors } }

    func noteDelivered(_ position: Int64) { state.withLock { $0.position = position } }

    func updateFeed(_ body: (inout LoopStatus) -> Void) { state.withLock { body(&$0.feed) } }

    func updateMessages(_ body: (inout LoopStatus) -> Void) { state.withLock { body(&$0.messages) } }

    /// Whether the sink has the registry as it was at a revision.
    func hasRegistry(_ revision: Int64) -> Bool { state.withLock { ($0.registryRevision ?? -1) >= revision } }

    func setRegistry(_ revision: Int64?) {
        state.withLock { $0.registryRevision = revision }
        if revision != nil { messagesBell.ring() }
    }

    /// Has the registry brought again: another server may be there that has not all of it.
    func askForRegistry() {
        state.withLock { $0.registryRevision = nil }
        feedBell.ring()
    }

    func askForRebuild(_ slots: SlotSet) {
        state.withLock { $0.rebuildsAsked.formUnion(slots) }
        feedBell.ring()
    }

    /// Hands over what was asked for.
    func takeRebuilds() -> SlotSet {
        state.withLock { state in
            defer { state.rebuildsAsked = SlotSet() }
            return state.rebuildsAsked
        }
    }
}
