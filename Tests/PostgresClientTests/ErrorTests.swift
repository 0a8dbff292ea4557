import PostgresClient
import Testing
import ThrowAwayPostgres

@Suite(.needsPostgres)
struct ErrorTests {
    private static let secret = "B-XY 4711"

    @Test("an error tells state, place and statement, and no value, whoever put it there")
    func hiddenValues() throws {
        try PostgresTest.connected { connection in
            try connection.execute(
                """
                CREATE TABLE cars (plate text CONSTRAINT one_plate PRIMARY KEY, n int4 NOT NULL CHECK (n > 0), j jsonb);
                CREATE TABLE trips (plate text REFERENCES cars);
                INSERT INTO cars VALUES ('\(Self.secret)', 1)
                """)
            let secret = Self.secret
            let works: [(String, () throws -> Void)] = [
                ("23505", { try connection.query("INSERT INTO cars VALUES ($1, 1)", secret) }),
                ("23505", { try connection.execute("INSERT INTO cars VALUES ('\(secret)', 1)") }),
                ("23502", { try connection.query("INSERT INTO cars VALUES ($1)", secret + "b") }),
                ("23514", { try connection.query("INSERT INTO cars VALUES ($1, 0)", secret + "b") }),
                ("23503", { try connection.query("INSERT INTO trips VALUES ($1)", secret + "b") }),
                ("22P02", { try connection.query("SELECT $1::text::int4", secret) }),
                ("22P02", { try connection.execute("SELECT '\(secret)'::int4") }),
                ("22P02", { try connection.execute("SELECT $t$\(secret)$t$::float8") }),
                ("22007", { try connection.query("SELECT $1::text::timestamptz", secret) }),
                ("22P02", { try connection.query("SELECT $1", PostgresJSON("{\"a\": \(secret)}")) }),
                ("22003", { try connection.execute("SELECT '4711471147114711'::int4") }),
                ("22P02", { try connection.query("SELECT $1", PostgresUUIDText(secret)) }),
                ("42P01", { try connection.query("SELECT * FROM nowhere WHERE a = $1", secret) }),
            ]
            for (state, work) in works {
                let error = try PostgresTest.error(work)
                #expect(error.sqlState == state && error.origin == .server, "\(error)")
                var shown = "\(error) \(error.detail ?? "") \(error.hint ?? "") \(error.context ?? "")"
                dump(error, to: &shown)
                #expect(!shown.contains("4711"), "\(shown)")
                #expect(error.statement != nil && !error.isRetryable && !error.isConnectionLost)
            }
        }
    }

    @Test("an error of a constraint names the constraint, its table and its column")
    func fields() throws {
        try PostgresTest.connected { connection in
            try connection.execute("CREATE TABLE cars (plate text CONSTRAINT one_plate PRIMARY KEY, n int4 NOT NULL)")
            try connection.execute("INSERT INTO cars VALUES ('a', 1)")
            let unique = try PostgresTest.error { try connection.query("INSERT INTO cars VALUES ($1, 1)", "a") }
            #expect(unique.constraint == "one_plate" && unique.table == "cars" && unique.schema == "public")
            #expect(unique.detail == "Key (plate)=(…) already exists." && unique.isConstraint)
            #expect(
                "\(unique)" == """
                    PostgreSQL error 23505: duplicate key value violates unique constraint "one_plate" \
                    (Key (plate)=(…) already exists.) in INSERT INTO cars VALUES ($1, 1)
                    """)
            let null = try PostgresTest.error { try connection.execute("INSERT INTO cars VALUES ('b', NULL)") }
            #expect(null.column == "n" && null.isNotNullViolation)
            #expect(null.statement == "INSERT INTO cars VALUES ('…', NULL)")
            let syntax = try PostgresTest.error { try connection.execute("SELEC 1") }
            #expect(syntax.sqlState == "42601" && syntax.message == "syntax error at or near \"SELEC\"")
        }
    }

    @Test("a long statement is shortened, and texts in every spelling are hidden")
    func statements() {
        let cases = [
            (
                "SELECT 'a''b', E'c\\'d', \"e'f\", $1, $$g'h$$, $t$i$j$t$ --",
                "SELECT '…', E'…', \"e'f\", $1, $$…$$, $t$…$t$ --"
            ),
            ("SELECT\n    1,\t2", "SELECT 1, 2"), ("SELECT 'open", "SELECT '…'"), ("SELECT $x$open", "SELECT $x$…$x$"),
        ]
        for (sql, shown) in cases { #expect(PostgresError(.client, "", statement: sql).statement == shown) }
        let long = PostgresError(.client, "", statement: "SELECT " + String(repeating: "1, ", count: 5_000))
        #expect(long.statement?.count == 501)
    }

    @Test("a wrong password or database is refused, a server that is not there may be tried again")
    func refusals() throws {
        let server = try ThrowAwayPostgres(.init(isListening: true))
        let settings = try #require(server.tcpSettings())
        let connection = try PostgresConnection(settings)
        #expect(try connection.value("SELECT inet_server_addr() IS NOT NULL") == true)
        let wrong = try PostgresTest.error {
            _ = try PostgresConnection(settings.user("postgres", password: "guess-4711"))
        }
        #expect(wrong.sqlState == "28P01" && wrong.isRefused && !wrong.isRetryable && wrong.isConnectionLost)
        #expect(!"\(wrong)".contains("4711") && !wrong.message.contains("28P01"))
        let missing = try PostgresTest.error { _ = try PostgresConnection(settings.database("nowhere")) }
        #expect(missing.sqlState == "3D000" && !missing.isRetryable)
        server.stop()
        let gone = try PostgresTest.error { _ = try PostgresConnection(settings) }
        #expect(gone.sqlState == nil && gone.origin == .connection && gone.isRetryable)
        // The session was told why it ended.
        let ended = try PostgresTest.error { try connection.ping() }
        #expect(ended.isConnectionLost && ended.isRetryable && ended.sqlState == "57P01", "\(ended)")
    }

    @Test("of several hosts the first that answers is taken")
    func hosts() throws {
        var settings = try ThrowAwayPostgres.shared().settings()
        let folder = try #require(settings.host)
        settings["host"] = "/nowhere,\(folder)"
        #expect(try PostgresConnection(settings).value("SELECT 1") == 1)
        settings["host"] = "/nowhere,/neither"
        let error = try PostgresTest.error { _ = try PostgresConnection(settings) }
        #expect(error.message.contains("/nowhere") && error.message.contains("/neither") && error.isRetryable)
    }

    /// A text that the server is told to be a UUID.
    private struct PostgresUUIDText: PostgresParameter {
        let text: String
        init(_ text: String) { self.text = text }
        static var postgresType: PostgresType { .uuid }
        static var postgresFormat: Int32 { 0 }
        func encode(into buffer: PostgresBuffer) throws(PostgresError) { try buffer.append(text) }
    }
}
