import Foundation
import PrimaryStore
import SQLiteClient
import SeededRandom
import Telemetry
import Testing

@Suite("Health of the data")
struct DataHealthTests {
    @Test("of 400 flipped bits each one that changes an answer is noticed")
    func flips() throws {
        let full = try FullStore()
        let expected = try full.auditedAnswers(full.test.folder)
        let bytes = try Data(contentsOf: URL(filePath: full.file))
        var noticedCount = 0
        for seed: UInt64 in 1...400 {
            var random = SeededGenerator(seed: seed)
            let bit = Int.random(in: 0..<bytes.count * 8, using: &random)
            let answers = try? full.withCopy({ file in
                var changed = bytes
                changed[bit / 8] ^= 1 << UInt8(bit % 8)
                try changed.write(to: URL(filePath: file))
            }) { folder in try full.auditedAnswers(folder) }
            if answers == nil { noticedCount += 1 }
            #expect(answers == nil || answers == expected, "seed \(seed), bit \(bit)")
        }
        #expect(noticedCount > 50, "only \(noticedCount) of the flips were noticed")
    }

    /// The tables, each with what makes out one of its rows.
    private static let tables = [
        "meta": "key", "parameters": "id", "log": "position", "chunks": "rowid", "archive_marks": "device",
        "slots": "slot", "devices": "id", "calcs": "id", "calc_revisions": "(calc, revision)",
        "assignments": "(calc, device)", "ended_assignments": "(calc, device)",
        "intervals": "(calc, device, id)", "feed": "(slot, rev)", "jobs": "id", "tokens": "id",
        "entities": "(kind, id)", "links": "(kind, from_id, to_id)", "asset_intervals": "(asset, begin_at)",
        "interval_versions": "(calc, device, until, id, since)", "interval_fields": "(calc, device, id)",
        "horizons": "device", "horizon_states": "(calc, device)", "apart_messages": "(device, id)",
        "apart_counts": "(device, reason)", "settings": "name", "chunk_months": "(device, month)",
        "totals": "name", "log_totals": "id", "device_drivers": "(device, since)",
    ]

    @Test("of 100 rows taken away, from every table, each is noticed")
    func vanished() throws {
        let full = try FullStore()
        _ = try full.auditedAnswers(full.test.folder)
        let names = Self.tables.keys.sorted()
        for seed: UInt64 in 1...100 {
            var random = SeededGenerator(seed: seed)
            let table = names[Int(seed) % names.count]
            let key = Self.tables[table] ?? ""
            let found = try full.withCopy { file in
                let connection = try Connection(path: file)
                let count = try connection.integer("SELECT COUNT(*) FROM \(table)") ?? 0
                #expect(count > 0, "\(table) is empty")
                let place = Int.random(in: 0..<max(1, Int(count)), using: &random)
                let columns = key.trimmingCharacters(in: ["(", ")"])
                try connection.run(
                    "DELETE FROM \(table) WHERE \(key) IN (SELECT \(columns) FROM \(table) LIMIT 1 OFFSET \(place))")
            } _: { folder in
                do {
                    _ = try full.auditedAnswers(folder)
                    return ""
                } catch { return "\(error)" }
            }
            #expect(!found.isEmpty, "seed \(seed): a row of \(table) went unnoticed")
        }
    }

    @Test("the audit names the table and the device or assignment, and how many rows are missing")
    func names() throws {
        let full = try FullStore()
        let key = full.keys[2]
        func findings(_ sql: String) throws -> [String] {
            try full.withCopy { file in
                try Connection(path: file).run(sql)
            } _: { folder in
                let store = try SQLitePrimaryStore(folder: folder, mode: .readOnly)
                return try store.audit(slots: .all)
            }
        }
        let assignment = "calculator \(key.calculator) on device \(key.device)"
        #expect(
            try findings(
                "DELETE FROM intervals WHERE device = \(key.device) AND calc = \(key.calculator) AND id IN (3, 4)"
            )
            .contains("2 of 10 intervals of \(assignment) are missing"))
        #expect(
            try findings("DELETE FROM chunks WHERE device = \(key.device) AND first > 8000000000000")
                .contains("device \(key.device): 1 of 1 chunks of 1970-04 are missing"))
        #expect(
            try findings("DELETE FROM log WHERE position = 2")
                .contains { $0.hasPrefix("1 of 3 log batches of slot") })
        #expect(try findings("DELETE FROM entities WHERE kind = 'group'") == ["1 of 3 rows of entities are missing"])
    }

    @Test("an interval that vanished is noticed by whoever reads all of its assignment")
    func readers() throws {
        let test = try TestStore()
        let a = try test.assignment()
        _ = try test.store.push([a.push([.make(nil, 1, 2), .make(nil, 3, 4)])])[0].get()
        try test.tamper("DELETE FROM intervals WHERE id = 1")
        let name = "1 of 2 intervals of calculator \(a.key.calculator) on device \(a.key.device) are missing"
        #expect(throws: StoreError.corrupt(name)) { try test.store.heldIntervals(a.key) }
        #expect(throws: StoreError.corrupt(name)) { try test.store.intervals(a.key, IntervalQuery()) }
        #expect(throws: StoreError.corrupt(name)) { try test.store.intervalPage(a.key, IntervalQuery()) }
        #expect(try test.store.intervals(a.key, IntervalQuery(ids: [2])).count == 1)
    }
}
