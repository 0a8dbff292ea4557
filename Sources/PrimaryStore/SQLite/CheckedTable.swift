import MessageChunks
import SQLiteClient

/// A table of which each row ends with a checksum over its other columns; the key stands first.
struct CheckedTable: Sendable {
    struct Column: Sendable {
        var name: String
        var kind: Cell.Kind
    }

    let name: String
    let columns: [Column]
    let keyCount: Int
    private let selection: String
    private let search: String
    private let deletion: String
    private let addition: String
    private let insertion: String

    init(_ name: String, keyCount: Int = 1, _ columns: KeyValuePairs<String, Cell.Kind>) {
        self.name = name
        self.columns = columns.map { Column(name: $0.key, kind: $0.value) }
        self.keyCount = keyCount
        let names = columns.map(\.key)
        let list = names.joined(separator: ", ")
        let condition = names.prefix(keyCount).map { "\($0) = ?" }.joined(separator: " AND ")
        selection = "SELECT \(list), crc FROM \(name)"
        search = "\(selection) WHERE \(condition)"
        deletion = "DELETE FROM \(name) WHERE \(condition)"
        let places = Array(repeating: "?", count: names.count + 1).joined(separator: ", ")
        let updates = (names.dropFirst(keyCount) + ["crc"]).map { "\($0) = excluded.\($0)" }
        // Where it fails, the transaction or the savepoint is undone: undoing the statement alone, which has triggers,
        // would cost a copy of every page that it changes.
        addition = "INSERT OR FAIL INTO \(name) (\(list), crc) VALUES (\(places))"
        insertion = """
            \(addition)
            ON CONFLICT (\(names.prefix(keyCount).joined(separator: ", "))) DO UPDATE SET \
            \(updates.joined(separator: ", "))
            """
    }

    /// The row with a key; nil if there is none.
    func find(_ connection: Connection, _ key: any Bindable...) throws -> [Cell]? {
        let statement = try connection.statement(search)
        try statement.bindAll(key)
        return try statement.first(cells)
    }

    /// Calls the body at each row that satisfies a condition, such as `WHERE device = ? ORDER BY id`.
    func forEach(
        _ connection: Connection, _ condition: String = "", _ values: any Bindable..., body: ([Cell]) throws -> Void
    ) throws {
        try forEach(connection, condition, all: values, body: body)
    }

    func forEach(
        _ connection: Connection, _ condition: String, all values: [any Bindable], body: ([Cell]) throws -> Void
    ) throws {
        let statement = try connection.statement("\(selection) \(condition)")
        try statement.bindAll(values)
        try statement.forEachRow { row in try body(try cells(row)) }
    }

    /// Writes a row over what is there under its key.
    func put(_ connection: Connection, _ cells: [Cell]) throws { try write(connection, insertion, cells) }

    /// Writes a row under a key that has none yet.
    func add(_ connection: Connection, _ cells: [Cell]) throws { try write(connection, addition, cells) }

    private func write(_ connection: Connection, _ sql: String, _ cells: [Cell]) throws {
        let statement = try connection.statement(sql)
        for (index, cell) in cells.enumerated() { try cell.bind(to: statement, at: Int32(index + 1)) }
        try statement.bind(Int32(cells.count + 1), checksum(cells))
        try statement.run()
    }

    func delete(_ connection: Connection, _ key: any Bindable...) throws {
        let statement = try connection.statement(deletion)
        try statement.bindAll(key)
        try statement.run()
    }

    /// What a damaged row is called.
    func label(_ cells: [Cell]) -> String {
        let key = zip(columns, cells).prefix(keyCount).map { column, cell in
            "\(column.name) \(cell.integer.map(String.init) ?? cell.text ?? "?")"
        }
        return "the row of \(name) with \(key.joined(separator: ", "))"
    }

    /// Gives every row the checksum of what it holds.
    func fillChecksums(_ connection: Connection) throws {
        var rows: [[Cell]] = []
        let statement = try connection.statement(selection)
        try statement.forEachRow { rows.append(values($0)) }
        for row in rows { try put(connection, row) }
    }

    private func cells(_ row: Statement) throws -> [Cell] {
        let cells = values(row)
        guard checksum(cells) == row.int64(Int32(columns.count)) else { throw StoreError.corrupt(label(cells)) }
        return cells
    }

    private func values(_ row: Statement) -> [Cell] {
        columns.enumerated().map { Cell(row, Int32($0.offset), $0.element.kind) }
    }

    private func checksum(_ cells: [Cell]) -> Int64 {
        precondition(cells.count == columns.count, "a row of \(name) has \(columns.count) columns")
        var checksum = RowChecksum()
        checksum.add(name)
        for cell in cells { cell.add(to: &checksum) }
        return checksum.valueWithoutBytes
    }
}

extension CheckedTable {
    static let meta = CheckedTable("meta", ["key": .text, "value": .integer])
    static let parameters = CheckedTable("parameters", ["id": .integer, "name": .text])
    static let archiveMarks = CheckedTable("archive_marks", ["device": .integer, "position": .integer])
    static let endedAssignments = CheckedTable(
        "ended_assignments", keyCount: 2, ["device": .integer, "calc": .integer, "last_interval": .integer])
    static let jobs = CheckedTable(
        "jobs",
        [
            "id": .integer, "calc": .integer, "device": .integer, "cause": .text, "asked_lower": .integer,
            "asked_upper": .integer, "run_lower": .integer, "run_upper": .integer, "messages": .integer,
            "created": .integer, "updated": .integer, "deleted": .integer, "started": .integer, "milliseconds": .real,
            "outcome": .text,
        ])
    static let tokens = CheckedTable(
        "tokens",
        [
            "id": .integer, "sha256": .blob, "prefix": .text, "name": .text, "kind": .text, "created": .integer,
            "expires": .integer, "last_used": .integer, "revoked": .integer,
        ])
    static let horizons = CheckedTable("horizons", ["device": .integer, "horizon": .integer])
    static let horizonStates = CheckedTable(
        "horizon_states", keyCount: 2,
        ["device": .integer, "calc": .integer, "calc_revision": .integer, "bytes": .blob])
    static let apartMessages = CheckedTable(
        "apart_messages", keyCount: 2,
        [
            "device": .integer, "id": .integer, "reason": .text, "timestamp": .integer, "accepted": .integer,
            "json": .text,
        ])
    static let apartCounts = CheckedTable(
        "apart_counts", keyCount: 2,
        ["device": .integer, "reason": .text, "count": .integer, "dropped": .integer])
    static let settings = CheckedTable("settings", ["name": .text, "value": .text])
    static let damagedChunks = CheckedTable(
        "damaged_chunks",
        [
            "id": .integer, "device": .integer, "first": .integer, "last": .integer, "count": .integer,
            "upto": .integer, "reason": .text, "since": .integer, "bytes": .blob,
        ])
    static let deviceDrivers = CheckedTable(
        "device_drivers", keyCount: 2, ["device": .integer, "since": .integer, "name": .text])
    static let logTotals = CheckedTable("log_totals", ["id": .integer, "totals": .blob])

    static let all = [
        meta, parameters, archiveMarks, endedAssignments, jobs, tokens, horizons, horizonStates, apartMessages,
        apartCounts, settings, damagedChunks, deviceDrivers,
    ]
}

/// The numbers of the table `meta`.
enum MetaTable {
    /// The key of a number that is new in every copy of a store.
    static let feedIncarnation = "feed_incarnation"

    static func value(_ connection: Connection, _ key: String) throws -> Int64? {
        try CheckedTable.meta.find(connection, key)?[1].integer
    }

    static func set(_ connection: Connection, _ key: String, _ value: Int64) throws {
        try CheckedTable.meta.put(connection, [.text(key), .integer(value)])
    }

    /// Counts a number up, from 1 on.
    static func next(_ connection: Connection, _ key: String) throws -> Int64 {
        let next = (try value(connection, key) ?? 0) + 1
        try set(connection, key, next)
        return next
    }
}
