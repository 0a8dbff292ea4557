import Telemetry

/// What a report needs of one message: the columns of its staging table.
package struct MessageRow: Sendable, Hashable {
    /// A text longer than this is cut.
    package static let textCountMax = 2_000

    /// The log position of its batch; 0 where no position tells whether it is in already, as of a message of the
    /// archive.
    package var position: Int64
    /// Its number in the batch or chunk.
    package var number: Int32
    package var device: DeviceID
    package var timestamp: Timestamp
    package var acceptance: Timestamp
    /// Orders messages of one timestamp as merging them does: as a signed number in the order of the unsigned hash.
    package var rank: Int64
    /// Neither or both.
    package var latitude: Double?
    package var longitude: Double?
    package var speed: Double?
    package var direction: Double?
    package var altitude: Double?
    package var satellites: Double?
    package var hdop: Double?
    /// Where the position is not by satellites: such as LBS.
    package var positionType: String?
    package var ignition: Bool?
    package var mileage: Double?
    package var isBuffered = false
    package var gsmSignal: Double?
    package var batteryPercent: Double?
    package var batteryVoltage: Double?
    package var powerVoltage: Double?
    package var temperature: Double?
    package var fuel: Double?
    /// Nil where the message tells of no alarm.
    package var alarmType: String?
    package var alarmName: String?
    package var alarmSeverity: String?
    package var address: String?

    package init(
        position: Int64, number: Int32, device: DeviceID, timestamp: Timestamp, acceptance: Timestamp, hash: UInt64
    ) {
        self.position = position
        self.number = number
        self.device = device
        self.timestamp = timestamp
        self.acceptance = acceptance
        rank = Self.rank(of: hash)
    }

    /// The hash with its top bit flipped.
    package static func rank(of hash: UInt64) -> Int64 { Int64(bitPattern: hash ^ (1 << 63)) }
}
