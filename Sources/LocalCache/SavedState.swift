import Telemetry

/// A saved state of an evaluation: after all messages up to `moment`.
package struct SavedState: Sendable, Hashable {
    package var moment: Timestamp
    /// The first message of the earliest interval that was not settled; nil if all were.
    package var pendingFrom: Timestamp?
    /// Whether it stood at the end of the data, so that the next one may take its place.
    package var isLast: Bool
    /// The messages between the state before and this one.
    package var count: Int
    package var bytes: [UInt8]

    package init(moment: Timestamp, pendingFrom: Timestamp?, isLast: Bool, count: Int, bytes: [UInt8]) {
        self.moment = moment
        self.pendingFrom = pendingFrom
        self.isLast = isLast
        self.count = count
        self.bytes = bytes
    }
}
