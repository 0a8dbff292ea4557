import PostgresClient
import PrimaryStore
@testable import Publishing
import Synchronization
import Telemetry
import Testing

/// Who drove, as the engine tells it: yesterday's trips keep yesterday's driver.
@Suite(.needsPostgres)
struct FeedDriverTests {
    private final class Told: Sendable {
        let drivers = Mutex<[DeviceDriver]>([])

        func set(_ drivers: [(Int64, Double?, String?)]) {
            self.drivers.withLock { list in
                list = drivers.map { device, day, name in
                    let from = day.map { Timestamp(seconds: MadeFleet.start + $0 * 86_400) } ?? .distantPast
                    return DeviceDriver(device: DeviceID(device), from: from, name: name)
                }
            }
        }
    }

    private func drivers(_ database: FleetDatabase) throws -> [String] {
        let sql = """
            SELECT string_agg(coalesce(driver_name, '-'), ' ' ORDER BY start_time) FROM reporting.v_trips
            GROUP BY device_id ORDER BY device_id
            """
        return try database.connection.query(sql, as: String.self)
    }

    @Test("a driver counts from the moment that the engine tells, the first one for all the time before")
    func moments() throws {
        try FleetDatabase.with { database in
            let told = Told()
            let sink = PostgresFeedSink(database.sinkSettings()) { () throws(StoreError) in told.drivers.withLock { $0 }
            }
            defer { sink.close() }
            _ = try sink.open(store: FleetDatabase.store)
            let calculators = [CalculatorRecord(1, "Trips")]
            func registry(_ revision: Int64, _ name: String, ident: String = "a") -> RegistrySnapshot {
                let devices = [DeviceRecord(1, ident, metadata: ["driver_name": .string(name)]), DeviceRecord(2, "b")]
                return RegistrySnapshot(revision: revision, devices: devices, calculators: calculators)
            }
            told.set([(1, nil, "Ann")])
            try sink.apply(registry(1, "Ann"))
            var feed = FeedBuilder()
            for day in 0..<4 {
                for device in 1...2 {
                    let begin = MadeFleet.start + Double(day) * 86_400 + 3_600
                    _ = try sink.apply([
                        feed.row(.created, key(1, Int64(device)), Int64(day + 1), Interval(begin, begin + 600, [:]))
                    ])
                }
            }
            let nobody = "Unassigned Unassigned Unassigned Unassigned"
            #expect(try drivers(database) == ["Ann Ann Ann Ann", nobody])
            told.set([(1, nil, "Ann"), (1, 2, "Bob"), (2, nil, "Cy")])
            try sink.apply(registry(2, "Bob"))
            #expect(try drivers(database) == ["Ann Ann Bob Bob", "Cy Cy Cy Cy"])
            // What somebody assigns for a time stays, also when the engine tells of another change later.
            try database.connection.execute(
                "SELECT tracksolid.assign_driver('a', 'Relief', '2024-06-04 00:00+00', '2024-06-05 00:00+00')")
            told.set([(1, nil, "Ann"), (1, 2, "Bob"), (1, 3, nil), (2, nil, "Cy")])
            try sink.apply(registry(3, ""))
            #expect(try drivers(database) == ["Ann Relief Bob Unassigned", "Cy Cy Cy Cy"])
            try sink.apply(registry(3, ""))
            #expect(try drivers(database) == ["Ann Relief Bob Unassigned", "Cy Cy Cy Cy"])
            // Another past, as after a restore: it counts from where it differs.
            told.set([(1, nil, "Ann"), (1, 2, "Eve"), (2, nil, "Cy")])
            try sink.apply(registry(4, "Eve"))
            #expect(try drivers(database) == ["Ann Relief Eve Eve", "Cy Cy Cy Cy"])
            told.set([(1, nil, "Ann"), (2, nil, "Cy")])
            try sink.apply(registry(5, "Ann"))
            #expect(try drivers(database) == ["Ann Relief Ann Ann", "Cy Cy Cy Cy"])
        }
    }
}

/// Which calculator fills the table of trips.
@Suite(.needsPostgres)
struct FeedRoleTests {
    @Test(
        "the trips of a device are those of its calculator of trips with the lowest id, whichever that is by now"
    )
    func roles() throws {
        try FleetDatabase.with { database in
            let sink = try database.feedSink()
            defer { sink.close() }
            let roles: JSONValue = ["report": "trips"]
            let calculators = [
                CalculatorRecord(1, "One", metadata: roles), CalculatorRecord(2, "Two", metadata: roles),
                CalculatorRecord(3, "None"),
            ]
            let devices = [DeviceRecord(1, "a"), DeviceRecord(2, "b")]
            var registry = RegistrySnapshot(devices: devices, calculators: calculators)
            try sink.apply(registry)
            var feed = FeedBuilder()
            let rows = (1...3).flatMap { calculator in
                (1...2).flatMap { device in
                    (1...calculator + 1).map { id in
                        let begin = MadeFleet.start + Double(id) * 600
                        return feed.row(
                            .created, key(Int64(calculator), Int64(device)), Int64(id), Interval(begin, begin + 60, [:])
                        )
                    }
                }
            }
            _ = try sink.apply(rows)
            let read = "SELECT device_id, calc_id, count(*) FROM reporting.v_trips GROUP BY 1, 2 ORDER BY 1, 2"
            #expect(try database.rows(read) == ["(1,1,2)", "(2,1,2)"])
            // The first calculator is taken from one device.
            registry.revision = 2
            registry.assignments.removeAll { $0.key == key(1, 1) }
            try sink.apply(registry)
            #expect(try database.rows(read) == ["(1,2,3)", "(2,1,2)"])
            // And loses the role, which another has by now.
            registry.revision = 3
            registry.calculators[0] = CalculatorRecord(1, "One", revision: 2)
            registry.calculators[2] = CalculatorRecord(3, "None", metadata: roles, revision: 2)
            try sink.apply(registry)
            #expect(try database.rows(read) == ["(1,2,3)", "(2,2,3)"])
            registry.revision = 4
            registry.assignments.removeAll { $0.key.calculator.rawValue == 2 }
            try sink.apply(registry)
            #expect(try database.rows(read) == ["(1,3,4)", "(2,3,4)"])
            try sink.refreshTrips()
            #expect(try database.rows(read) == ["(1,3,4)", "(2,3,4)"])
        }
    }
}
