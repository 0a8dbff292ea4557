import SQLiteClient

/// The running totals of the tables that are neither divided by slot, nor by assignment, nor by month.
///
/// The writer's connection keeps them by triggers of its own, so that no statement can forget them; they are not part
/// of the file, and whoever changes it behind the writer's back is noticed.
enum Totals {
    /// The tables that have one total each, the small ones of the registry first.
    static let tables = registry + ["jobs", "horizon_states", "apart_messages", "damaged_chunks"]

    /// Those that are counted whenever the store is opened.
    static let registry = [
        "meta", "parameters", "archive_marks", "devices", "calcs", "calc_revisions", "assignments",
        "ended_assignments", "entities", "links", "asset_intervals", "tokens", "horizons", "apart_counts", "settings",
        "device_drivers",
    ]

    /// Makes a connection keep the totals of what it writes.
    static func install(_ connection: Connection) throws {
        // Without it a row that another one replaces would go untold.
        try connection.execute("PRAGMA recursive_triggers = ON")
        for table in tables {
            try connection.execute(
                """
                CREATE TEMP TRIGGER total_of_new_\(table) AFTER INSERT ON main.\(table) BEGIN
                    UPDATE totals SET count = count + 1, sum = sum + new.crc WHERE name = '\(table)';
                END;
                CREATE TEMP TRIGGER total_of_old_\(table) AFTER DELETE ON main.\(table) BEGIN
                    UPDATE totals SET count = count - 1, sum = sum - old.crc WHERE name = '\(table)';
                END;
                CREATE TEMP TRIGGER total_of_changed_\(table) AFTER UPDATE OF crc ON main.\(table) BEGIN
                    UPDATE totals SET sum = sum - old.crc + new.crc WHERE name = '\(table)';
                END;
                """)
        }
    }

    static func noted(_ connection: Connection, _ table: String) throws -> RunningTotal {
        let noted = try connection.statement("SELECT count, sum FROM totals WHERE name = ?", table).first { row in
            RunningTotal(count: row.int64(0), sum: row.int64(1))
        }
        guard let noted else { throw StoreError.corrupt("the total of \(table) is missing") }
        return noted
    }

    /// What the rows of a table amount to.
    static func present(_ connection: Connection, _ table: String) throws -> RunningTotal {
        let present = try connection.statement("SELECT COUNT(*), SUM(crc) FROM \(table)").first { row in
            RunningTotal(count: row.int64(0), sum: row.int64(1))
        }
        return present ?? RunningTotal()
    }

    /// Throws if rows of a table are missing, or too many.
    static func check(_ connection: Connection, _ table: String, _ present: RunningTotal) throws {
        try present.check(against: noted(connection, table), "rows of \(table)")
    }

    static func check(_ connection: Connection, _ table: String) throws {
        try check(connection, table, present(connection, table))
    }

    static func fill(_ connection: Connection, _ tables: [String]) throws {
        for table in tables {
            let present = try present(connection, table)
            try connection.run("INSERT INTO totals VALUES (?, ?, ?)", table, present.count, present.sum)
        }
    }
}
