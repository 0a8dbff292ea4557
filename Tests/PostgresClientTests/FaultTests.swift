import Dispatch
import Glibc
import PostgresClient
import Testing
import ThrowAwayPostgres

/// What happens when the server does not answer as it should.
@Suite(.needsPostgres, .serialized)
struct FaultTests {
    @Test("a statement is cancelled from another thread, and the connection goes on")
    func cancellation() throws {
        try PostgresTest.connected { connection in
            let (canceller, watcher) = (connection.canceller, try PostgresConnection(connection.settings))
            let processID = connection.processID
            nonisolated(unsafe) let lent = watcher  // Nobody else uses it until the group is done.
            let group = DispatchGroup()
            DispatchQueue.global().async(group: group) {
                let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'"
                while (try? lent.value(sleeping, processID, as: Int64.self)) == 0 {}
                canceller.cancel()
            }
            let error = try PostgresTest.error { try connection.execute("SELECT pg_sleep(60)") }
            group.wait()
            #expect(error.isCancelled && error.origin == .server && !error.isConnectionLost)
            #expect(try connection.value("SELECT 1") == 1)
        }
    }

    @Test("a statement that takes too long is cancelled, and the connection goes on")
    func deadline() throws {
        try PostgresTest.connected { connection in
            connection.timeoutMilliseconds = 100
            let start = ContinuousClock.now
            let error = try PostgresTest.error { try connection.query("SELECT pg_sleep($1)", 60.0) }
            #expect(error.isDeadline && error.isRetryable && !error.isConnectionLost)
            #expect(ContinuousClock.now - start < .seconds(20))
            let piped = try connection.pipeline { pipeline in
                try pipeline.add("SELECT pg_sleep($1)", 60.0)
                try pipeline.add("SELECT 1")
            }
            #expect(piped.firstError?.isDeadline == true && piped.outcomes.count == 2)
            #expect(
                try PostgresTest.error { try connection.forEachRow("SELECT pg_sleep($1)", 60.0) { _ in } }.isDeadline)
            connection.timeoutMilliseconds = 10_000
            #expect(try connection.value("SELECT 1") == 1)
        }
    }

    @Test("a server that answers nothing at all costs the connection, and nothing hangs")
    func silence() throws {
        let server = try ThrowAwayPostgres()
        let connection = try PostgresConnection(server.settings())
        connection.timeoutMilliseconds = 100
        connection.graceMilliseconds = 100
        server.pause()
        let error = try PostgresTest.error { try connection.execute("SELECT 1") }
        var settings = server.settings()
        settings["connect_timeout"] = "1"
        let refused = try PostgresTest.error { _ = try PostgresConnection(settings) }
        server.resume()
        #expect(error.isDeadline && error.isConnectionLost && error.isRetryable)
        #expect(refused.isConnectionLost && refused.isRetryable)
        #expect(!connection.isAlive)
        #expect(try PostgresConnection(server.settings()).value("SELECT 1") == 1)
    }

    @Test("connections that are lost leave no open file and no thread that waits")
    func leaks() async {
        // A process of its own, since other tests open files too.
        await #expect(processExitsWith: .success) {
            var counts: [Int] = []
            for work in Work.allCases + Work.allCases {
                let server = try ThrowAwayPostgres()
                try PostgresConnection(server.settings()).execute("CREATE TABLE t (a int8 PRIMARY KEY, b text)")
                let connection = try PostgresConnection(server.settings())
                try? Self.run(work, connection) { server.kill() }
                counts.append(try Self.openFileCount())
            }
            let (first, second) = (counts.prefix(Work.allCases.count), counts.suffix(Work.allCases.count))
            guard let most = first.max(), second.allSatisfy({ $0 <= most }) else {
                throw PostgresError(.client, "open files: \(counts)")
            }
        }
    }

    /// What is under way when the server is killed, having begun before.
    enum Work: CaseIterable { case query, copyIn, copyOut, pipeline, commit, rows }

    @Test("a server killed in the middle of anything is a lost connection, soon", arguments: Work.allCases)
    func killed(_ work: Work) throws {
        let server = try ThrowAwayPostgres()
        try PostgresConnection(server.settings()).execute("CREATE TABLE t (a int8 PRIMARY KEY, b text)")
        let start = ContinuousClock.now
        let error = try PostgresTest.error {
            let connection = try PostgresConnection(server.settings())
            connection.timeoutMilliseconds = 20_000
            try Self.run(work, connection) { server.kill() }
        }
        #expect(error.isConnectionLost && error.isRetryable, "\(error)")
        #expect(error.isOutcomeUnknown == (work == .commit))
        #expect(ContinuousClock.now - start < .seconds(30))
        try server.restart()
        #expect(try PostgresConnection(server.settings()).value("SELECT count(*) FROM t", as: Int64.self) == 0)
    }

    private static func openFileCount() throws -> Int {
        let folder = try #require(opendir("/proc/self/fd"))
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        return count
    }

    private static func run(_ work: Work, _ connection: PostgresConnection, kill: () -> Void) throws {
        let table = try PostgresTable("t")
        switch work {
        case .query:
            kill()
            try connection.execute("SELECT pg_sleep(60)")
        case .copyIn:
            try connection.copyIn(table: table, columns: ["a"]) { writer in
                for index in 0..<20_000_000 {
                    if index == 100_000 { kill() }
                    try writer.add(index)
                    try writer.endRow()
                }
            }
        case .copyOut:
            var count = 0
            try connection.copyOut("(SELECT generate_series(1, 100000000))") { _ in
                count += 1
                if count == 100_000 { kill() }
            }
        case .pipeline:
            _ = try connection.pipeline { pipeline in
                for index in 0..<10_000 {
                    if index == 5_000 { kill() }
                    try pipeline.add("INSERT INTO t VALUES ($1, $2)", index, "x")
                    if index == 5_000 { try pipeline.add("SELECT pg_sleep(60)") }
                }
            }
        case .commit:
            try connection.transaction {
                try connection.execute("INSERT INTO t VALUES (1)")
                kill()
                // The session may outlive the postmaster until it waits for us.
                while connection.isAlive {}
            }
        case .rows:
            var count = 0
            try connection.forEachRow("SELECT pg_sleep(0.001) FROM generate_series(1, 100000)") { _ in
                count += 1
                if count == 100 { kill() }
            }
        }
    }
}
