import PostgresClient
import Testing
import ThrowAwayPostgres

@Suite(.needsPostgres)
struct PipelineTests {
    private static let insert = "INSERT INTO t VALUES ($1, $2)"

    private func table(_ body: (PostgresConnection) throws -> Void) throws {
        try PostgresTest.connected { connection in
            try connection.execute("CREATE TABLE t (a int8 PRIMARY KEY, b text)")
            try body(connection)
        }
    }

    private func all(_ connection: PostgresConnection) throws -> [Int64] {
        try connection.query("SELECT a FROM t ORDER BY 1", as: Int64.self)
    }

    @Test("every statement of a pipeline has its answer, in order")
    func answers() throws {
        try table { connection in
            let answers = try connection.pipeline { pipeline in
                for index in 0..<5 { try pipeline.add("SELECT $1::int8 * 2", Int64(index)) }
                try pipeline.add(Self.insert, Int64(1), "x")
            }
            let results = try answers.get()
            #expect(try results.prefix(5).map { try $0[0].get(0, as: Int64.self) } == [0, 2, 4, 6, 8])
            #expect(results.count == 6 && results[5].affectedCount == 1)
            #expect(try all(connection) == [1])
        }
    }

    @Test("behind a failure nothing runs until the next sync, and what went before it is undone")
    func abortRule() throws {
        try table { connection in
            let answers = try connection.pipeline { pipeline in
                try pipeline.add(Self.insert, Int64(1), "x")
                try pipeline.sync()
                try pipeline.add(Self.insert, Int64(2), "x")
                try pipeline.add(Self.insert, Int64(1), "secret")
                try pipeline.add(Self.insert, Int64(3), "x")
                try pipeline.add("SELECT $1::text", "never prepared")
                try pipeline.sync()
                try pipeline.add(Self.insert, Int64(4), "x")
                try pipeline.add("SELECT $1::text", "prepared")
            }
            let origins = answers.outcomes.map { outcome -> PostgresError.Origin? in
                if case .failure(let error) = outcome { error.origin } else { nil }
            }
            #expect(origins == [nil, nil, .server, .aborted, .aborted, nil, nil])
            #expect(answers.firstError?.isUniqueViolation == true)
            try PostgresTest.throwing(PostgresError.self) { try answers.get() }
            #expect(try all(connection) == [1, 4])
            #expect(try connection.value("SELECT $1::text", "again") == "again")
        }
    }

    @Test("a statement that cannot be prepared fails with the reason")
    func preparationFails() throws {
        try table { connection in
            let answers = try connection.pipeline { pipeline in
                try pipeline.add(Self.insert, Int64(1), "x")
                try pipeline.add("SELECT * FROM nowhere WHERE a = $1", Int64(1))
                try pipeline.add(Self.insert, Int64(2), "x")
            }
            #expect(answers.outcomes.count == 3)
            #expect(answers.firstError?.isUndefinedTable == true)
            #expect(answers.firstError?.statement?.contains("nowhere") == true)
            #expect(try all(connection) == [])
        }
    }

    @Test("a body that throws undoes what it sent, and the connection goes on")
    func abandoned() throws {
        struct Change: Error {}
        try table { connection in
            try PostgresTest.throwing(Change.self) {
                _ = try connection.pipeline { pipeline in
                    try pipeline.add(Self.insert, Int64(1), "x")
                    try pipeline.sync()
                    try pipeline.add(Self.insert, Int64(2), "x")
                    throw Change()
                }
            }
            #expect(try all(connection) == [1])
            let error = try PostgresTest.error {
                _ = try connection.pipeline { pipeline in
                    try pipeline.add(Self.insert, Int64(3), "x")
                    try pipeline.add(Self.insert, Int64(4), "nul\0")
                }
            }
            #expect(error.origin == .client)
            #expect(try all(connection) == [1])
        }
    }

    @Test("a pipeline inside a transaction is a part of it")
    func inTransaction() throws {
        try table { connection in
            try PostgresTest.throwing(PostgresError.self) {
                try connection.transaction {
                    try connection.pipeline { try $0.add(Self.insert, Int64(1), "x") }.get()
                    try connection.savepoint {
                        try connection.pipeline { try $0.add(Self.insert, Int64(1), "x") }.get()
                    }
                }
            }
            #expect(try all(connection) == [])
            try connection.transaction {
                try connection.pipeline { try $0.add(Self.insert, Int64(1), "x") }.get()
                _ = try? connection.savepoint {
                    try connection.pipeline { try $0.add(Self.insert, Int64(1), "x") }.get()
                }
                try connection.pipeline { try $0.add(Self.insert, Int64(2), nil as String?) }.get()
            }
            #expect(try all(connection) == [1, 2])
        }
    }

    @Test("a long pipeline of large values and large answers does not fill either side up")
    func long() throws {
        try table { connection in
            let text = String(repeating: "x", count: 20_000)
            let answers = try connection.pipeline { pipeline in
                for index in 0..<2_000 { try pipeline.add("SELECT $1::int8, $2::text", Int64(index), text) }
            }
            #expect(try answers.get().allSatisfy { try $0[0].get(1, as: String.self).utf8.count == 20_000 })
            let inserted = try connection.pipeline { pipeline in
                for index in 0..<5_000 { try pipeline.add(Self.insert, Int64(index), "x") }
            }
            #expect(inserted.affectedCount == 5_000)
        }
    }

    @Test("no other statement runs within a pipeline or a copy")
    func busy() throws {
        try table { connection in
            let table = try PostgresTable("t")
            try PostgresTest.throwing(PostgresError.self) { _ = try connection.pipeline { _ in try connection.ping() } }
            try PostgresTest.throwing(PostgresError.self) {
                try connection.copyIn(table: table, columns: ["a"]) { _ in try connection.ping() }
            }
            try PostgresTest.throwing(PostgresError.self) { try connection.execute("COPY t FROM STDIN") }
            #expect(!connection.isAlive)
        }
    }
}
