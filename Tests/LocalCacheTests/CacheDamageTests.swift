import Foundation
import LocalCache
import SQLiteClient
import SeededRandom
import Telemetry
import Testing

@Suite("Damage to a worker's cache")
struct CacheDamageTests {
    /// A filled cache as it lies on the disk once it is closed, and all that can be read from it.
    private struct Original {
        let bytes: Data
        let reading: CacheReading

        init() throws {
            let path = Self.path()
            defer { WorkerCache.delete(path: path) }
            reading = try Self.fill(path)
            bytes = try Data(contentsOf: URL(filePath: path))
        }

        private static func fill(_ path: String) throws -> CacheReading {
            let cache = try WorkerCache(path: path, storeID: 1, name: "worker-0")
            var random = SeededGenerator(seed: 1)
            try FilledCache.fill(cache, &random)
            return try CacheReading(cache)
        }

        static func path() -> String { NSTemporaryDirectory() + "/cache-\(UUID().uuidString).db" }

        /// Puts a changed copy in a place of its own and looks at what becomes of it.
        func look(at changed: Data, _ damage: (String) throws -> Void = { _ in }) throws -> Finding {
            let path = Self.path()
            defer { WorkerCache.delete(path: path) }
            try changed.write(to: URL(filePath: path))
            try damage(path)
            do {
                let cache = try WorkerCache(path: path, storeID: 1, name: "worker-0")
                if cache.rebuiltReason != nil { return .noticed }
                let found = try CacheReading(cache)
                // Where the header says that there is nothing, a new cache is made.
                return found == reading ? .harmless : found.isEmpty ? .noticed : .wrong("other contents")
            } catch CacheError.corrupt { return .noticed } catch { return .wrong("\(error)") }
        }
    }

    private static let made = Result { try Original() }

    private enum Finding: Equatable {
        case noticed, harmless
        case wrong(String)
    }

    @Test("of 300 single bits turned none gives other values: each is noticed or changes nothing that is read")
    func bitFlips() throws {
        let original = try Self.made.get()
        var noticedCount = 0
        for seed in 0..<300 {
            var random = SeededGenerator(seed: UInt64(seed))
            var bytes = original.bytes
            let offset = random.below(bytes.count)
            bytes[offset] ^= UInt8(1) << UInt8(random.below(8))
            let finding = try original.look(at: bytes)
            if finding == .noticed { noticedCount += 1 }
            #expect(finding == .noticed || finding == .harmless, "seed \(seed), byte \(offset): \(finding)")
        }
        #expect(noticedCount > 150)
    }

    @Test("no single bit of the file's header and schema gives other values")
    func headerFlips() throws {
        let original = try Self.made.get()
        for seed in 0..<300 {
            var random = SeededGenerator(seed: UInt64(seed))
            var bytes = original.bytes
            let offset = seed < 100 ? seed : random.below(4096)
            bytes[offset] ^= UInt8(1) << UInt8(random.below(8))
            let finding = try original.look(at: bytes)
            #expect(finding == .noticed || finding == .harmless, "seed \(seed), byte \(offset): \(finding)")
        }
    }

    @Test("a page of zeros, or a page written to another's place, is noticed or changes nothing that is read")
    func pages() throws {
        let original = try Self.made.get()
        var noticedCount = 0
        let pageCount = original.bytes.count / 4096
        for page in 0..<pageCount {
            var random = SeededGenerator(seed: UInt64(page))
            var zeroed = original.bytes
            zeroed.replaceSubrange(page * 4096..<(page + 1) * 4096, with: Data(repeating: 0, count: 4096))
            var strayed = original.bytes
            let other = random.below(pageCount)
            let stray = original.bytes.subdata(in: page * 4096..<(page + 1) * 4096)
            strayed.replaceSubrange(other * 4096..<(other + 1) * 4096, with: stray)
            for bytes in [zeroed, strayed] {
                let finding = try original.look(at: bytes)
                if finding == .noticed { noticedCount += 1 }
                #expect(finding == .noticed || finding == .harmless, "page \(page) and \(other): \(finding)")
            }
        }
        #expect(noticedCount > pageCount)
    }

    @Test("a file cut short is noticed")
    func truncation() throws {
        let original = try Self.made.get()
        for seed in 0..<40 {
            var random = SeededGenerator(seed: UInt64(seed))
            let length = seed < 10 ? original.bytes.count - (seed + 1) * 4096 : random.below(original.bytes.count)
            let finding = try original.look(at: original.bytes.prefix(length))
            #expect(finding == .noticed, "seed \(seed), \(length) of \(original.bytes.count) bytes: \(finding)")
        }
    }

    @Test("a row deleted behind its back is noticed", arguments: 0..<50)
    func vanishedRow(_ seed: Int) throws {
        let original = try Self.made.get()
        var random = SeededGenerator(seed: UInt64(seed))
        let tables = ["meta", "totals", "devices", "chunks", "tail", "assignments", "held", "states"]
        let table = tables[seed % tables.count]
        let finding = try original.look(at: original.bytes) { path in
            let connection = try Connection(path: path)
            let count = try #require(try connection.integer("SELECT COUNT(*) FROM \(table)"))
            try Self.deleteRow(random.below(count), of: table, connection)
            #expect(try connection.integer("SELECT COUNT(*) FROM \(table)") == count - 1)
        }
        #expect(finding == .noticed, "\(table): \(finding)")
    }

    @Test("a number of a row changed behind its back is noticed", arguments: 0..<50)
    func changedRow(_ seed: Int) throws {
        let original = try Self.made.get()
        var random = SeededGenerator(seed: UInt64(seed))
        let columns = [
            "meta.value", "totals.position", "devices.sealed", "devices.latest", "chunks.last", "chunks.count",
            "tail.position", "tail.first", "assignments.applied", "assignments.horizon", "held.id", "held.digest",
            "held.is_active", "states.moment", "states.pending_from", "states.is_last",
        ]
        let parts = columns[seed % columns.count].split(separator: ".")
        let (table, column) = (String(parts[0]), String(parts[1]))
        let finding = try original.look(at: original.bytes) { path in
            let connection = try Connection(path: path)
            let count = try #require(try connection.integer("SELECT COUNT(*) FROM \(table)"))
            let key = Self.keys[table] ?? "rowid"
            let change = column.hasPrefix("is_") ? "1 - \(column)" : "COALESCE(\(column), 0) + 1000001"
            try connection.execute(
                """
                UPDATE \(table) SET \(column) = \(change)
                WHERE (\(key)) = (SELECT \(key) FROM \(table) LIMIT 1 OFFSET \(random.below(count)))
                """)
        }
        #expect(finding == .noticed, "\(table).\(column): \(finding)")
    }

    private static let keys = [
        "meta": "key", "tail": "device, position", "assignments": "device, calculator",
        "held": "device, calculator, first_on", "states": "device, calculator, moment",
    ]

    private static func deleteRow(_ index: Int64, of table: String, _ connection: Connection) throws {
        let key = keys[table] ?? "rowid"
        try connection.execute(
            "DELETE FROM \(table) WHERE (\(key)) = (SELECT \(key) FROM \(table) LIMIT 1 OFFSET \(index))")
    }
}
