import PostgresClient
import PrimaryStore
import Telemetry

extension Staging {
    private static let messageColumns = [
        "position", "number", "device_id", "at", "received_at", "rank", "lat", "lng", "speed_kmh", "direction",
        "altitude_m", "satellites", "hdop", "pos_type", "acc", "mileage_km", "gps_mode", "gsm_signal", "battery_pct",
        "battery_v", "power_v", "temperature_c", "fuel", "alarm_type", "alarm_name", "alarm_severity", "address",
    ]

    static func messages(_ rows: some Sequence<MessageRow>, to postgres: PostgresConnection) throws {
        try copy("odograph_messages", messageColumns, to: postgres) { writer in
            for row in rows { try add(row, to: writer) }
        }
    }

    private static func add(_ row: MessageRow, to writer: PostgresCopyWriter) throws(PostgresError) {
        try writer.add(row.position)
        try writer.add(row.number)
        try writer.add(row.device.rawValue)
        try writer.add(PostgresTimestamp(row.timestamp))
        try writer.add(PostgresTimestamp(row.acceptance))
        try writer.add(row.rank)
        for value in [row.latitude, row.longitude] { try writer.add(value) }
        for value in [row.speed, row.direction, row.altitude, row.satellites, row.hdop] { try writer.add(value) }
        try addText(row.positionType, to: writer)
        try writer.add(row.ignition)
        try writer.add(row.mileage)
        try writer.add(Int64(row.isBuffered ? 1 : 0))
        for value in [row.gsmSignal, row.batteryPercent, row.batteryVoltage, row.powerVoltage] { try writer.add(value) }
        for value in [row.temperature, row.fuel] { try writer.add(value) }
        for text in [row.alarmType, row.alarmName, row.alarmSeverity, row.address] { try addText(text, to: writer) }
        try writer.endRow()
    }

    private static func addText(_ text: String?, to writer: PostgresCopyWriter) throws(PostgresError) {
        try writer.add(text.map(StagedText.plain))
    }
}
