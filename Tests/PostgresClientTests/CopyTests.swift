import PostgresClient
import Testing
import ThrowAwayPostgres

@Suite(.needsPostgres)
struct CopyTests {
    static let columns = [
        "id", "small", "whole", "real", "value", "amount", "flag", "name", "data", "at", "day", "tag", "list",
    ]
    static let types = """
        id int8 PRIMARY KEY, small int2, whole int4, real float4, value float8, amount numeric, flag bool, name text,
        data jsonb, at timestamptz, day date, tag uuid, list text[]
        """

    private func value<Value>(_ index: Int, _ modulus: Int, _ value: Value) -> Value? {
        index % modulus == 0 ? nil : value
    }

    /// The same rows by a COPY and by INSERT; every column is null now and then.
    private func fill(_ connection: PostgresConnection, rows: Int) throws {
        let table = try PostgresTable("copied")
        let uuid = try #require(PostgresUUID("fedcba98-7654-3210-fedc-ba9876543210"))
        try connection.copyIn(table: table, columns: Self.columns) { writer in
            for index in 0..<rows {
                try writer.add(index)
                try writer.add(value(index, 3, Int16(index % 1000)))
                try writer.add(value(index, 4, Int64(-index)))
                try writer.add(value(index, 5, Double(index) / 4))
                try writer.add(value(index, 6, index == 7 ? Double.nan : Double(index) * 1.1))
                try writer.add(value(index, 7, Double(index) / 100))
                try writer.add(value(index, 8, index % 2 == 0))
                try writer.add(value(index, 9, "name \(index) \"quoted\" \\ Ü"))
                try writer.add(value(index, 10, PostgresJSON("{\"n\": \(index)}")))
                try writer.add(value(index, 11, PostgresTimestamp(microseconds: Int64(index) * 1_000_001)))
                try writer.add(value(index, 12, PostgresDate(days: Int32(index))))
                try writer.add(value(index, 13, uuid))
                try writer.add(value(index, 14, ["a", "\(index)"]))
                try writer.endRow()
            }
        }
        let marks = (1...Self.columns.count).map { "$\($0)" }.joined(separator: ", ")
        try connection.pipeline { pipeline in
            for index in 0..<rows {
                try pipeline.add(
                    "INSERT INTO inserted VALUES (\(marks))", index, value(index, 3, Int16(index % 1000)),
                    value(index, 4, Int32(-index)), value(index, 5, Double(index) / 4),
                    value(index, 6, index == 7 ? Double.nan : Double(index) * 1.1),
                    value(index, 7, PostgresNumeric(Double(index) / 100)), value(index, 8, index % 2 == 0),
                    value(index, 9, "name \(index) \"quoted\" \\ Ü"),
                    value(index, 10, PostgresJSON("{\"n\": \(index)}")),
                    value(index, 11, PostgresTimestamp(microseconds: Int64(index) * 1_000_001)),
                    value(index, 12, PostgresDate(days: Int32(index))), value(index, 13, uuid),
                    value(index, 14, ["a", "\(index)"]))
            }
        }.get()
    }

    @Test("a COPY stores the same rows as INSERT, also over many buffers")
    func sameAsInsert() throws {
        try PostgresTest.connected { connection in
            for name in ["copied", "inserted"] { try connection.execute("CREATE TABLE \(name) (\(Self.types))") }
            try fill(connection, rows: 3_000)
            let difference = """
                SELECT count(*) FROM copied c FULL JOIN inserted i USING (id)
                WHERE c.* IS DISTINCT FROM i.*
                """
            #expect(try connection.value(difference, as: Int64.self) == 0)
            #expect(try connection.value("SELECT count(*) FROM copied", as: Int64.self) == 3_000)
        }
    }

    @Test("what is copied in is copied out")
    func roundTrip() throws {
        try PostgresTest.connected { connection in
            for name in ["copied", "inserted"] { try connection.execute("CREATE TABLE \(name) (\(Self.types))") }
            try fill(connection, rows: 200)
            var ids: [Int64] = []
            let count = try connection.copyOut(
                "(SELECT id, name, value, at, data, list FROM copied ORDER BY id)"
            ) { row in
                let id: Int64 = try row.get(0)
                ids.append(id)
                if id == 7 { #expect(try row.get(2, as: Double.self).isNaN) }
                #expect(try row.get(1, as: String?.self) == value(Int(id), 9, "name \(id) \"quoted\" \\ Ü"))
                #expect(try row.get(3, as: PostgresTimestamp?.self)?.microseconds == value(Int(id), 11, id * 1_000_001))
                #expect(try row.get(4, as: PostgresJSON?.self)?.text == value(Int(id), 10, "{\"n\": \(id)}"))
                #expect(try row.get(5, as: [String]?.self) == value(Int(id), 14, ["a", "\(id)"]))
            }
            #expect(count == 200 && ids == Array(0..<200))
            let table = try PostgresTable(schema: "public", "copied")
            #expect(try connection.copyOut(table: table, columns: ["id"]) { _ in } == 200)
            struct Enough: Error {}
            try PostgresTest.throwing(Enough.self) {
                try connection.copyOut("(SELECT generate_series(1, 100000000))") { _ in throw Enough() }
            }
            #expect(try connection.value("SELECT 1") == 1)
            #expect(try PostgresTest.error { try connection.copyOut("nowhere") { _ in } }.isUndefinedTable)
        }
    }

    @Test("a body that throws copies nothing, and the connection goes on")
    func abandoned() throws {
        struct Change: Error {}
        try PostgresTest.connected { connection in
            try connection.execute("CREATE TABLE t (a int8)")
            let table = try PostgresTable("t")
            try PostgresTest.throwing(Change.self) {
                try connection.copyIn(table: table, columns: ["a"]) { writer in
                    for index in 0..<50_000 { try writer.row(index) }
                    throw Change()
                }
            }
            #expect(try connection.value("SELECT count(*) FROM t", as: Int64.self) == 0)
            #expect(try connection.copyIn(table: table, columns: ["a"]) { _ in } == 0)
        }
    }

    @Test("names with quotes, a column named select, and 200 columns are copied")
    func names() throws {
        try PostgresTest.connected { connection in
            let schema = try PostgresName("Fleet \"north\"")
            let table = PostgresTable(schema: schema, try PostgresName("trips; DROP TABLE x--"))
            let names = ["select", "a\"b", "Größe", "o'clock"] + (0..<196).map { "c\($0)" }
            let columns = try names.map { "\(try PostgresName($0)) text" }.joined(separator: ", ")
            try connection.execute("CREATE SCHEMA \(schema); CREATE TABLE \(table) (\(columns))")
            try connection.copyIn(table: table, columns: names) { writer in
                for row in 0..<20 {
                    for name in names { try writer.add("\(name) \(row)") }
                    try writer.endRow()
                }
            }
            let found = try connection.query(
                "SELECT \"select\", \"a\"\"b\", c195 FROM \(table) WHERE \"o'clock\" = $1", "o'clock 7",
                as: String.self,
                String.self, String.self)
            #expect(found.count == 1 && found.first?.0 == "select 7" && found.first?.2 == "c195 7")
        }
    }

    @Test("a value that does not fit its column is an error that names the column, and nothing is copied")
    func mismatches() throws {
        try PostgresTest.connected { connection in
            try connection.execute(
                "CREATE DOMAIN plate AS text CHECK (value <> ''); CREATE TABLE t (a int4, \"select\" text, p plate)")
            let table = try PostgresTable("t")
            let wrong: [(PostgresCopyWriter) throws -> Void] = [
                { try $0.add(Int64.max) }, { try $0.add(1.5) }, { try $0.add("x") }, { try $0.add(true) },
                { try $0.row(1) }, { try $0.row(1, "a", "b", "c") }, { try $0.row(1, 5, "b") },
                { try $0.row(1, "a\0b", "c") }, { try $0.add(1) }, { try $0.row(1, "a", PostgresUntyped("c")) },
            ]
            for body in wrong {
                let error = try PostgresTest.error {
                    try connection.copyIn(table: table, columns: ["a", "select", "p"], body)
                }
                #expect(error.origin == .client && error.statement?.hasPrefix("COPY") == true)
            }
            let named = try PostgresTest.error {
                try connection.copyIn(table: table, columns: ["select"]) { try $0.add(5) }
            }
            #expect(named.message == "a whole number cannot be stored in column \"select\", which is text")
            let check = try PostgresTest.error {
                try connection.copyIn(table: table, columns: ["p"]) { try $0.row("") }
            }
            #expect(check.isCheckViolation)
            try PostgresTest.throwing(PostgresError.self) {
                try connection.copyIn(table: table, columns: ["nothing"]) { _ in }
            }
            #expect(try connection.value("SELECT count(*) FROM t", as: Int64.self) == 0)
        }
    }

    @Test("a text of a megabyte is copied, and a row that the server refuses undoes the copy")
    func large() throws {
        try PostgresTest.connected { connection in
            try connection.execute("CREATE TABLE t (a int8 PRIMARY KEY, b text)")
            let table = try PostgresTable("t")
            let text = String(repeating: "Größe ", count: 150_000)
            try connection.copyIn(table: table, columns: ["a", "b"]) { writer in
                for index in 0..<3 { try writer.row(index, text) }
            }
            #expect(try connection.value("SELECT b FROM t WHERE a = 2") == text)
            let error = try PostgresTest.error {
                try connection.copyIn(table: table, columns: ["a"]) { writer in
                    for index in (0..<100_000).reversed() { try writer.row(index) }
                }
            }
            #expect(error.isUniqueViolation && error.context == "COPY t, line 99998")
            #expect(try connection.value("SELECT count(*) FROM t", as: Int64.self) == 3)
        }
    }
}
