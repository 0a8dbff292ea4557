import Telemetry

/// The custom fields of an interval: what somebody set beside its counters. They travel with its id.
package struct IntervalFields: Sendable, Hashable {
    /// More bytes of JSON text than this are refused.
    package static let byteCountMax = 65_536
    /// More names than this are refused.
    package static let nameCountMax = 256
    /// The names that every interval has of its own.
    package static let reservedNames: Set<String> = ["begin", "end", "duration", "id", "timestamp"]

    package var id: Int64
    package var firstOn: Timestamp
    /// An object of names and values.
    package var json: String

    package init(id: Int64, firstOn: Timestamp, json: String) {
        self.id = id
        self.firstOn = firstOn
        self.json = json
    }
}

extension IntervalFields {
    /// The names and values; none where the text is not an object, which the store does not write.
    package var members: [JSONValue.Member] { (try? JSONValue(parsing: json))?.members ?? [] }
}

extension [IntervalFields] {
    /// The values by name of each interval, by the first message that it is recognised by: as `previous()` finds them.
    package var valuesByFirstOn: [Timestamp: [String: Value]] {
        let pairs = map { fields in
            (fields.firstOn, Dictionary(fields.members.map { ($0.key, $0.value.value) }, uniquingKeysWith: { $1 }))
        }
        return Dictionary(pairs, uniquingKeysWith: { $1 })
    }
}
