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
