import Foundation
import SQLiteClient
import Testing

@Suite("SQLite connections")
struct ConnectionTests {
    private let path = NSTemporaryDirectory() + "/sqlite-\(UUID().uuidString).db"

    private func withConnection(_ body: (Connection) throws -> Void) throws {
        defer { for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) } }
        try body(Connection(path: path, pragmas: ["journal_mode = WAL"]))
    }

    @Test("every kind of value comes back as it was bound")
    func values() throws {
        try withConnection { connection in
            try connection.execute("CREATE TABLE t (i, d, s, b, e, es, n)")
            let bytes: [UInt8] = [0, 255, 7]
            try connection.run(
                "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", Int64.min, 0.1, "é\u{0}x", bytes, [UInt8](), "",
                Int64?.none)
            let found = try connection.statement("SELECT * FROM t").first { row in
                #expect(row.int64(0) == .min)
                #expect(row.double(1) == 0.1)
                #expect(row.text(2) == "é\u{0}x")
                #expect(row.bytes(3) == bytes)
                #expect(row.withBlob(3) { $0.count } == 3)
                #expect(row.optionalBytes(4) == [])
                #expect(row.optionalText(5)?.isEmpty == true)
                #expect(row.isNull(6) && row.optionalInt64(6) == nil)
                return true
            }
            #expect(found == true)
        }
    }

    @Test("a transaction that throws leaves nothing, a savepoint that throws leaves the rest")
    func rollback() throws {
        try withConnection { connection in
            try connection.execute("CREATE TABLE t (i)")
            func insertAndStop(_ value: Int) throws {
                try connection.run("INSERT INTO t VALUES (?)", value)
                throw Stop()
            }
            #expect(throws: Stop.self) { try connection.transaction { try insertAndStop(1) } }
            try connection.begin()
            try connection.run("INSERT INTO t VALUES (2)")
            #expect(throws: Stop.self) { try connection.savepoint { try insertAndStop(4) } }
            try connection.commit()
            #expect(try connection.integer("SELECT SUM(i) FROM t") == 2)
            #expect(!connection.isInTransaction)
        }
    }

    private struct Stop: Error {}

    @Test("an error carries code and statement but no bound value")
    func errors() throws {
        try withConnection { connection in
            try connection.execute("CREATE TABLE t (s TEXT UNIQUE)")
            try connection.run("INSERT INTO t VALUES (?)", "secret")
            let error = try #require(throws: SQLiteError.self) {
                try connection.run("INSERT INTO t VALUES (?)", "secret")
            }
            #expect(error.isConstraint && error.code == 19 && error.extendedCode == 2067)
            #expect(error.sql == "INSERT INTO t VALUES (?)")
            #expect(!error.description.contains("secret"))
            #expect(throws: SQLiteError.self) { try connection.run("SELEC 1") }
        }
    }

    @Test("a full file is told apart, and the connection goes on")
    func diskFull() throws {
        try withConnection { connection in
            try connection.execute("CREATE TABLE t (b)")
            try connection.execute("PRAGMA max_page_count = 4")
            let error = try #require(throws: SQLiteError.self) {
                try connection.run("INSERT INTO t VALUES (?)", [UInt8](repeating: 1, count: 100_000))
            }
            #expect(error.isDiskFull)
            try connection.execute("PRAGMA max_page_count = 1000")
            try connection.run("INSERT INTO t VALUES (?)", [UInt8](repeating: 1, count: 100_000))
        }
    }

    @Test("the same SQL inside its own loop gets a statement of its own")
    func nested() throws {
        try withConnection { connection in
            let sql = "WITH n(i) AS (VALUES (1), (2), (3)) SELECT i FROM n"
            var pairs = 0
            try connection.statement(sql).forEachRow { _ in
                try connection.statement(sql).forEachRow { _ in pairs += 1 }
            }
            #expect(pairs == 9)
        }
    }

    @Test("a reader sees only what is committed and cannot write; a checkpoint empties the log")
    func reader() throws {
        try withConnection { connection in
            connection.trackWAL()
            try connection.execute("CREATE TABLE t (i)")
            let reader = try Connection(path: path, mode: .readOnly)
            try connection.transaction {
                try connection.run("INSERT INTO t VALUES (1)")
                #expect(try reader.integer("SELECT COUNT(*) FROM t") == 0)
            }
            #expect(try reader.integer("SELECT COUNT(*) FROM t") == 1)
            #expect(throws: SQLiteError.self) { try reader.run("INSERT INTO t VALUES (2)") }
            #expect(connection.walFrameCount > 0)
            #expect(try connection.checkpoint(.passive))
        }
    }
}
