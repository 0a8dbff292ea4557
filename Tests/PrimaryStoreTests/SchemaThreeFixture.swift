import SQLiteClient

/// A store as the program with schema 3 left it: that of schema 5 without what its steps add.
enum SchemaThreeFixture {
    /// Takes the fourth and the fifth step back in the file of a store that is closed.
    static func make(of folder: String) throws {
        try Connection(path: folder + "/primary.db").execute(
            """
            DROP TABLE device_drivers;
            DROP INDEX archive_marks_by_position;
            DROP INDEX chunks_by_upto;
            DROP INDEX chunks_warm;
            CREATE INDEX log_by_device ON log (device, position, count);
            ALTER TABLE chunks DROP COLUMN is_cold;
            DELETE FROM totals WHERE name = 'device_drivers';
            PRAGMA user_version = 3;
            """)
    }
}
