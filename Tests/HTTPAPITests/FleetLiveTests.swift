import PrimaryStore
import Publishing
import SeededRandom
import Telemetry
import Testing

@testable import HTTPAPI

/// Live positions and tracks from the engine's own store.
@Suite("Fleet positions of the engine")
struct FleetLiveTests {
    private static func live(_ house: TestHouse, _ query: String = "") async throws -> JSONValue {
        let response = try await house.send("GET", "/webhook/live-positions\(query)")
        #expect(response.status == 200, "\(response)")
        return response.json
    }

    @Test("A vehicle is shown with all that is known of it, and with null for what is not")
    func shape() async throws {
        try await TestHouse.open { house in
            let id = try await house.vehicle(
                "860001",
                """
                {"vehicle_number":" KDA 001A ","driver_name":"Amina \\"A\\"","cost_centre":"CC-1",\
                "assigned_city":"Nairobi","vehicle_icon":"van"}
                """)
            try await house.say(
                id,
                [
                    (
                        40,
                        TestHouse.fix(
                            -1.25, 36.75, speed: 12.5,
                            """
                            "position.direction":90,"position.satellites":11,"engine.ignition.status":true,\
                            "vehicle.mileage":1234.5,"position.address":"Moi Avenue"
                            """)
                    ), (12.25, TestHouse.fix(-1.28, 36.8, speed: 20)), (3, ""),
                ])
            let expected = """
                {"summary":{"total":1,"moving":1,"idle":0,"parked":0,"offline":0,"nofix":0,"acc_on":1,\
                "newest_fix":"2023-11-14T22:13:07.750Z","generated_at":"2023-11-14T22:13:20.000Z",\
                "cost_centres":["CC-1"]},"geojson":{"type":"FeatureCollection","features":[{"type":"Feature",\
                "id":"860001","geometry":{"type":"Point","coordinates":[36.8,-1.28]},"properties":{"imei":"860001",\
                "vehicle_number":"KDA 001A","driver_name":"Amina \\"A\\"","cost_centre":"CC-1",\
                "assigned_city":"Nairobi","icon":"van","speed_kmh":20,"direction":null,"acc_status":1,"online":1,\
                "state":"moving","pos_type":"GPS","satellites":null,"mileage_km":1234.5,"address":"Moi Avenue",\
                "gps_time":"2023-11-14T22:13:07.750Z","hb_time":"2023-11-14T22:13:17.000Z","fix_age_s":12}}]}}
                """
            let response = try await house.send("GET", "/webhook/live-positions")
            #expect(response.body == expected)
            try house.seal(id)
            let again = try await house.restarted()
            let cold = try again.fleetReports.livePositions(costCentre: nil, isIgnitionOn: nil)
            #expect(String(decoding: cold.json, as: UTF8.self) == expected, "from the archive, after a start")
        }
    }

    @Test("Each vehicle is in the first of these states that holds: nofix, offline, moving, idle, parked")
    func states() async throws {
        try await TestHouse.open { house in
            let plans: [(String, [(ago: Double, fields: String)])] = [
                ("moving", [(599, TestHouse.fix(1, 1, speed: 5))]),
                ("slow", [(10, TestHouse.fix(1, 1, speed: 4.9))]),
                ("old", [(601, TestHouse.fix(1, 1, speed: 50)), (5, "")]),
                ("idle", [(10, TestHouse.fix(1, 1, speed: 0, "\"engine.ignition.status\":true"))]),
                ("parked", [(1800, TestHouse.fix(1, 1, speed: 0, "\"engine.ignition.status\":false"))]),
                ("offline", [(1801, TestHouse.fix(1, 1, speed: 50))]), ("nofix", [(5, "\"x\":1")]),
                ("lost", [(5000, "\"engine.ignition.status\":true")]),
                ("zero", [(5, TestHouse.fix(0, 0, speed: 9))]),
                ("invalid", [(5, TestHouse.fix(1, 1, speed: 9, "\"position.valid\":false"))]), ("silent", []),
            ]
            for (ident, messages) in plans {
                let id = try await house.vehicle(ident)
                if !messages.isEmpty { try await house.say(id, messages) }
            }
            let answer = try await Self.live(house)
            let states = Dictionary(
                uniqueKeysWithValues: answer.features.map {
                    ($0["id"]?.stringValue ?? "", $0["properties"]?["state"]?.stringValue ?? "")
                })
            #expect(
                states == [
                    "moving": "moving", "slow": "parked", "old": "parked", "idle": "idle", "parked": "parked",
                    "offline": "offline", "nofix": "nofix", "lost": "nofix", "zero": "nofix", "invalid": "nofix",
                ])
            #expect(
                answer["summary"]?.text.contains(
                    "\"total\":10,\"moving\":1,\"idle\":1,\"parked\":3,\"offline\":1,\"nofix\":4,\"acc_on\":2") == true)
            let lost = answer.features.first { $0["id"] == .string("lost") }
            #expect(lost?["geometry"] == .null && lost?["properties"]?["online"] == .number(0))
            #expect(lost?["properties"]?["pos_type"] == .null && lost?["properties"]?["fix_age_s"] == .null)
        }
    }

    @Test("Vehicles come by number and then ident, in the order of code points, and are chosen by label")
    func choice() async throws {
        try await TestHouse.open { house in
            let plans = [
                ("9", "{\"vehicle_number\":\"KDB\",\"cost_centre\":\"North\"}", "true"),
                ("8", "{\"vehicle_number\":\"KDB\"}", "false"), ("7", "{\"vehicle_number\":\"kda\"}", "true"),
                ("6", "{\"vehicle_number\":\"Éa\",\"cost_centre\":\"  \"}", "null"),
                ("5", "{\"vehicle_number\":\"Z\",\"cost_centre\":\"North\",\"driver_name\":\"Bo\"}", "false"),
            ]
            for (ident, metadata, ignition) in plans {
                let id = try await house.vehicle(ident, metadata)
                let state = ignition == "null" ? "" : "\"engine.ignition.status\":\(ignition)"
                try await house.say(id, [(9, TestHouse.fix(1, 2, speed: 0, state))])
            }
            func idents(_ query: String) async throws -> [String] {
                try await Self.live(house, query).features.compactMap { $0["id"]?.stringValue }
            }
            #expect(try await idents("") == ["8", "9", "5", "7", "6"])
            #expect(try await idents("?cost_centre=North") == ["9", "5"])
            #expect(try await idents("?cost_centre=Unassigned&acc_status=1") == ["7"])
            #expect(try await idents("?acc_status=OFF") == ["8", "5"])
            #expect(try await idents("?acc_status=&cost_centre=") == ["8", "9", "5", "7", "6"])
            let none = try await Self.live(house, "?cost_centre=nobody")
            #expect(none.features.isEmpty && none["summary"]?["newest_fix"] == .null)
            #expect(none["summary"]?["cost_centres"]?.text == "[\"North\",\"Unassigned\"]", "whatever the filter")
        }
    }

    @Test("Later messages move a vehicle, late ones and those ahead of the clock do not, nor does sealing")
    func following() async throws {
        try await TestHouse.open { house in
            let id = try await house.vehicle("a")
            let other = try await house.vehicle("b")
            try await house.say(other, [(50, TestHouse.fix(5, 5, speed: 0))])
            func latitude() async throws -> JSONValue? {
                try await Self.live(house).features.first?["geometry"]?["coordinates"]?.arrayValue?.last
            }
            try await house.say(id, [(100, TestHouse.fix(1, 1, speed: 0))])
            #expect(try await latitude() == .number(1))
            try await house.say(id, [(60, TestHouse.fix(2, 1, speed: 0))])
            var ahead = MessageBatchBuilder(table: house.store.parameters)
            for name in ["position.latitude", "position.longitude"] {
                if let parameter = house.store.parameters.existing(name) { ahead.set(parameter, .number(9)) }
            }
            ahead.finishMessage(timestamp: house.clock.now.advanced(bySeconds: 601), acceptance: house.clock.now)
            let _: [Int64] = try await house.store.append([LogAppend(device: DeviceID(id), batch: ahead.build())])
            #expect(try await latitude() == .number(2))
            try await house.say(id, [(80, TestHouse.fix(3, 1, speed: 0))])
            #expect(try await latitude() == .number(2), "a late message")
            // It is away while messages come and are sealed.
            try await house.say(id, [(20, TestHouse.fix(4, 1, speed: 0))])
            try house.seal(id)
            #expect(try await latitude() == .number(4))
            try await house.say(id, [(10, TestHouse.fix(5, 1, speed: 0))])
            #expect(try await latitude() == .number(5))
            #expect(try await house.send("DELETE", "/gw/devices/\(id)").status == 200)
            let rest = try await Self.live(house)
            #expect(rest.features.map { $0["id"]?.stringValue } == ["b"], "a device that was deleted is gone")
        }
    }

    @Test("Messages in any order and any batches give the same live position", arguments: 0..<40)
    func order(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let table = ParameterTable()
        let names = [
            "position.latitude", "position.longitude", "position.speed", "engine.ignition.status", "vehicle.mileage",
            "can.vehicle.mileage", "position.address", "position.valid",
        ]
        let ids = names.compactMap { table.id(for: $0) }
        let messages = (0..<60).map { _ in
            var builder = MessageBatchBuilder(table: table)
            for (name, id) in zip(names, ids) where Bool.random(using: &generator) {
                let number = Double.random(in: -3...3, using: &generator).rounded()
                switch name {
                case "position.address": builder.set(id, .string("street \(number)"))
                case "engine.ignition.status", "position.valid": builder.set(id, .boolean(number > 0))
                default: builder.set(id, .number(number))
                }
            }
            let second = Double.random(in: 0...20, using: &generator).rounded()
            builder.finishMessage(timestamp: Timestamp(seconds: second), acceptance: Timestamp(seconds: 50))
            return builder.build()
        }
        let parameters = FixParameters(table)
        let latest = Timestamp(seconds: 18)
        var plain = LivePosition()
        for message in messages { plain.take(message, parameters, upTo: latest) }
        for _ in 0..<5 {
            var shuffled = LivePosition()
            let order = (messages + messages.prefix(20)).shuffled(using: &generator)
            var rest = order[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...7, using: &generator)
                shuffled.take(MessageBatch.joined(Array(rest.prefix(count))), parameters, upTo: latest)
                rest = rest.dropFirst(count)
            }
            #expect("\(shuffled)" == "\(plain)", "seed \(seed)")
        }
        #expect(plain.contact.map { $0 <= latest } ?? false)
    }

    @Test("A track has every fix of its hours, the gaps, and the kilometres driven at speed")
    func track() async throws {
        try await TestHouse.open { house in
            let id = try await house.vehicle("860001", "{\"vehicle_number\":\"KDA 001A\",\"driver_name\":\"Bo\"}")
            try await house.say(
                id,
                [
                    (7201, TestHouse.fix(0.5, 36, speed: 50)),
                    (
                        7200,
                        TestHouse.fix(1, 36, speed: 40, "\"position.direction\":90,\"engine.ignition.status\":true")
                    ), (7100, "\"engine.ignition.status\":false"), (7000.5, TestHouse.fix(1, 36.01, speed: 42.5)),
                    (6000, TestHouse.fix(1, 36.02, speed: 4.9)), (0, TestHouse.fix(1, 36.03, speed: 5)),
                    (-60, TestHouse.fix(2, 36, speed: 5)),
                ])
            let response = try await house.send(
                "GET", "/webhook/live-positions/track?vehicle_number=kda-001a&hours=2")
            let kilometres = Kilometres.roundedToMetres(
                Kilometres.between(.init(latitude: 1, longitude: 36), .init(latitude: 1, longitude: 36.01))
                    + Kilometres.between(.init(latitude: 1, longitude: 36.02), .init(latitude: 1, longitude: 36.03)))
            #expect(abs(kilometres - 2.223) < 0.002)
            let expected = """
                {"found":true,"vehicle":{"imei":"860001","vehicle_number":"KDA 001A","driver_name":"Bo",\
                "cost_centre":"Unassigned","assigned_city":"Unassigned"},"hours":2,"summary":{"points":4,\
                "first_fix":"2023-11-14T20:13:20.000Z","last_fix":"2023-11-14T22:13:20.000Z",\
                "distance_km":\(kilometres),"max_speed_kmh":42.5,"max_gap_s":6000},"geojson":{\
                "type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"LineString",\
                "coordinates":[[36,1],[36.01,1],[36.02,1],[36.03,1]]},"properties":{"kind":"track"}}]},"points":[\
                {"t":"2023-11-14T20:13:20.000Z","lat":1,"lng":36,"speed_kmh":40,"direction":90,"acc":1,"gap_s":null},\
                {"t":"2023-11-14T20:16:39.500Z","lat":1,"lng":36.01,"speed_kmh":42.5,"direction":null,"acc":null,\
                "gap_s":199},{"t":"2023-11-14T20:33:20.000Z","lat":1,"lng":36.02,"speed_kmh":4.9,"direction":null,\
                "acc":null,"gap_s":1000},{"t":"2023-11-14T22:13:20.000Z","lat":1,"lng":36.03,"speed_kmh":5,\
                "direction":null,"acc":null,"gap_s":6000}]}
                """
            #expect(response.status == 200 && response.body == expected, "\(response)")
            try house.seal(id)
            try await house.say(id, [(3000, TestHouse.fix(1, 36.025, speed: 0))])
            let mixed = try await house.send("GET", "/webhook/live-positions/track?vehicle_number=860001&hours=2")
            #expect(mixed.json["summary"]?["points"] == .number(5), "of the archive and of the log")
            let clamped = try await house.send("GET", "/webhook/live-positions/track?vehicle_number=KDA001A&hours=999")
            #expect(clamped.json["hours"] == .number(168) && clamped.json["summary"]?["points"] == .number(6))
        }
    }

    @Test("A vehicle is found by plate, else ident, else name; of several the least ident; else it is 404")
    func finding() async throws {
        try await TestHouse.open { house in
            for (ident, more) in [
                ("AAA1", ",\"metadata\":{\"vehicle_number\":\"B 2\"}"), ("B2", ""), ("C3", ",\"name\":\"Van 7\""),
                ("C2", ",\"name\":\"van-7\""), ("D'4", ",\"name\":\"Q\",\"metadata\":{\"device_name\":\"R\"}"),
            ] { _ = try await house.device(ident, more) }
            for (text, ident) in [
                ("b2", "AAA1"), (" B2 ", "AAA1"), ("AAA1", "AAA1"), ("VAN 7", "C2"), ("C3", "C3"), ("D'4", "D'4"),
                ("r", "D'4"),
            ] {
                let found = try await house.send(
                    "GET", "/webhook/live-positions/track?vehicle_number=\(text.inURL)")
                #expect(found.json["vehicle"]?["imei"] == .string(ident), "\(text): \(found)")
                #expect(found.status == 200 && found.json.features.isEmpty)
            }
            let unknown = try await house.send("GET", "/webhook/live-positions/track?vehicle_number=q")
            #expect(unknown.status == 404)
            #expect(
                unknown.body
                    == "{\"found\":false,\"vehicle\":null,\"hours\":24,\"summary\":{\"points\":0,\"first_fix\":null,"
                    + "\"last_fix\":null,\"distance_km\":0,\"max_speed_kmh\":null,\"max_gap_s\":null},\"geojson\":"
                    + "{\"type\":\"FeatureCollection\",\"features\":[]},\"points\":[]}")
        }
    }

    @Test("The ingest is well as long as the board can be brought up to date, and says how often and how fast")
    func health() async throws {
        try await TestHouse.open { house in
            let id = try await house.vehicle("a")
            let first = try await house.send("GET", "/health/ingest")
            #expect(first.status == 200 && first.json["ok"] == .boolean(true), "\(first)")
            try await house.say(id, [(5, TestHouse.fix(1, 1, speed: 0)), (4, "")])
            house.clock.advance(seconds: 120)
            let second = try await house.send("GET", "/health/ingest").json["jobs"]?.arrayValue?.first
            #expect(
                second?["job"] == .string("live_positions") && second?["rows_24h"] == .number(2), "\(second as Any)")
            #expect(second?["runs_24h"] == .number(2) && second?["ok_age_s"] == .number(0))
            #expect(second?["last_ok"] == .string("2023-11-14T22:15:20.000Z") && second?["last_error"] == .null)
            #expect((second?["p95_ms"]?.numberValue ?? -1) >= 0)
        }
    }

    @Test("Without a run that went well for 300 s the ingest is not well")
    func illness() {
        let start = Timestamp(seconds: 1_700_000_000)
        var runs = IngestRuns()
        #expect(!runs.isHealthy(at: start))
        runs.note(at: start, milliseconds: 5, rows: 7)
        runs.note(failure: "the disk is away", at: start.advanced(bySeconds: 10))
        #expect(runs.isHealthy(at: start.advanced(bySeconds: 300.9)))
        #expect(!runs.isHealthy(at: start.advanced(bySeconds: 301)))
        var writer = JSONWriter()
        runs.write(at: start.advanced(bySeconds: 301), to: &writer)
        #expect(
            writer.text
                == "{\"job\":\"live_positions\",\"last_ok\":\"2023-11-14T22:13:20.000Z\",\"ok_age_s\":301,"
                + "\"last_run\":\"2023-11-14T22:13:30.000Z\",\"runs_24h\":1,\"failures_24h\":1,\"rows_24h\":7,"
                + "\"p95_ms\":5,\"last_error\":\"the disk is away\"}")
        for minute in 0..<3_000 {
            let moment = start.advanced(bySeconds: Double(minute) * 60)
            runs.note(at: moment, milliseconds: Double(minute % 100), rows: 1)
        }
        var day = JSONWriter()
        runs.write(at: start.advanced(bySeconds: 3_000 * 60), to: &day)
        #expect(day.text.contains("\"runs_24h\":1441,\"failures_24h\":0,\"rows_24h\":1441"), "\(day.text)")
    }
}
