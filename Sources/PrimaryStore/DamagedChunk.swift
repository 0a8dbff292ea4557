import Telemetry

/// A chunk of the archive whose bytes are not what was written, set apart from the others.
package struct DamagedChunk: Sendable, Hashable {
    package var device: DeviceID
    /// The timestamps of its first and its last message, as far as they can be believed.
    package var first: Timestamp
    package var last: Timestamp
    package var count: Int
    package var upTo: Int64
    /// What is wrong with it.
    package var reason: String
    /// When it was set apart; nil while it is still among the others.
    package var since: Timestamp?

    package init(
        device: DeviceID, first: Timestamp, last: Timestamp, count: Int, upTo: Int64, reason: String,
        since: Timestamp? = nil
    ) {
        self.device = device
        self.first = first
        self.last = last
        self.count = count
        self.upTo = upTo
        self.reason = reason
        self.since = since
    }
}
