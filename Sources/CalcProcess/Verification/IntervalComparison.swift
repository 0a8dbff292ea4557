import LocalCache
import PrimaryStore
import Recalculation
import Telemetry

/// The stored intervals of one assignment beside those that its messages give.
struct IntervalComparison {
    /// What one of them is.
    enum Difference {
        /// The messages give an interval that is not stored.
        case missing(Interval)
        /// An interval is stored that the messages do not give.
        case extra(StoredInterval)
        case different(StoredInterval, [DifferentField])
    }

    private(set) var differences: [Difference] = []

    /// Matches by the first message that is on, then by greatest overlap; ids and timestamps do not count.
    init(stored: [StoredInterval], calculated: [Interval], custom: [Int64: [JSONValue.Member]]) {
        let byFirst = Dictionary(stored.map { ($0.firstOn, $0) }) { first, _ in first }
        var (left, rest) = (Dictionary(stored.map { ($0.id, $0) }) { first, _ in first }, [Interval]())
        for interval in calculated {
            guard let match = byFirst[interval.firstOn], left[match.id] != nil,
                Self.isAlike(match, interval, custom[match.id] ?? [])
            else {
                rest.append(interval)
                continue
            }
            left[match.id] = nil
        }
        compare(left, rest, custom)
    }

    /// The digests are turned over, so that none passes as unchanged.
    private mutating func compare(
        _ stored: [Int64: StoredInterval], _ calculated: [Interval], _ custom: [Int64: [JSONValue.Member]]
    ) {
        let diff = IntervalDiff(
            held: stored.values.sorted { $0.held.id < $1.held.id }.map { interval in
                .init(
                    id: interval.id, firstOn: interval.firstOn, begin: interval.begin, end: interval.end,
                    isActive: interval.isActive, digest: ~interval.digest)
            }, calculated: calculated.map { RenderedInterval($0) })
        var found: [(begin: Timestamp, difference: Difference)] = []
        for held in diff.deleted {
            if let interval = stored[held.id] { found.append((held.begin, .extra(interval))) }
        }
        for (new, held) in diff.written {
            guard let held, let interval = stored[held.id] else {
                found.append((new.interval.begin, .missing(new.interval)))
                continue
            }
            let fields = Self.fields(interval, new.interval, custom[held.id] ?? [])
            found.append((held.begin, .different(interval, fields)))
        }
        differences = found.sorted { $0.begin < $1.begin }.map(\.difference)
    }

    // MARK: One interval

    /// Whether row and text are what would be stored of an interval, to the byte but for id and timestamp.
    private static func isAlike(
        _ stored: StoredInterval, _ interval: Interval, _ custom: [JSONValue.Member]
    ) -> Bool {
        guard stored.firstOn == interval.firstOn, stored.begin == interval.begin, stored.end == interval.end,
            stored.isActive == interval.isActive
        else { return false }
        let text = text(interval, stored)
        if text == stored.json { return true }
        guard !custom.isEmpty, stored.json.starts(with: text.dropLast()) else { return false }
        return fields(stored, interval, custom).isEmpty
    }

    /// The text of an interval with the identity of a stored one, without custom fields.
    private static func text(_ interval: Interval, _ stored: StoredInterval) -> [UInt8] {
        var writer = JSONWriter(capacity: stored.json.count + 8)
        writer.write(raw: interval.head)
        writer.write(literal: ",\"id\":")
        writer.write(integer: stored.id)
        writer.write(literal: ",\"timestamp\":")
        writer.write(stored.timestamp)
        writer.write(raw: interval.tail)
        return writer.bytes
    }

    private static func fields(
        _ stored: StoredInterval, _ interval: Interval, _ custom: [JSONValue.Member]
    ) -> [DifferentField] {
        var fields: [DifferentField] = []
        func compare(_ name: String, _ was: JSONValue?, _ is: JSONValue?) {
            guard was != `is`, !fields.contains(where: { $0.name == name }) else { return }
            fields.append(DifferentField(name: name, stored: was, calculated: `is`))
        }
        compare("begin", .number(stored.begin.seconds), .number(interval.begin.seconds))
        compare("end", .number(stored.end.seconds), .number(interval.end.seconds))
        compare("first_on", .number(stored.firstOn.seconds), .number(interval.firstOn.seconds))
        compare("is_active", .boolean(stored.isActive), .boolean(interval.isActive))
        guard let was = (try? JSONValue(parsing: stored.json))?.members else {
            return fields + [DifferentField(name: "json", stored: nil, calculated: nil)]
        }
        let `is` = (try? JSONValue(parsing: text(interval, stored)))?.members ?? []
        let ownNames = Set(`is`.map(\.key))
        let expected = `is` + custom.filter { !ownNames.contains($0.key) }
        let (before, after) = (Self.byName(was), Self.byName(expected))
        for name in expected.map(\.key) + was.map(\.key) { compare(name, before[name], after[name]) }
        if fields.isEmpty, was.map(\.key) != expected.map(\.key) {
            fields.append(DifferentField(name: "json", stored: .object(was), calculated: .object(expected)))
        }
        return fields
    }

    private static func byName(_ members: [JSONValue.Member]) -> [String: JSONValue] {
        Dictionary(members.map { ($0.key, $0.value) }) { first, _ in first }
    }
}

/// A field of an interval that is stored with another value than its messages give; nil: without it.
package struct DifferentField: Sendable, Hashable {
    package var name: String
    package var stored: JSONValue?
    package var calculated: JSONValue?
}
