import PrimaryStore
import Telemetry

/// One thing that a verification has to say.
package struct VerificationFinding: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        /// The messages give an interval that is not stored.
        case missing
        /// An interval is stored that the messages do not give.
        case extra
        /// A stored interval has other fields than its messages give.
        case different
        /// Bytes are not what was written.
        case corrupt
        /// The change feed, replayed, does not give the table of intervals, or an id is above the last one given.
        case feed
        /// A calculator cannot be run.
        case failure
        /// Differences that are due to be calculated away.
        case pending
    }

    package var kind: Kind
    package var key: AssignmentKey?
    package var id: Int64?
    package var begin: Timestamp?
    package var end: Timestamp?
    package var fields: [DifferentField] = []
    package var stored: JSONValue?
    package var calculated: JSONValue?
    /// How many differences are pending.
    package var count: Int?
    package var text: String?

    init(_ kind: Kind, _ key: AssignmentKey? = nil, text: String? = nil) {
        self.kind = kind
        self.key = key
        self.text = text
    }

    init(_ difference: IntervalComparison.Difference, _ key: AssignmentKey) {
        switch difference {
        case .missing(let interval):
            self.init(.missing, key)
            (begin, end) = (interval.begin, interval.end)
            calculated = try? JSONValue(parsing: interval.head + interval.tail)
        case .extra(let interval):
            self.init(.extra, key)
            (id, begin, end) = (interval.id, interval.begin, interval.end)
            stored = try? JSONValue(parsing: interval.json)
        case .different(let interval, let fields):
            self.init(.different, key)
            (id, begin, end) = (interval.id, interval.begin, interval.end)
            self.fields = fields
        }
    }

    /// Whether it says that the store is not what it must be.
    package var isDifference: Bool { kind != .pending }

    /// The finding as a line of JSON says it.
    package var json: JSONValue {
        var members: [JSONValue.Member] = [.init("kind", .string(kind.rawValue))]
        func add(_ name: String, _ value: JSONValue?) {
            if let value { members.append(.init(name, value)) }
        }
        add("calc_id", key.map { .whole($0.calculator.rawValue) })
        if let device = key?.device {
            add(device.assetID == nil ? "device_id" : "asset_id", .whole(device.assetID ?? device.rawValue))
        }
        add("id", id.map { .whole($0) })
        add("begin", begin.map { .number($0.seconds) })
        add("end", end.map { .number($0.seconds) })
        if kind == .different { add("fields", .array(fields.map(\.json))) }
        add("stored", stored)
        add("calculated", calculated)
        add("count", count.map { .whole(Int64($0)) })
        add("text", text.map { .string($0) })
        return .object(members)
    }
}

extension DifferentField {
    fileprivate var json: JSONValue {
        var members: [JSONValue.Member] = [.init("name", .string(name))]
        if let stored { members.append(.init("stored", stored)) }
        if let calculated { members.append(.init("calculated", calculated)) }
        return .object(members)
    }
}

/// What a verification has looked at and found.
package struct VerificationSummary: Sendable, Equatable {
    package var deviceCount = 0
    package var assignmentCount = 0
    package var messageCount = 0
    package var intervalCount = 0
    package var feedRowCount = 0
    /// How often each kind was found; of `pending`, the differences.
    package var counts: [VerificationFinding.Kind: Int] = [:]

    package init() {}

    /// How many findings say that the store is not what it must be.
    package var differenceCount: Int { counts.filter { $0.key != .pending }.values.reduce(0, +) }

    package mutating func add(_ finding: VerificationFinding) {
        counts[finding.kind, default: 0] += finding.count ?? 1
    }

    package var members: [JSONValue.Member] {
        [
            .init("devices", .whole(Int64(deviceCount))), .init("assignments", .whole(Int64(assignmentCount))),
            .init("messages", .whole(Int64(messageCount))), .init("intervals", .whole(Int64(intervalCount))),
            .init("feed_rows", .whole(Int64(feedRowCount))),
        ]
            + VerificationFinding.Kind.allCases.map { kind in
                .init(kind.rawValue, .whole(Int64(counts[kind] ?? 0)))
            }
    }
}

extension JSONValue {
    fileprivate static func whole(_ number: Int64) -> JSONValue { .number(Double(number)) }
}
