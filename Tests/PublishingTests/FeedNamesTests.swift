import PostgresClient
import PrimaryStore
@testable import Publishing
import Telemetry
import Testing

/// What people name things, and what counters give, whatever it is.
@Suite(.needsPostgres)
struct FeedNamesTests {
    private static let wild = [
        "select", "speed.max", "speed_max", "Speed Max", "a\"b", "it's", String(repeating: "x", count: 100),
        String(repeating: "x", count: 99) + "y", String(repeating: "é", count: 60), "1st", "日本", "...", "ctid",
        "device_id",
        "begin_at", "a\0b",
    ]

    private func average(_ name: String) -> JSONValue {
        ["name": .string(name), "type": "expression", "expression": "position.speed", "method": "average"]
    }

    private func interval(_ number: Int, _ counters: KeyValuePairs<String, Value>) -> Interval {
        Interval(MadeFleet.start + Double(number) * 600, MadeFleet.start + Double(number) * 600 + 60, counters)
    }

    @Test("any name of a calculator and of a counter has a table and a column of its own, and what is stored is read")
    func names() throws {
        try FleetDatabase.with { database in
            let sink = try database.feedSink()
            defer { sink.close() }
            let name = "Bobby\"; DROP TABLE x; --'s"
            let long = String(repeating: "n", count: 200)
            let calculators = [
                CalculatorRecord(
                    1, name, counters: Self.wild.map(average), metadata: ["description": "It's \"quoted\""]),
                CalculatorRecord(2, "trips"), CalculatorRecord(3, long), CalculatorRecord(4, long + "n"),
                CalculatorRecord(5, ""), CalculatorRecord(6, "trips"), CalculatorRecord(7, "v_trips"),
            ]
            let device = DeviceRecord(1, "KAA'1", name: "Say \"hi\"\0", metadata: ["vehicle_number": "K'AA 1"])
            try sink.apply(RegistrySnapshot(devices: [device], calculators: calculators))
            var feed = FeedBuilder()
            let made = Interval(
                begin: Timestamp(seconds: MadeFleet.start), end: Timestamp(seconds: MadeFleet.start + 60),
                firstOn: Timestamp(seconds: MadeFleet.start), isActive: false,
                counters: Self.wild.enumerated().map { .init(name: $1, value: .number(Double($0) + 0.5)) })
            let rows = calculators.map { feed.row(.created, key($0.id.rawValue, 1), 1, made) }
            #expect(try sink.apply(rows).written == rows.count)
            let columns = try database.connection.query(
                "SELECT counter, column_name FROM odograph.columns WHERE calc_id = 1 ORDER BY number", as: String.self,
                String.self)
            #expect(Set(columns.map(\.1)).count == Self.wild.count)
            let areShort = columns.allSatisfy { $0.1.utf8.count <= 63 }
            #expect(areShort)
            let table = try #require(
                try database.connection.value(
                    "SELECT format('reporting.%I', table_name) FROM odograph.calculators WHERE calc_id = 1",
                    as: String.self))
            for (index, column) in columns.enumerated() {
                let value = try database.connection.value(
                    "SELECT \(PostgresName(column.1)) FROM \(table)", as: Double.self)
                #expect(value == Double(index) + 0.5, "\(column)")
            }
            #expect(try database.value("SELECT \"select\", speed_max FROM \(table)") == "0.5,1.5")
            let tables = try database.connection.query("SELECT table_name FROM odograph.calculators", as: String.self)
            #expect(Set(tables).count == calculators.count)
            #expect(
                try database.value("SELECT device_name FROM reporting.intervals WHERE calc_id = 1")
                    == "\"Say \"\"hi\"\"\u{FFFD}\"")
            #expect(try database.value("SELECT reporting.normalize_plate('k''aa-1') AS plate") == "KAA1")
            #expect(
                try database.value("SELECT reporting.fn_vehicle_track('k''aa-1', 24) ->> 'found' AS found") == "true")
        }
    }

    @Test("two hundred counters, a text of a megabyte, a list, an object, NUL and half a surrogate pair are stored")
    func wide() throws {
        try FleetDatabase.with { database in
            let sink = try database.feedSink()
            defer { sink.close() }
            let texts: [JSONValue] = [
                ["name": "big", "type": "parameter", "method": "first"], ["name": "text", "type": "geofence"],
                ["name": "list", "type": "parameter", "method": "distinct"], ["name": "flag", "type": "active"],
                [
                    "name": "peak", "type": "message", "extremum": [:],
                    "fields": ["position.latitude", "position.longitude"],
                ],
                ["name": "when", "type": "expression", "expression": "timestamp", "method": "first"],
            ]
            let counters = (0..<200).map { ["name": "counter.\($0)", "type": "accumulator"] as JSONValue }
            let calculators = [
                CalculatorRecord(1, "Wide", counters: counters), CalculatorRecord(2, "Texts", counters: texts),
            ]
            try sink.apply(RegistrySnapshot(devices: [DeviceRecord(1, "1")], calculators: calculators))
            var feed = FeedBuilder()
            var wide = interval(0, [:])
            wide.counters = (0..<200).map { .init(name: "counter.\($0)", value: .number(Double($0) / 4)) }
            let text = "K'AA \"1\" \\u0000 \0 \u{1F69A}"
            let values = interval(
                0,
                [
                    "big": .string(String(repeating: "é", count: 500_000)), "text": .string(text),
                    "list": .json("[\"a\",{\"b\":null},\"\\ud800\"]"), "flag": .boolean(true),
                    "peak": .json("{\"position.latitude\":1.5,\"position.longitude\":2.5}"),
                    "when": .number(MadeFleet.start),
                ])
            let receipt = try sink.apply([
                feed.row(.created, key(1, 1), 1, wide), feed.row(.created, key(2, 1), 1, values),
            ])
            #expect(receipt.written == 2)
            #expect(try database.value("SELECT counter_0 + counter_199 AS sum FROM reporting.\"Wide\"") == "49.75")
            let read = """
                SELECT length(big), list ->> 2, flag, peak_latitude, peak_longitude, extract(epoch FROM "when")::bigint
                FROM reporting."Texts"
                """
            #expect(try database.value(read) == "500000,\u{FFFD},t,1.5,2.5,\(Int(MadeFleet.start))")
            let stored = try database.connection.value("SELECT text FROM reporting.\"Texts\"", as: String.self)
            #expect(stored == "K'AA \"1\" \\u0000 \u{FFFD} \u{1F69A}")
            #expect(try database.count("odograph.refused") == 0)
        }
    }

    @Test("a counter whose kind is not known gets its column's type by its values, and a wider one when it needs it")
    func kinds() throws {
        try FleetDatabase.with { database in
            let sink = try database.feedSink()
            defer { sink.close() }
            let counters: [JSONValue] = [
                ["name": "mixed", "type": "parameter", "method": "last"],
                ["name": "flag", "type": "parameter", "method": "last"],
            ]
            var registry = RegistrySnapshot(
                devices: [DeviceRecord(1, "1")], calculators: [CalculatorRecord(1, "Kinds", counters: counters)])
            try sink.apply(registry)
            var feed = FeedBuilder()
            let values: [Value] = [.number(1), .null, .boolean(true), .string("text"), .json("[1]"), .number(2)]
            let kinds = ["number", "number", "number", "text", "json", "json"]
            let all = "SELECT mixed FROM reporting.\"Kinds\" ORDER BY interval_id"
            for (index, value) in values.enumerated() {
                let made = interval(index, ["mixed": value, "flag": .boolean(index % 2 == 0)])
                #expect(try sink.apply([feed.row(.created, key(1, 1), Int64(index), made)]).written == 1)
                let kind = try database.value("SELECT kind FROM odograph.columns WHERE counter = 'mixed'")
                #expect(kind == kinds[index])
                // A view of somebody's on the column holds nothing up.
                if index == 1 {
                    try database.connection.execute("CREATE VIEW mine AS SELECT mixed FROM reporting.\"Kinds\"")
                }
            }
            #expect(try database.rows(all) == ["(1)", "()", "(true)", "(\"\"\"text\"\"\")", "([1])", "(2)"])
            #expect(try database.value("SELECT bool_and(flag = (interval_id % 2 = 0)) FROM reporting.\"Kinds\"") == "t")
            // A counter that is added has a column, one that is gone keeps it, empty; the table keeps its name.
            registry.revision = 2
            let changed = [counters[0], ["name": "added", "type": "accumulator"]]
            registry.calculators = [CalculatorRecord(1, "Renamed", counters: changed, revision: 2)]
            try sink.apply(registry)
            let next = interval(9, ["mixed": .number(3), "added": .number(5)])
            _ = try sink.apply([feed.row(.created, key(1, 1), 9, next, calculatorRevision: 2)])
            #expect(
                try database.value("SELECT mixed, added, flag FROM reporting.\"Kinds\" WHERE interval_id = 9") == "3,5,"
            )
            #expect(try database.count("reporting.intervals WHERE calc_name = 'Renamed'") == values.count + 1)
            registry.revision = 3
            registry.calculators = []
            registry.assignments = []
            try sink.apply(registry)
            #expect(try database.value("SELECT to_regclass('reporting.\"Kinds\"') IS NULL AS gone") == "t")
            // What somebody's view reads stays, empty.
            #expect(try database.count("mine") == 0)
        }
    }

    @Test("an interval that PostgreSQL cannot take is listed and passed over; the others of its batch are taken")
    func poison() throws {
        try FleetDatabase.with { database in
            let sink = try database.feedSink()
            defer { sink.close() }
            let counters = [average("speed"), ["name": "place", "type": "message", "extremum": [:]]]
            let devices = [DeviceRecord(1, "1"), DeviceRecord(2, "2")]
            try sink.apply(
                RegistrySnapshot(devices: devices, calculators: [CalculatorRecord(1, "Poison", counters: counters)]))
            var feed = FeedBuilder()
            var rows = (1...60).map { id in
                feed.row(.created, key(1, Int64(id % 2 + 1)), Int64(id), interval(id, ["speed": .number(Double(id))]))
            }
            rows[20].json = Array("{\"speed\":1e999}".utf8)
            rows[21].json = Array("{\"speed\":".utf8)
            rows[22].json = Array("{\"speed\":1e-999}".utf8)
            rows[23].begin = .distantPast
            rows[24].end = .distantFuture
            rows[25].timestamp = Timestamp(microseconds: .min)
            rows[26].json = [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D]
            let receipt = try sink.apply(rows)
            #expect(receipt.written == 55)
            #expect(try database.count("odograph.intervals") == 55)
            #expect(try database.count("reporting.\"Poison\"") == 55)
            let refused = try database.rows("SELECT key FROM odograph.refused WHERE sink = 'feed' ORDER BY key")
            #expect(refused.count == 5 && refused.contains("(1/2/21)"))
            let cursors = try sink.open(store: FleetDatabase.store)
            #expect(cursors.revisions == feed.revisions)
            #expect(try sink.apply(rows).stale == rows.count)
            // A change for the better is taken.
            _ = try sink.apply([feed.row(.updated, key(1, 2), 21, interval(21, ["speed": .number(21)]))])
            #expect(try database.count("odograph.intervals") == 56)
            // The same by pages.
            let mine = rows.filter { $0.key.device.rawValue == 2 }
            let stored = mine.map { row in
                var interval = interval(Int(row.id), ["speed": .number(0.5)]).stored(id: row.id)
                if row.id == 21 || row.id == 31 { interval.json = Array("{\"speed\":1e999}".utf8) }
                return interval
            }
            let run = IntervalRun(key: key(1, 2), after: 0, upTo: IntervalRun.upToMax, intervals: stored)
            let pages = try sink.apply([run], slot: Slot(device: DeviceID(2)), revision: 999)
            #expect(pages.written == mine.count - 2)
            let listed = "SELECT string_agg(DISTINCT key, ',') FROM odograph.refused WHERE key IN ('1/2/21', '1/2/31')"
            #expect(try database.value(listed) == "\"1/2/21,1/2/31\"")
        }
    }

    @Test("idents that change hands do not stand in each other's way")
    func idents() throws {
        try FleetDatabase.with { database in
            let sink = try database.feedSink()
            defer { sink.close() }
            let before = [DeviceRecord(1, "a"), DeviceRecord(2, "b"), DeviceRecord(3, "c")]
            try sink.apply(RegistrySnapshot(revision: 1, devices: before, calculators: []))
            let after = [DeviceRecord(1, "b"), DeviceRecord(2, "c"), DeviceRecord(4, "a")]
            try sink.apply(RegistrySnapshot(revision: 2, devices: after, calculators: []))
            let rows = try database.rows(
                "SELECT device_id, imei FROM tracksolid.devices WHERE missing_since IS NULL ORDER BY device_id")
            #expect(rows == ["(1,b)", "(2,c)", "(4,a)"])
        }
    }

    @Test("metadata of any kind goes into the columns of vehicles as far as it fits")
    func metadata() throws {
        try FleetDatabase.with { database in
            let sink = try database.feedSink()
            defer { sink.close() }
            let values: JSONValue = [
                "vehicle_number": 7, "fuel_100km": 1e300, "current_mileage_km": "12.5", "enabled_flag": 1e9,
                "expiration": "not a time", "activation_time": 1_700_000_000, "cost_centre": ["a"], "vin": "a\0b",
                "remark": .string(String(repeating: "r", count: 60_000)),
            ]
            try sink.apply(RegistrySnapshot(devices: [DeviceRecord(1, "1", metadata: values)], calculators: []))
            let read = """
                SELECT vehicle_number, current_mileage_km, enabled_flag, expiration,
                  extract(epoch FROM activation_time)::bigint, cost_centre, vin, length(remark) FROM tracksolid.devices
                """
            #expect(try database.value(read) == "7,12.5,,,1700000000,\"[\"\"a\"\"]\",a\u{FFFD}b,500")
        }
    }
}

@Suite struct StagedTextTests {
    @Test(
        "JSON text that jsonb would refuse becomes text that it takes",
        arguments: [
            (#"{"a":"\u0000"}"#, #"{"a":"\ufffd"}"#), (#"{"a":"\\u0000"}"#, #"{"a":"\\u0000"}"#),
            (#"{"a":"\\\u0000"}"#, #"{"a":"\\\ufffd"}"#), (#""\ud83d\ude9a""#, #""\ud83d\ude9a""#),
            (#""\ud83d""#, #""\ufffd""#), (#""\ude9a\ud83d""#, #""\ufffd\ufffd""#),
            (#""\ud83d\ud83d\ude9a""#, #""\ufffd\ud83d\ude9a""#),
            (#""\ud83dx""#, #""\ufffdx""#), (#""\u00e9""#, #""\u00e9""#), ("\"a\0b\"", "\"a\u{FFFD}b\""),
            (#"\u12"#, #"\u12"#),
            ("\\", "\\"), ("", ""),
        ])
    func json(text: String, wanted: String) {
        #expect(String(decoding: StagedText.json(Array(text.utf8)), as: UTF8.self) == wanted)
    }

    @Test("bytes that are no UTF-8 become replacement characters")
    func bytes() {
        #expect(StagedText.json([0x22, 0xC3, 0x22]) == Array("\"\u{FFFD}\"".utf8))
        #expect(StagedText.plain("a\0b\0") == "a\u{FFFD}b\u{FFFD}")
        #expect(StagedText.plain("plain é") == "plain é")
    }
}
