import PrimaryStore
import Telemetry

/// Why a sink did not take a delivery.
package enum SinkError: Error, Sendable, Hashable {
    /// It may work later: the connection is lost, the server is full or away. Nothing or everything of the call was
    /// done; the cursors tell which.
    case retry(String)
    /// It will not work until a person mends it: a missing right, a newer schema, another store.
    case refused(String)
}

/// How far a sink has come with the change feed, durable with what it has written.
package struct FeedCursors: Sendable, Hashable {
    /// The revision of the last row of each slot that is in; 0 where none is.
    package var revisions: [Slot: Int64]

    package init(revisions: [Slot: Int64] = [:]) {
        self.revisions = revisions
    }
}

/// What one delivery did.
package struct DeliveryReceipt: Sendable, Hashable {
    package var written = 0
    package var deleted = 0
    package var unchanged = 0
    /// Rows that were in before.
    package var stale = 0

    package init() {}
}

/// A run of intervals of an assignment, in the order of ids: all that there are with `after < id <= upTo`.
package struct IntervalRun: Sendable {
    package var key: AssignmentKey
    package var after: Int64
    package var upTo: Int64
    package var intervals: [StoredInterval]

    /// The `upTo` of an assignment's last run.
    package static let upToMax: Int64 = 1 << 62

    package init(key: AssignmentKey, after: Int64, upTo: Int64, intervals: [StoredInterval]) {
        self.key = key
        self.after = after
        self.upTo = upTo
        self.intervals = intervals
    }
}

/// Takes the registry and the change feed. Every call may be repeated; each is done as a whole or not at all.
///
/// It is used by one thread at a time and blocks.
package protocol FeedSink: AnyObject {
    /// Connects, checks the schema and the identity of the store, and tells how far it has come.
    func open(store: String) throws(SinkError) -> FeedCursors
    /// Devices, calculators and assignments with their horizons, all that there are.
    func apply(_ registry: RegistrySnapshot) throws(SinkError)
    /// Rows of the feed: of each slot all that follow its cursor, without gaps.
    func apply(_ rows: [FeedRow]) throws(SinkError) -> DeliveryReceipt
    /// What a slot's assignments have, instead of the feed; `revision` is the slot's, read before the intervals.
    func apply(_ runs: [IntervalRun], slot: Slot, revision: Int64) throws(SinkError) -> DeliveryReceipt
    /// The end of the runs of a slot: what is of other assignments goes, and the cursor is at the revision.
    func finishRuns(slot: Slot, revision: Int64, assignments: [AssignmentKey]) throws(SinkError)
    /// The looking after that is due once a day: partitions, old log rows.
    func maintain() throws(SinkError)
    /// What is due every few minutes: looks over everything that a race may have left.
    func refreshTrips() throws(SinkError)
    func close()
}

/// Takes the messages of the log. Every call may be repeated; each is done as a whole or not at all.
///
/// It is used by one thread at a time and blocks.
package protocol MessageSink: AnyObject {
    /// Connects, checks the schema and the identity of the store; returns the position of the log that is in.
    func open(store: String) throws(SinkError) -> Int64
    /// Messages between two positions of the log, and others of position 0, which are taken whatever is in. `upTo ==
    /// after` with those of position 0 alone, or with none as a sign of life.
    func apply(_ messages: [MessageRow], after: Int64, upTo: Int64) throws(SinkError) -> MessageReceipt
    /// Brings daily sums up to date; returns whether there is more to do.
    func refreshMileage() throws(SinkError) -> Bool
    func close()
}

/// What a delivery of messages did.
package struct MessageReceipt: Sendable, Hashable {
    package var taken = 0
    package var written = 0
    package var rejected = 0

    package init() {}
}
