import PostgresClient
import Testing
import ThrowAwayPostgres

@Suite(.needsPostgres)
struct QueryTests {
    @Test("a value of every type comes back as it went, and null as null")
    func values() throws {
        try PostgresTest.connected { connection in
            let moment = PostgresTimestamp(microseconds: 1_700_000_000_123_456)
            let uuid = try #require(PostgresUUID("01234567-89ab-cdef-0123-456789abcdef"))
            #expect(try connection.value("SELECT $1", true) == true)
            #expect(try connection.value("SELECT $1", Int16.min) == Int16.min)
            #expect(try connection.value("SELECT $1", Int32.min) == Int32.min)
            #expect(try connection.value("SELECT $1", Int64.max) == Int64.max)
            #expect(try connection.value("SELECT $1", -0.1) == -0.1)
            #expect(try connection.value("SELECT $1", "Zürich 'n\\ \"q\" 🚚") == "Zürich 'n\\ \"q\" 🚚")
            #expect(try connection.value("SELECT $1", "") == "")
            #expect(try connection.value("SELECT $1", [UInt8]([0, 255, 0])) == [UInt8]([0, 255, 0]))
            #expect(try connection.value("SELECT $1", moment) == moment)
            #expect(try connection.value("SELECT $1", PostgresDate(days: -1)) == PostgresDate(days: -1))
            #expect(try connection.value("SELECT $1", uuid) == uuid)
            #expect(try connection.value("SELECT $1", PostgresJSON("{\"a\":  [1]}")) == PostgresJSON("{\"a\": [1]}"))
            let null = try connection.value("SELECT $1", Int64?.none, as: Int64?.self)
            #expect(null == .some(nil))
            #expect(try connection.value("SELECT 1 WHERE false", as: Int64.self) == nil)
        }
    }

    @Test("numbers and moments at the ends of their ranges come back, and are what the server takes them for")
    func extremes() throws {
        try PostgresTest.connected { connection in
            for value in [
                Double.nan, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude, 0.1 + 0.2,
            ] {
                let back = try #require(try connection.value("SELECT $1", value, as: Double.self))
                #expect(back == value || (back.isNaN && value.isNaN))
            }
            let moments: [(PostgresTimestamp, String)] = [
                (.infinity, "infinity"), (.negativeInfinity, "-infinity"),
                (PostgresTimestamp(microseconds: 0), "1970-01-01 00:00:00+00"),
                (PostgresTimestamp(microseconds: -1), "1969-12-31 23:59:59.999999+00"),
                (PostgresTimestamp(microseconds: -210_866_803_200_000_000), "4714-11-24 00:00:00+00 BC"),
            ]
            for (moment, text) in moments {
                #expect(try connection.value("SELECT $1::text", moment) == text)
                #expect(try connection.value("SELECT $1", moment) == moment)
            }
            #expect(try connection.value("SELECT $1::text", PostgresDate(days: 19_000)) == "2022-01-08")
            #expect(try connection.value("SELECT 'infinity'::date", as: PostgresDate.self) == PostgresDate(days: .max))
            let early = try PostgresTest.error {
                try connection.query("SELECT $1", PostgresTimestamp(microseconds: .min + 1))
            }
            #expect(early.origin == .client)
        }
    }

    @Test("a decimal number of any length comes back as the server writes it")
    func decimals() throws {
        try PostgresTest.connected { (connection) throws in
            let texts = [
                "0", "0.0", "1", "-1", "10000", "9999.9999", "0.0001", "-0.00000123",
                "123456789012345678901234567890.12",
                "100000000", "1.50", "12345.6", "NaN", "Infinity", "-Infinity", "-0.5", "20000000000.00001",
            ]
            for text in texts {
                #expect(try connection.value("SELECT $1::text::numeric", text, as: PostgresNumeric.self)?.text == text)
                #expect(try connection.value("SELECT $1::text", PostgresNumeric(text)) == text)
            }
            for (text, plain) in [("1e-05", "0.00001"), ("1.25e+20", "125000000000000000000"), ("5e3", "5000")] {
                #expect(try connection.value("SELECT $1::text", PostgresNumeric(text)) == plain)
            }
            #expect(try connection.value("SELECT sum(x) FROM (VALUES (1.5), (2.25)) v(x)", as: Double.self) == 3.75)
            for wrong in ["", "-", "1.2.3", "1e", "x", "1e99999999999"] {
                try PostgresTest.throwing(PostgresError.self) {
                    try connection.query("SELECT $1", PostgresNumeric(wrong))
                }
            }
        }
    }

    @Test("arrays come back, with their nulls, and unnest into rows")
    func arrays() throws {
        try PostgresTest.connected { connection in
            let moments = [PostgresTimestamp(microseconds: 1), .infinity]
            #expect(try connection.value("SELECT $1", ["a,b", "{\"}", ""]) == ["a,b", "{\"}", ""])
            #expect(try connection.value("SELECT $1", [Int64.min, 0, 5]) == [Int64.min, 0, 5])
            #expect(try connection.value("SELECT $1", [1.5, -.infinity]) == [1.5, -.infinity])
            #expect(try connection.value("SELECT $1", moments) == moments)
            #expect(try connection.value("SELECT $1", [Int64]()) == [Int64]())
            #expect(try connection.value("SELECT $1", [String?.none, "x"]) == [nil, "x"])
            let rows = try connection.query(
                "SELECT * FROM unnest($1::int8[], $2::text[]) ORDER BY 1", [Int64(2), 1], ["b", nil],
                as: Int64.self, String?.self)
            #expect(rows.map(\.0) == [1, 2])
            #expect(rows.map(\.1) == [nil, "b"])
            let total = try connection.value(
                "SELECT sum(x)::int8 FROM unnest($1::int8[]) x", Array(Int64(1)...100), as: Int64.self)
            #expect(total == 5050)
        }
    }

    @Test("a value is read only as what its column holds")
    func mismatches() throws {
        try PostgresTest.connected { connection in
            let wrong: [() throws -> Void] = [
                { _ = try connection.value("SELECT 'x'::text", as: Int64.self) },
                { _ = try connection.value("SELECT 1::int8", as: String.self) },
                { _ = try connection.value("SELECT NULL::int8", as: Int64.self) },
                { _ = try connection.value("SELECT 70000::int4", as: Int16.self) },
                { _ = try connection.value("SELECT now()::timestamptz", as: Double.self) },
                { _ = try connection.value("SELECT ARRAY[[1,2],[3,4]]::int8[]", as: [Int64].self) },
                { _ = try connection.value("SELECT ARRAY[1,NULL]::int8[]", as: [Int64].self) },
                { _ = try connection.query("SELECT 1", as: Int64.self, Int64.self) },
            ]
            for (index, body) in wrong.enumerated() {
                #expect(try PostgresTest.error(body).origin == .client, "\(index)")
            }
            #expect(try connection.value("SELECT 5::int2", as: Int64.self) == 5)
            #expect(try connection.value("SELECT 5::int4", as: Double.self) == 5)
            try connection.execute("CREATE TYPE colour AS ENUM ('red', 'green')")
            #expect(try connection.value("SELECT 'red'::colour", as: String.self) == "red")
            #expect(try connection.value("SELECT $1::colour::text", PostgresUntyped("green")) == "green")
        }
    }

    @Test("a text with a NUL is refused before it is sent, and the connection goes on")
    func nul() throws {
        try PostgresTest.connected { connection in
            let error = try PostgresTest.error { try connection.query("SELECT $1", "secret\0rest") }
            #expect(error.origin == .client && error.message.contains("NUL"))
            #expect(!"\(error)".contains("secret"))
            try PostgresTest.throwing(PostgresError.self) { try connection.query("SELECT $1", ["a\0"]) }
            try PostgresTest.throwing(PostgresError.self) { try connection.query("SELECT 1\0") }
            try PostgresTest.throwing(PostgresError.self) { try connection.execute("SELECT 1\0") }
            #expect(try connection.value("SELECT 1") == 1)
        }
    }

    @Test("a text of a megabyte and a row of 200 columns come back")
    func large() throws {
        try PostgresTest.connected { connection in
            let text = String(repeating: "Größe ", count: 150_000)
            #expect(try connection.value("SELECT $1", text) == text)
            let columns = (0..<200).map { "c\($0) int8" }.joined(separator: ", ")
            try connection.execute("CREATE TABLE wide (\(columns))")
            let marks = (1...200).map { "$\($0)" }.joined(separator: ", ")
            try connection.query("INSERT INTO wide VALUES (\(marks))", values: (0..<200).map { Int64($0) })
            let row = try connection.query("SELECT * FROM wide")[0]
            #expect(row.columnCount == 200)
            for column in 0..<200 { #expect(try row.get(column) == Int64(column)) }
        }
    }

    @Test("rows come one at a time, and a body that throws ends the statement and not the connection")
    func streaming() throws {
        try PostgresTest.connected { connection in
            var sum: Int64 = 0
            try connection.forEachRow("SELECT g FROM generate_series(1::int8, $1) g", Int64(10_000)) {
                sum += try $0.get(0)
            }
            #expect(sum == 50_005_000)
            struct Enough: Error {}
            var count = 0
            try PostgresTest.throwing(Enough.self) {
                try connection.forEachRow("SELECT generate_series(1, 2000000000)") { _ in
                    count += 1
                    if count == 10 { throw Enough() }
                }
            }
            #expect(count == 10)
            #expect(try connection.value("SELECT 7") == 7)
            #expect(
                try PostgresTest.error {
                    try connection.forEachRow("SELECT 1 / (3 - g) FROM generate_series(1, 5) g") { _ in }
                }.sqlState == "22012")
            #expect(try connection.value("SELECT 8") == 8)
        }
    }

    @Test("more statements than the limit are prepared, and the oldest are dropped at the server")
    func cache() throws {
        try PostgresTest.connected { connection in
            for index in 0..<300 { #expect(try connection.value("SELECT \(index) + $1", Int64(1)) == Int64(index + 1)) }
            let count = try connection.value("SELECT count(*) FROM pg_prepared_statements", as: Int64.self)
            #expect(try #require(count) <= 257)
        }
    }

    @Test("a statement goes on working when its table gets a column or the server forgets what was prepared")
    func staleStatements() throws {
        try PostgresTest.connected { connection in
            try connection.execute("CREATE TABLE t (a int8); INSERT INTO t VALUES (1)")
            #expect(try connection.query("SELECT * FROM t WHERE a = $1", Int64(1)).columnCount == 1)
            try connection.execute("ALTER TABLE t ADD b text DEFAULT 'x'")
            #expect(try connection.query("SELECT * FROM t WHERE a = $1", Int64(1)).columnCount == 2)
            try connection.execute("DISCARD ALL")
            #expect(try connection.query("SELECT * FROM t WHERE a = $1", Int64(1)).columnCount == 2)
            try connection.execute("ALTER TABLE t ADD c text")
            let error = try PostgresTest.error {
                _ = try connection.transaction { try connection.query("SELECT * FROM t WHERE a = $1", Int64(1)) }
            }
            #expect(error.sqlState == "0A000")
            let row = try connection.transaction { try connection.query("SELECT * FROM t WHERE a = $1", Int64(1)) }
            #expect(row.columnCount == 3)
        }
    }

    @Test("what is known of the server is told, and its notices reach the handler")
    func knowledge() throws {
        try PostgresTest.connected { connection in
            #expect(connection.serverVersion >= 150_000)
            #expect(connection.parameterStatus("client_encoding") == "UTF8")
            #expect(connection.parameterStatus("application_name") == PostgresSettings.applicationName)
            #expect(connection.isAlive && connection.processID > 0 && !connection.isEncrypted)
            var notices: [PostgresNotice] = []
            connection.noticeHandler = { notices.append($0) }
            try connection.execute("DO $$ BEGIN RAISE WARNING 'low on fuel'; END $$")
            #expect(notices == [PostgresNotice(severity: "WARNING", sqlState: "01000", message: "low on fuel")])
            connection.close()
            #expect(!connection.isAlive)
            #expect(try PostgresTest.error { try connection.ping() }.isConnectionLost)
        }
    }
}
