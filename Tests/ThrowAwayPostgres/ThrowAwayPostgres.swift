import Glibc
import PostgresClient
import Synchronization

/// A PostgreSQL server of a test's own, in a temporary folder, without anything that would survive the process.
///
/// It listens on a socket in its folder, and on a free port of this machine if asked to. Any thread may use it. A shell
/// that waits for the end of this process, in whatever way it ends, stops the server and deletes its folder.
package final class ThrowAwayPostgres: Sendable {
    package static let superuser = "postgres"
    /// The superuser's password over TCP; the socket asks for none.
    package static let password = "throw-away"
    private static let socketPort = 5432
    /// A start under load takes seconds; a server that was killed must first let go of its memory.
    private static let startMillisecondsMax: Int64 = 60_000

    private let folder: String
    private let options: Options
    private let running = Mutex<ServerProcess?>(nil)
    private let port = Mutex<Int?>(nil)
    private let databaseCount = Atomic<Int>(0)
    private let creation = Mutex<Void>(())

    package struct Options: Sendable {
        /// Also on 127.0.0.1, at a free port and with the password.
        package var isListening = false
        /// Settings of the server's own, such as `max_connections`.
        package var settings: [String: String] = [:]

        package init(isListening: Bool = false, settings: [String: String] = [:]) {
            self.isListening = isListening
            self.settings = settings
        }
    }

    /// The server of this process, started once, for tests that leave it running.
    package static func shared() throws -> ThrowAwayPostgres { try sharedResult.get() }

    private static let sharedResult = Result { try ThrowAwayPostgres() }

    /// Why there can be no server on this machine; nil if there can.
    package static let missing: String? = ServerProgram.missing

    package static let isAvailable = missing == nil

    /// What a test that is skipped says.
    package static var reason: String { missing ?? "PostgreSQL is there" }

    /// Starts a server, for tests that stop or kill it.
    package init(_ options: Options = Options()) throws {
        self.options = options
        folder = try ServerFolder.make()
        do { try start(isFirst: true) } catch {
            ServerFolder.delete(folder)
            throw error
        }
    }

    deinit {
        if let process = running.withLock({ $0 }) { process.end(.delete) } else { ServerFolder.delete(folder) }
    }

    // MARK: - Databases

    /// The way to a database of the server, over its socket.
    package func settings(database: String = "postgres") -> PostgresSettings {
        let port = port.withLock { $0 } ?? Self.socketPort
        return PostgresSettings(host: folder, port: port, database: database, user: Self.superuser)
    }

    /// The way over TCP, with the password; nil if the server does not listen.
    package func tcpSettings(database: String = "postgres") -> PostgresSettings? {
        guard options.isListening else { return nil }
        return port.withLock { $0 }.map { port in
            PostgresSettings(
                host: "127.0.0.1", port: port, database: database, user: Self.superuser, password: Self.password)
        }
    }

    /// Makes an empty database, and tells the way to it.
    package func createDatabase() throws -> PostgresSettings {
        let name = "test_\(databaseCount.add(1, ordering: .relaxed).newValue)"
        try creation.withLock { _ in
            _ = try PostgresConnection(settings()).execute("CREATE DATABASE \(try PostgresName(name))")
        }
        return settings(database: name)
    }

    /// Lends an empty database, and drops it afterwards.
    package func withDatabase<Value>(_ body: (PostgresSettings) throws -> Value) throws -> Value {
        let database = try createDatabase()
        defer { try? drop(database) }
        return try body(database)
    }

    package func drop(_ database: PostgresSettings) throws {
        let name = try PostgresName(database.database ?? "")
        try PostgresConnection(settings()).execute("DROP DATABASE IF EXISTS \(name) WITH (FORCE)")
    }

    // MARK: - Faults

    /// The number of the postmaster's process.
    package var processID: Int32? { running.withLock { $0?.processID } }

    /// Stops the server in order, ending all sessions; its data stay.
    package func stop() { signalAndEnd(SIGINT) }

    /// Kills the postmaster; the servers of the sessions end when they notice. The data stay.
    package func kill() { signalAndEnd(SIGKILL) }

    /// Holds the postmaster and all its processes, so that nothing is answered.
    package func pause() { signalAll(SIGSTOP) }

    package func resume() { signalAll(SIGCONT) }

    /// Starts the server again with its data, stopping it before if it runs; its port stays.
    package func restart() throws {
        stop()
        try start(isFirst: false)
    }

    private func signalAndEnd(_ signal: Int32) {
        running.withLock { process in
            process?.signal(signal)
            process?.end(.wait)
            process = nil
        }
    }

    private func signalAll(_ signal: Int32) {
        guard let postmaster = processID else { return }
        let children = TextFile.read("/proc/\(postmaster)/task/\(postmaster)/children")
        for child in [postmaster] + children.split(separator: " ").compactMap({ Int32($0) }) {
            Glibc.kill(child, signal)
        }
    }

    // MARK: - Start

    private func start(isFirst: Bool) throws {
        let deadline = ContinuousClock.now + .milliseconds(Self.startMillisecondsMax)
        while true {
            let logLength = TextFile.read(log).utf8.count
            if isFirst, options.isListening {
                let free = try FreePort.find()
                port.withLock { $0 = free }
            }
            var process = try ServerProcess(folder: folder, arguments: arguments)
            guard let failure = awaitReady(&process, until: deadline) else {
                running.withLock { [process] in $0 = process }
                return
            }
            process.end(.keep)
            let words = String(decoding: TextFile.read(log).utf8.dropFirst(logLength).suffix(2000), as: UTF8.self)
            guard ContinuousClock.now < deadline else { throw StartFailure(reason: "\(failure)\n\(words)") }
        }
    }

    private var log: String { folder + "/log" }

    /// Waits until the server lets us in; why it did not, once its process has ended or the time is over.
    private func awaitReady(_ process: inout ServerProcess, until deadline: ContinuousClock.Instant) -> String? {
        while true {
            do throws(PostgresError) {
                let connection = try PostgresConnection(settings())
                // Another server's socket would answer too, were the folder not ours alone.
                process.processID = try connection.value(
                    "SELECT pg_read_file('postmaster.pid', 0, 10)", as: String.self
                )
                .flatMap { $0.split(separator: "\n").first }.flatMap { Int32($0) }
                return nil
            } catch {
                if process.hasEnded(withinMilliseconds: 5) || ContinuousClock.now > deadline { return "\(error)" }
            }
        }
    }

    private var arguments: [String] {
        var values = [
            "fsync": "off", "full_page_writes": "off", "shared_buffers": "32MB", "max_connections": "60", "jit": "off",
            "unix_socket_directories": folder, "unix_socket_permissions": "0777",
            "listen_addresses": options.isListening ? "127.0.0.1" : "", "timezone": "UTC", "log_timezone": "UTC",
            "log_checkpoints": "off", "max_wal_size": "512MB",
        ]
        values.merge(options.settings) { $1 }
        let port = port.withLock { $0 } ?? Self.socketPort
        return ["-D", folder + "/data", "-p", "\(port)"]
            + values.sorted { $0.key < $1.key }.flatMap { ["-c", "\($0.key)=\($0.value)"] }
    }
}

/// A server that did not start.
package struct StartFailure: Error, CustomStringConvertible {
    package var reason: String
    package var description: String { "PostgreSQL did not start: \(reason)" }
}
