import SQLiteClient
import Synchronization

/// Read-only connections to the file, lent to one caller at a time.
final class ReaderPool: Sendable {
    /// More idle connections than this are closed.
    static let idleCountMax = 8

    /// `@unchecked Sendable`: a connection is either in the pool or with the one caller that took it out, and the lock
    /// orders what they do.
    private struct Idle: @unchecked Sendable {
        var connection: Connection
    }

    private let path: String
    private let idle = Mutex<[Idle]>([])

    init(path: String) { self.path = path }

    func read<Value>(_ body: (Connection) throws -> Value) throws -> Value {
        let connection = try take()
        defer { giveBack(connection) }
        return try body(connection)
    }

    /// Closes the connections that nobody uses, so that the write-ahead log can be cut.
    func closeIdle() { idle.withLock { $0 = [] } }

    private func take() throws -> Connection {
        if let found = idle.withLock({ $0.popLast() }) { return found.connection }
        return try Connection(
            path: path, mode: .readOnly, pragmas: ["query_only = ON", "cache_size = -8192", "mmap_size = 0"])
    }

    private func giveBack(_ connection: Connection) {
        let lent = Idle(connection: connection)
        idle.withLock { idle in
            if idle.count < Self.idleCountMax { idle.append(lent) }
        }
    }
}
