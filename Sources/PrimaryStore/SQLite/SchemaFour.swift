import SQLiteClient
import Telemetry

/// The fourth step of the schema: who drove a device when, and the indexes by which a reader from outside finds what
/// was sealed after its position.
enum SchemaFour {
    static let migration = Schema.Migration(sql: tables, fill: fill)

    private static let tables = """
        CREATE TABLE device_drivers (
            device INTEGER NOT NULL, since INTEGER NOT NULL, name TEXT, crc INTEGER NOT NULL,
            PRIMARY KEY (device, since)) WITHOUT ROWID;
        CREATE INDEX archive_marks_by_position ON archive_marks (position);
        CREATE INDEX chunks_by_upto ON chunks (device, upto);
        """

    /// A name that is there already counts from the beginning on.
    @Sendable
    private static func fill(_ connection: Connection) throws {
        var named: [(device: DeviceID, name: String)] = []
        try connection.statement("SELECT id, json FROM devices ORDER BY id").forEachRow { row in
            if let name = DeviceDriver.name(in: row.text(1)) { named.append((DeviceID(row.int64(0)), name)) }
        }
        for (device, name) in named {
            try DriverTable.put(connection, DeviceDriver(device: device, from: .distantPast, name: name))
        }
        try Totals.fill(connection, ["device_drivers"])
    }
}
