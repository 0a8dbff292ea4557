import PostgresClient
import PrimaryStore
@testable import Publishing
import SeededRandom
import Telemetry
import Testing

@Suite(.needsPostgres)
struct MessageSinkTests {
    /// A database with a fleet's registry in it.
    private func withFleet(
        _ fleet: MadeFleet = MadeFleet(vehicles: 5, days: 2, seed: 21),
        _ body: (FleetDatabase, MadeFleet) throws -> Void
    ) throws {
        try FleetDatabase.with { database in
            let feed = try database.feedSink()
            try feed.apply(fleet.registry)
            feed.close()
            try body(database, fleet)
        }
    }

    private func row(
        _ position: Int64, _ second: Double, device: Int64 = 1, hash: UInt64 = 1,
        _ change: (inout MessageRow) -> Void = { _ in }
    ) -> MessageRow {
        let at = Timestamp(seconds: MadeFleet.start + second)
        var row = MessageRow(
            position: position, number: 0, device: DeviceID(device), timestamp: at, acceptance: at, hash: hash)
        (row.latitude, row.longitude) = (1, 2)
        change(&row)
        return row
    }

    @Test("messages given again, from their cursor and from the beginning, change nothing")
    func repetition() throws {
        try withFleet { database, fleet in
            let sink = try database.messageSink()
            defer { sink.close() }
            try fleet.deliver(to: sink)
            let before = try database.contents()
            let count = fleet.entries.reduce(0) { $0 + $1.count }
            #expect(try database.count("tracksolid.position_history") == count)
            #expect(try database.count("tracksolid.live_positions") == 5)
            let all = try fleet.nextMessages(after: 0, entryCountMax: .max)
            #expect(try sink.apply(all.rows, after: 0, upTo: all.reached).written == 0)
            let life = try sink.apply([], after: all.reached, upTo: all.reached)
            #expect(life == MessageReceipt())
            // As messages of the archive no cursor keeps them off.
            let archived = all.rows.map { row in
                var row = row
                row.position = 0
                return row
            }
            #expect(try sink.apply(archived, after: all.reached, upTo: all.reached).taken == count)
            while try sink.refreshMileage() {}
            #expect(try database.contents() == before)
            #expect(try sink.open(store: FleetDatabase.store) == all.reached)
        }
    }

    @Test("any order and any batches of the same messages end with the same rows", arguments: [1, 2, 3] as [UInt64])
    func anyOrder(seed: UInt64) throws {
        try withFleet { database, fleet in
            let sink = try database.messageSink()
            defer { sink.close() }
            try fleet.deliver(to: sink)
            try withFleet(fleet) { other, _ in
                var random = SeededGenerator(seed: seed)
                let second = try other.messageSink()
                defer { second.close() }
                var rows = try fleet.nextMessages(after: 0, entryCountMax: .max).rows.shuffled(using: &random)
                rows += rows.prefix(30)
                for index in rows.indices { (rows[index].position, rows[index].number) = (Int64(index + 1), 0) }
                var position = 0
                while position < rows.count {
                    let next = min(position + Int.random(in: 1...80, using: &random), rows.count)
                    _ = try second.apply(Array(rows[position..<next]), after: Int64(position), upTo: Int64(next))
                    position = next
                }
                while try second.refreshMileage() {}
                #expect(try other.contents() == database.contents(), "seed \(seed)")
            }
        }
    }

    @Test("two payloads of one time give one row, whichever comes first: the greater hash overrides, gaps are filled")
    func payloads() throws {
        for isReversed in [false, true] {
            try withFleet { database, _ in
                let sink = try database.messageSink()
                defer { sink.close() }
                let lesser = row(1, 0, hash: 5) { ($0.latitude, $0.speed, $0.direction) = (1, 10, 90) }
                let greater = row(1, 0, hash: 9) { ($0.latitude, $0.speed) = (3, 20) }
                let parts = isReversed ? [greater, lesser] : [lesser, greater]
                for (index, part) in parts.enumerated() {
                    var part = part
                    part.position = Int64(index + 1)
                    _ = try sink.apply([part], after: Int64(index), upTo: Int64(index + 1))
                }
                let rows = try database.rows("SELECT lat, speed_kmh, direction FROM tracksolid.position_history")
                #expect(rows == ["(3,20,90)"])
                #expect(try database.rows("SELECT lat, speed_kmh FROM tracksolid.live_positions") == ["(3,20)"])
            }
        }
    }

    @Test("a gap in the log is something to read the cursor for; a call cut off leaves nothing")
    func gap() throws {
        try withFleet { database, _ in
            let sink = try database.messageSink()
            defer { sink.close() }
            let error = try thrown(SinkError.self) { _ = try sink.apply([row(6, 0)], after: 5, upTo: 6) }
            guard case .retry = error else { throw error }
            for step in SinkLink.Step.allCases {
                sink.link.stepObserver = { if $0 == step { killSinks(database.connection) } }
                let error = try thrown(SinkError.self) { _ = try sink.apply([row(1, 0)], after: 0, upTo: 1) }
                guard case .retry = error else { throw error }
                sink.link.stepObserver = nil
                #expect(try sink.open(store: FleetDatabase.store) == 0)
                #expect(try database.count("tracksolid.position_history") == 0)
            }
            #expect(try sink.apply([row(1, 0)], after: 0, upTo: 1).written == 1)
            #expect(try sink.open(store: FleetDatabase.store) == 1)
        }
    }

    @Test(
        "positions that are none are signs of life, what lies ahead of the clock is refused, and so are unknown devices"
    )
    func impossible() throws {
        try withFleet { database, _ in
            let sink = try database.messageSink()
            defer { sink.close() }
            let rows = [
                row(1, 0), row(2, 1) { $0.latitude = .nan }, row(3, 2) { ($0.latitude, $0.longitude) = (0, 0) },
                row(4, 3) { $0.latitude = 91 }, row(5, 4) { $0.longitude = .infinity },
                row(6, 5) {
                    ($0.latitude, $0.speed, $0.direction, $0.altitude) = (1.1, .nan, .infinity, .nan)
                    ($0.satellites, $0.mileage) = (.nan, .infinity)
                },
                row(7, 9e8) { $0.latitude = 5 }, row(8, 1, device: 999),
                row(9, 6) {
                    ($0.latitude, $0.longitude, $0.ignition) = (nil, nil, true)
                    ($0.alarmType, $0.alarmName, $0.alarmSeverity) = ("SOS", "It's \"x\"\0", "critical")
                },
                row(10, 7) {
                    ($0.latitude, $0.longitude, $0.address) = (nil, nil, "O'Hara's")
                    $0.alarmType = "custom " + String(repeating: "y", count: 1_000)
                },
                row(11, 0) { $0.timestamp = .distantPast }, row(12, 0) { $0.timestamp = Timestamp(microseconds: .max) },
            ]
            let receipt = try sink.apply(rows, after: 0, upTo: 12)
            #expect(receipt.taken == 12 && receipt.written == 2 && receipt.rejected == 4)
            let live = """
                SELECT lat, speed_kmh, acc_status, extract(epoch FROM hb_time)::bigint, address
                FROM tracksolid.live_positions
                """
            #expect(try database.rows(live) == ["(1.1,,1,\(Int(MadeFleet.start) + 7),O'Hara's)"])
            let alarms = try database.rows("SELECT alarm_name, severity FROM tracksolid.alarms ORDER BY alarm_time")
            #expect(
                alarms == [
                    "(\"It's \"\"x\"\"\u{FFFD}\",critical)",
                    "(\"custom " + String(repeating: "y", count: 193) + "\",info)",
                ])
        }
    }

    @Test("a message that PostgreSQL cannot take is listed and passed over; the others are taken")
    func poison() throws {
        try withFleet { database, _ in
            let sink = try database.messageSink()
            defer { sink.close() }
            var rows = (1...40).map { row(Int64($0), Double($0)) }
            // Less than a number of four bytes can be, and not nothing.
            rows[17].altitude = 1e-300
            let receipt = try sink.apply(rows, after: 0, upTo: 40)
            #expect(receipt.taken == 40 && receipt.written == 39 && receipt.rejected == 1)
            #expect(try sink.open(store: FleetDatabase.store) == 40)
            let key = try database.value("SELECT key FROM odograph.refused WHERE sink = 'messages'")
            #expect(key == "1/\(Int(MadeFleet.start) + 18)000000")
            #expect(try database.count("tracksolid.position_history") == 39)
        }
    }
}
