import Ingest
import PostgresClient
import PrimaryStore
import Publishing
import Telemetry
import Testing
import ThrowAwayPostgres

/// What PostgreSQL has beside what the API answers, row for row.
@Suite(
    "Intervals in PostgreSQL", .serialized,
    .enabled(if: ThrowAwayPostgres.isAvailable, Comment(rawValue: ThrowAwayPostgres.reason)))
struct IntervalEqualityTests {
    @Test("every interval of the store is in the view of all intervals, and nothing else")
    func all() async throws {
        let fleet = try await PublishedFleet.common()
        let stored = try fleet.storedIntervals()
        #expect(stored.count > 500)
        #expect(try fleet.publishedIntervals() == stored)
    }

    @Test("numbers in a calculator's own table are those of the intervals, to the last bit")
    func typed() async throws {
        let fleet = try await PublishedFleet.common()
        try fleet.query { connection in
            let differing = try connection.value(
                """
                SELECT count(*) FROM reporting."Trips" t FULL JOIN reporting.intervals i
                ON i.calc_name = 'Trips' AND i.device_id = t.device_id AND i.interval_id = t.interval_id
                WHERE (i.calc_name = 'Trips' OR i.calc_name IS NULL) AND (t.interval_id IS NULL OR i.interval_id IS NULL
                  OR t.distance IS DISTINCT FROM (i.counters ->> 'distance')::float8
                  OR t.speed_max IS DISTINCT FROM (i.counters ->> 'speed.max')::float8
                  OR t.begin_at <> i.begin_at OR t.end_at <> i.end_at OR t.is_active <> i.is_active)
                """, as: Int64.self)
            #expect(differing == 0)
            let count = try connection.value("SELECT count(*) FROM reporting.\"Trips\"", as: Int64.self)
            #expect((count ?? 0) > 100)
        }
    }

    @Test("trips are those of the calculator, each on its vehicle with its driver")
    func trips() async throws {
        let fleet = try await PublishedFleet.common()
        try fleet.query { connection in
            let counts = try connection.query(
                """
                SELECT (SELECT count(*) FROM reporting.v_trips),
                  (SELECT count(*) FROM reporting.intervals WHERE calc_name = 'Trips' AND begin_at < end_at),
                  (SELECT count(*) FROM reporting.v_trips t JOIN odograph.devices d USING (device_id)
                   WHERE t.driver_name <> COALESCE(d.json -> 'metadata' ->> 'driver_name', 'Unassigned'))
                """, as: Int64.self, Int64.self, Int64.self)
            let row = try #require(counts.first)
            #expect(row.0 > 100 && row.0 == row.1 && row.2 == 0, "\(row)")
        }
    }

    @Test("after an edit, a deletion, late messages, an expiry and a rebuild both are still the same")
    func changes() async throws {
        let fleet = try await PublishedFleet(
            vehicleCount: 4, days: 4, calculators: ["trips", "daily-mileage", "stops"])
        try await fleet.expectEqual("at first")
        try await fleet.edit(calculator: "Trips") {
            $0.replacing("\"max_messages_time_diff\":300", with: "\"max_messages_time_diff\":90")
        }
        try await fleet.expectEqual("after an edit")
        let registry = try fleet.store.registry()
        try fleet.store.deleteDevice(registry.devices[0].id, at: PublishedFleet.clock())
        let key = try #require(registry.assignments.last?.key)
        _ = try fleet.store.unassign([key], at: PublishedFleet.clock())
        try await fleet.expectEqual("after a device and an assignment went")
        try await fleet.sayLate(registry.devices[1].id)
        try await fleet.expectEqual("after late messages")
        try await fleet.expire(registry.devices[2].id)
        try await fleet.expectEqual("after messages and intervals have expired")
        fleet.delivery.rebuild()
        try await fleet.expectEqual("after a rebuild")
        await fleet.stop()
    }
}

extension PublishedFleet {
    /// An interval as both sides tell it: its numbers as they are, its text as JSON of sorted keys.
    struct Row: Hashable, Comparable {
        var calculator: Int64
        var device: Int64
        var id: Int64
        var begin: Int64
        var end: Int64
        var isActive: Bool

        static func < (a: Self, b: Self) -> Bool {
            (a.calculator, a.device, a.id) < (b.calculator, b.device, b.id)
        }
    }

    func storedIntervals() throws -> [Row: String] {
        var rows: [Row: String] = [:]
        for assignment in try store.registry().assignments {
            for interval in try store.intervals(assignment.key, IntervalQuery()) {
                let row = Row(
                    calculator: assignment.key.calculator.rawValue, device: assignment.key.device.rawValue,
                    id: interval.id, begin: interval.begin.microseconds, end: interval.end.microseconds,
                    isActive: interval.isActive)
                rows[row] = Self.counters(interval.json)
            }
        }
        return rows
    }

    func publishedIntervals() throws -> [Row: String] {
        try query { connection in
            let found = try connection.query(
                """
                SELECT calc_id, device_id, interval_id, begin_at, end_at, is_active, counters::text
                FROM odograph.intervals
                """, as: Int64.self, Int64.self, Int64.self, PostgresTimestamp.self, PostgresTimestamp.self, Bool.self,
                String.self)
            return Dictionary(
                found.map { row in
                    let key = Row(
                        calculator: row.0, device: row.1, id: row.2, begin: row.3.microseconds, end: row.4.microseconds,
                        isActive: row.5)
                    return (key, Self.counters(Array(row.6.utf8)))
                }, uniquingKeysWith: { first, _ in first })
        }
    }

    /// The counters of an interval with sorted names, without what has columns of its own.
    private static func counters(_ json: [UInt8]) -> String {
        let own: Set = ["begin", "end", "id", "timestamp", "duration", "calc_id", "device_id"]
        return (try? JSONValue(parsing: json))?.sorted(without: own).text ?? ""
    }

    func expectEqual(_ when: Comment, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await settle()
        let (stored, published) = (try storedIntervals(), try publishedIntervals())
        #expect(!stored.isEmpty, sourceLocation: sourceLocation)
        let (missing, surplus) = (
            stored.filter { published[$0.key] != $0.value }, published.filter { stored[$0.key] == nil }
        )
        #expect(missing.count == 0 && surplus.count == 0, when, sourceLocation: sourceLocation)
    }

    /// Replaces a calculator by a change of its text.
    func edit(calculator name: String, _ change: (String) -> String) async throws {
        let record = try store.registry().calculators.first { $0.name == name }
        guard let record else { return }
        let text = change(record.json)
        #expect(text != record.json, "the edit changes something")
        _ = try store.replaceCalculator(record.id, name: record.name, json: text, expecting: nil)
    }

    /// Has a device's messages expire after two days, and the daily mileage of all after three; waits until PostgreSQL
    /// tells what is frozen.
    func expire(_ device: DeviceID) async throws {
        let registry = try store.registry()
        for record in registry.devices where record.id == device {
            let json = record.json.dropLast() + ",\"messages_ttl\":172800}"
            _ = try store.replaceDevice(
                device, ident: record.ident, name: record.name, json: String(json), expecting: nil, at: now)
        }
        for record in registry.calculators where record.name == "Daily mileage" {
            let json = record.json.dropLast() + ",\"intervals_ttl\":259200}"
            _ = try store.replaceCalculator(record.id, name: record.name, json: String(json), expecting: nil)
        }
        let before = try publishedIntervals().count
        let frozen = "SELECT count(*) FROM reporting.intervals WHERE is_frozen AND device_id = $1"
        for _ in 0..<600 {
            pass(hours: 1)
            try await settle()
            if try query({ try $0.value(frozen, device.rawValue, as: Int64.self) }) ?? 0 > 0 { break }
        }
        #expect(try query { try $0.value(frozen, device.rawValue, as: Int64.self) } ?? 0 > 0)
        #expect(try publishedIntervals().count < before, "the first days have gone")
    }

    /// A drive in the middle of what is there, two days ago.
    func sayLate(_ device: DeviceID) async throws {
        let begin = now.advanced(bySeconds: -2.2 * 86_400)
        var vehicle = vehicles[2]
        let moved = vehicle.messages(in: TimeRange(lower: begin, upper: begin.advanced(bySeconds: 7_200)))
        try await append(MessageBatch(moved, table: store.parameters, acceptance: .now(Self.clock())), to: device)
    }
}
