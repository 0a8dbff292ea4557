import FaultDisk
import Foundation
import SQLiteClient

/// A small database whose rows tell whether the transactions that are there are whole, and which is the last one.
struct Ledger {
    /// Entries of older transactions than this are deleted, so that pages are used again.
    static let keptCount: Int64 = 12

    let connection: Connection

    struct Damage: Error { var reason: String }

    init(_ disk: FaultDisk, synchronous: String = "FULL", checkpointPageCount: Int = 12) throws {
        connection = try Connection(
            path: disk.path("ledger.db"),
            pragmas: [
                "page_size = 1024", "journal_mode = WAL", "synchronous = \(synchronous)",
                "wal_autocheckpoint = \(checkpointPageCount)", "cache_size = 8",
            ], busyTimeoutMilliseconds: 5000)
        try connection.execute(
            """
            CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY, count INTEGER NOT NULL);
            CREATE TABLE IF NOT EXISTS entries (
                number INTEGER NOT NULL, part INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (number, part));
            CREATE INDEX IF NOT EXISTS entries_by_part ON entries (part, number);
            INSERT INTO state VALUES (1, 0) ON CONFLICT DO NOTHING;
            """)
    }

    private static func partCount(_ number: Int64) -> Int64 { 1 + number * 7 % 5 }

    private static func body(_ number: Int64, _ part: Int64) -> [UInt8] {
        let count = Int((number * 131 + part * 379) % 900)
        return [UInt8](repeating: UInt8(truncatingIfNeeded: number &* 31 &+ part), count: count)
    }

    /// Commits the next transaction; returns its number.
    @discardableResult
    func append() throws -> Int64 {
        try connection.transaction {
            let number = (try connection.integer("SELECT count FROM state") ?? 0) + 1
            for part in 0..<Self.partCount(number) {
                try connection.run("INSERT INTO entries VALUES (?, ?, ?)", number, part, Self.body(number, part))
            }
            try connection.run("DELETE FROM entries WHERE number <= ?", number - Self.keptCount)
            try connection.run("UPDATE state SET count = ?", number)
            return number
        }
    }

    /// The last transaction that is there; throws if the file is damaged or a transaction is not whole.
    func check() throws -> Int64 {
        if let damage = try connection.damage() { throw Damage(reason: damage) }
        let last = try connection.integer("SELECT count FROM state") ?? 0
        var expected: [[Int64]] = []
        for number in max(1, last - Self.keptCount + 1)...max(1, last) where last > 0 {
            expected += (0..<Self.partCount(number)).map { [number, $0] }
        }
        var found: [[Int64]] = []
        try connection.statement("SELECT number, part, body FROM entries ORDER BY number, part").forEachRow { row in
            found.append([row.int64(0), row.int64(1)])
            guard row.bytes(2) == Self.body(row.int64(0), row.int64(1)) else {
                throw Damage(reason: "body \(row.int64(0)), \(row.int64(1))")
            }
        }
        guard found == expected else { throw Damage(reason: "the last is \(last), there are \(found.map(\.[0]))") }
        return last
    }
}

extension Ledger {
    /// Appends transactions until one fails or there are enough; returns the last that was acknowledged. `ended` is
    /// called before the connection is closed: a process that dies closes nothing.
    static func run(
        _ disk: FaultDisk, synchronous: String = "FULL", checkpointPageCount: Int = 12, count: Int,
        from start: Int64 = 0, ended: () -> Void = {}
    ) -> Int64 {
        var acknowledged = start
        guard let ledger = try? Ledger(disk, synchronous: synchronous, checkpointPageCount: checkpointPageCount) else {
            ended()
            return start
        }
        do {
            for _ in 0..<count { acknowledged = try ledger.append() }
            try ledger.connection.checkpoint(.truncate)
        } catch {}
        ended()
        return withExtendedLifetime(ledger) { acknowledged }
    }

    /// Opens the ledger and looks at all of it; what is there.
    static func last(_ disk: FaultDisk, synchronous: String = "FULL") throws -> Int64 {
        try Ledger(disk, synchronous: synchronous).check()
    }
}

/// Tells the figures of a run to whoever reads the log of the tests.
func report(_ figures: String) { FileHandle.standardError.write(Data("fault disk: \(figures)\n".utf8)) }
