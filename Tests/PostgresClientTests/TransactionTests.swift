import PostgresClient
import Testing
import ThrowAwayPostgres

@Suite(.needsPostgres)
struct TransactionTests {
    private struct Change: Error {}

    private func count(_ connection: PostgresConnection) throws -> Int64? {
        try connection.value("SELECT count(*) FROM t", as: Int64.self)
    }

    @Test("a transaction is done wholly or not at all")
    func allOrNothing() throws {
        try PostgresTest.connected { connection in
            try connection.execute("CREATE TABLE t (a int8 PRIMARY KEY)")
            try connection.transaction { _ = try connection.query("INSERT INTO t VALUES ($1)", Int64(1)) }
            try PostgresTest.throwing(Change.self) {
                try connection.transaction {
                    try connection.query("INSERT INTO t VALUES ($1)", Int64(2))
                    throw Change()
                }
            }
            #expect(try count(connection) == 1 && connection.transactionState == .idle)
        }
    }

    @Test("a commit that the server makes a rollback is an error")
    func swallowedError() throws {
        try PostgresTest.connected { connection in
            try connection.execute("CREATE TABLE t (a int8 PRIMARY KEY)")
            let error = try PostgresTest.error {
                try connection.transaction {
                    try connection.execute("INSERT INTO t VALUES (1)")
                    _ = try? connection.execute("INSERT INTO t VALUES (1)")
                }
            }
            #expect(error.sqlState == "25P02" && !error.isOutcomeUnknown)
            #expect(try count(connection) == 0)
        }
    }

    @Test("a savepoint that throws undoes its own changes only, also inside another")
    func savepoints() throws {
        try PostgresTest.connected { connection in
            try connection.execute("CREATE TABLE t (a int8 PRIMARY KEY)")
            try connection.transaction {
                try connection.execute("INSERT INTO t VALUES (1)")
                try connection.savepoint {
                    try connection.execute("INSERT INTO t VALUES (2)")
                    try PostgresTest.throwing(PostgresError.self) {
                        try connection.savepoint { _ = try connection.execute("INSERT INTO t VALUES (3), (1)") }
                    }
                    try connection.execute("INSERT INTO t VALUES (4)")
                }
            }
            #expect(try connection.query("SELECT a FROM t ORDER BY 1", as: Int64.self) == [1, 2, 4])
        }
    }

    @Test("two transactions that conflict tell so, and may be tried again")
    func serialization() throws {
        try ThrowAwayPostgres.shared().withDatabase { settings in
            let (one, other) = (try PostgresConnection(settings), try PostgresConnection(settings))
            try one.execute("CREATE TABLE t (a int8); INSERT INTO t VALUES (1)")
            let error = try PostgresTest.error {
                try one.transaction(isolation: .repeatableRead) {
                    _ = try one.value("SELECT a FROM t", as: Int64.self)
                    try other.execute("UPDATE t SET a = 2")
                    try one.execute("UPDATE t SET a = 3")
                }
            }
            #expect(error.sqlState == "40001" && error.isConflict && error.isRetryable && !error.isConnectionLost)
            #expect(try one.value("SELECT a FROM t") == 2)
        }
    }

    @Test("a read-only transaction writes nothing, and a second begin is refused")
    func modes() throws {
        try PostgresTest.connected { connection in
            try connection.execute("CREATE TABLE t (a int8)")
            let error = try PostgresTest.error {
                try connection.transaction(isReadOnly: true) { _ = try connection.execute("INSERT INTO t VALUES (1)") }
            }
            #expect(error.isReadOnly)
            let nested = try PostgresTest.error {
                try connection.transaction { try connection.transaction {} }
            }
            #expect(nested.origin == .client)
        }
    }
}
