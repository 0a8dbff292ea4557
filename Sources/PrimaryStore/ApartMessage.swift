import Telemetry

/// Why a message was kept apart instead of being taken into a device's history.
package enum ApartReason: String, Sendable, CaseIterable {
    /// Its timestamp lies further ahead of the moment of acceptance than is allowed.
    case future
    /// It is older than the device's horizon: what it belongs to has expired.
    case late
    /// It could not be read as a message: no timestamp, or one outside of what is allowed.
    case impossible
}

/// A message that was acknowledged and kept apart; it takes part in nothing until somebody admits it.
package struct ApartMessage: Sendable, Hashable {
    /// Counts up over all devices; 0 until it is stored.
    package var id: Int64
    package var device: DeviceID
    package var reason: ApartReason
    /// Its own timestamp; nil if it has none that can be read.
    package var timestamp: Timestamp?
    /// When it came.
    package var accepted: Timestamp
    /// The message as JSON text.
    package var json: String

    package init(
        id: Int64 = 0, device: DeviceID, reason: ApartReason, timestamp: Timestamp?, accepted: Timestamp, json: String
    ) {
        self.id = id
        self.device = device
        self.reason = reason
        self.timestamp = timestamp
        self.accepted = accepted
        self.json = json
    }

    /// More messages of one device than this are not kept apart: they are counted only.
    package static let countMax = 10_000
    /// A text longer than this many bytes is not kept.
    package static let byteCountMax = 1 << 20
}

/// How many messages of a device were ever kept apart for a reason, and how many of them could not be kept.
package struct ApartCount: Sendable, Hashable {
    package var reason: ApartReason
    package var count: Int64
    package var droppedCount: Int64

    package init(reason: ApartReason, count: Int64, droppedCount: Int64) {
        self.reason = reason
        self.count = count
        self.droppedCount = droppedCount
    }
}
