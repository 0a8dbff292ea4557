import Telemetry

/// An interval with its finished JSON text.
package struct StoredInterval: Sendable, Hashable {
    package var held: HeldInterval
    /// When it was calculated.
    package var timestamp: Timestamp
    /// The revision of the calculator that it was calculated with; 0 where an older program did not note it.
    package var calculatorRevision: Int64
    /// The whole object, `{"begin":…}`, the custom fields last.
    package var json: [UInt8]
    /// The offset in `json` of the comma before `"id"`.
    package var headCount: Int

    package var id: Int64 { held.id }
    package var firstOn: Timestamp { held.firstOn }
    package var begin: Timestamp { held.begin }
    package var end: Timestamp { held.end }
    package var isActive: Bool { held.isActive }
    package var digest: UInt64 { held.digest }

    package init(
        held: HeldInterval, timestamp: Timestamp, calculatorRevision: Int64 = 0, json: [UInt8], headCount: Int
    ) {
        self.held = held
        self.timestamp = timestamp
        self.calculatorRevision = calculatorRevision
        self.json = json
        self.headCount = headCount
    }
}

extension Interval {
    /// An interval as its calculator made it, read back from its text; what people have added is left out.
    package init(_ stored: StoredInterval, counters names: Set<String>) {
        let members = (try? JSONValue(parsing: stored.json))?.members ?? []
        self.init(
            begin: stored.begin, end: stored.end, firstOn: stored.firstOn, isActive: stored.isActive,
            counters: members.compactMap { member in
                names.contains(member.key) ? Counter(name: member.key, value: member.value.value) : nil
            })
    }
}

/// Which intervals of an assignment are wanted; they come in the order of time.
package struct IntervalQuery: Sendable, Hashable {
    /// Whole intervals that overlap it.
    package var range: TimeRange?
    package var ids: [Int64]?
    /// Only the latest of them.
    package var isLastOnly: Bool
    /// The latest first.
    package var isReversed: Bool
    package var countMax: Int?
    /// As they were known at this moment, from what has been kept: every text of a closed interval that a push replaced
    /// or deleted. Growth is not kept: an interval that was still growing then is answered with the text that it had
    /// when it stopped, or has by now. Custom fields are those that the text had last.
    package var asOf: Timestamp?

    /// More replaced versions than this are not pruned at once.
    package static let prunedVersionCountMax = 10_000

    package init(
        range: TimeRange? = nil, ids: [Int64]? = nil, isLastOnly: Bool = false, isReversed: Bool = false,
        countMax: Int? = nil, asOf: Timestamp? = nil
    ) {
        self.range = range
        self.ids = ids
        self.isLastOnly = isLastOnly
        self.isReversed = isReversed
        self.countMax = countMax
        self.asOf = asOf
    }
}

/// The joined text of a run of intervals.
package struct IntervalPage: Sendable {
    /// The objects with commas between them, without brackets.
    package var json: [UInt8]
    package var count: Int
    /// Whether one of them is still open, so that the page will change.
    package var hasActive: Bool

    package init(json: [UInt8] = [], count: Int = 0, hasActive: Bool = false) {
        self.json = json
        self.count = count
        self.hasActive = hasActive
    }
}

/// One row of the change feed.
package struct FeedRow: Sendable, Hashable {
    package var slot: Slot
    /// Counts the rows of the slot from 1.
    package var revision: Int64
    package var operation: ChangeOperation
    package var key: AssignmentKey
    package var id: Int64
    /// As they were then; with the text, as they are by now.
    package var begin: Timestamp
    package var end: Timestamp
    /// When the push that made it was calculated; with the text, the latest.
    package var timestamp: Timestamp
    /// Of a deleted interval its last text; of another, if bodies were asked for, its present text unless it has been
    /// deleted since.
    package var json: [UInt8]?
    /// With the text of one that is not deleted: whether the interval is active now.
    package var isActive = false
    /// With the text of one that is not deleted: the revision of the calculator that it was calculated with.
    package var calculatorRevision: Int64 = 0

    package init(
        slot: Slot, revision: Int64, operation: ChangeOperation, key: AssignmentKey, id: Int64, begin: Timestamp,
        end: Timestamp, timestamp: Timestamp, json: [UInt8]?
    ) {
        self.slot = slot
        self.revision = revision
        self.operation = operation
        self.key = key
        self.id = id
        self.begin = begin
        self.end = end
        self.timestamp = timestamp
        self.json = json
    }
}
