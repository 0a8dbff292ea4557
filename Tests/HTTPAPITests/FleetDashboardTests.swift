import Foundation
import PrimaryStore
import Publishing
import SeededRandom
import Telemetry
import Testing

@testable import HTTPAPI

/// The dashboard's trips from the engine's own store.
@Suite("Fleet trips of the engine")
struct FleetDashboardTests {
    /// Now is 2023-11-15 01:13:20 in Nairobi.
    static let hour = 3600.0

    private static func trips(_ house: TestHouse, _ body: String = "{}") async throws -> JSONValue {
        let response = try await house.send("POST", "/webhook/fleet-dashboard", body)
        #expect(response.status == 200, "\(response)")
        return response.json
    }

    private static func ids(_ answer: JSONValue) -> [Int64] { answer.features.compactMap { $0["id"]?.integerValue } }

    @Test("A trip is an interval with the counters of its role; what has no counter is null")
    func shape() async throws {
        try await TestHouse.open { house in
            let id = try await house.vehicle(
                "860001",
                """
                {"vehicle_number":"KDA 001A","driver_name":"Bo","cost_centre":"CC-1","assigned_city":"Nairobi"}
                """)
            let calculator = try await house.tripCalculator([id])
            try await house.push(
                calculator, id,
                [
                    (
                        3600, 1290.5,
                        [
                            ("distance", .number(30.416783936811076)), ("max.speed", .number(92.1)),
                            ("standing.duration", .number(10.5)), ("begin.latitude", .number(-1.2)),
                            ("begin.longitude", .number(36.8)), ("end.latitude", .number(-1.3)),
                            ("end.longitude", .number(36.9)), ("end.address", .string("Moi Avenue")),
                        ]
                    ), (600, 0, [("speed.max", .boolean(true)), ("mileage", .null)]),
                    (500, 500, [("distance", .number(7))]),
                ])
            let number = id * 1_000_000_000
            let body = try await house.send("GET", "/webhook/fleet-dashboard").body
            let expected = """
                {"range":{"start":"2023-11-15","end":"2023-11-15","tz":"Africa/Nairobi"},"summary":{"trips":2,\
                "vehicles":1,"drivers":1,"distance_km":30.417,"drive_s":2910,"idle_s":10,"max_speed_kmh":92.1},\
                "geojson":{"type":"FeatureCollection","features":[{"type":"Feature","id":\(number + 1),"geometry":\
                {"type":"LineString","coordinates":[[36.8,-1.2],[36.9,-1.3]]},"properties":{"trip_id":\(number + 1),\
                "imei":"860001","vehicle_number":"KDA 001A","driver_name":"Bo","cost_centre":"CC-1",\
                "assigned_city":"Nairobi","trip_date":"2023-11-15","start_time":"2023-11-14T21:13:20.000Z",\
                "end_time":"2023-11-14T21:51:49.500Z","is_active":false,"duration_s":2310,"idle_s":10,\
                "distance_km":30.416783936811076,"avg_speed_kmh":\(30.416783936811076 / 2309.5 * 3600),\
                "max_speed_kmh":92.1,"start_address":null,"end_address":"Moi Avenue"}},{"type":"Feature",\
                "id":\(number + 2),"geometry":null,"properties":{"trip_id":\(number + 2),"imei":"860001",\
                "vehicle_number":"KDA 001A","driver_name":"Bo","cost_centre":"CC-1","assigned_city":"Nairobi",\
                "trip_date":"2023-11-15","start_time":"2023-11-14T22:03:20.000Z",\
                "end_time":"2023-11-14T22:13:20.000Z","is_active":true,"duration_s":600,"idle_s":null,\
                "distance_km":null,"avg_speed_kmh":null,"max_speed_kmh":1,"start_address":null,"end_address":null}}]},\
                "filters":{"vehicles":[{"vehicle_number":"KDA 001A","cost_centre":"CC-1","assigned_city":"Nairobi",\
                "trips":2,"last_trip_date":"2023-11-15"}],"drivers":[{"driver_name":"Bo","trips":2,"vehicles":1}],\
                "cost_centres":[{"cost_centre":"CC-1","trips":2,"vehicles":1}],"cities":[{"city":"Nairobi","trips":2,\
                "vehicles":1}]}}
                """
            #expect(body == expected)
        }
    }

    @Test("Days are those of the business; filters choose by label, plate or ident, and their lists tell of all trips")
    func choice() async throws {
        try await TestHouse.open { house in
            let first = try await house.vehicle(
                "1", "{\"vehicle_number\":\"KDA 1\",\"driver_name\":\"Bo\",\"cost_centre\":\"N\"}")
            let second = try await house.vehicle("2", "{\"vehicle_number\":\"KDB 2\",\"assigned_city\":\"Kampala\"}")
            let third = try await house.vehicle("3", "{\"vehicle_number\":\"kdb-2\",\"cost_centre\":\"M\"}")
            _ = try await house.vehicle("4", "{\"driver_name\":\"nobody drives\"}")
            let calculator = try await house.tripCalculator([first, second, third])
            let hour = Self.hour
            // Midnight in Nairobi was 1.22 hours ago.
            for device in [third, second, first] {
                try await house.push(
                    calculator, device,
                    [
                        (hour, hour / 2, [("distance", .number(1.0005))]),
                        (2 * hour, hour, [("distance", .number(2))]), (30 * hour, 29 * hour, []),
                    ])
            }
            func number(_ device: Int64, _ interval: Int64) -> Int64 { device * 1_000_000_000 + interval }
            func chosen(_ body: String) async throws -> [Int64] { Self.ids(try await Self.trips(house, body)) }
            #expect(try await chosen("{}") == [number(first, 1), number(second, 1), number(third, 1)])
            #expect(
                try await chosen("{\"start_date\":\"2023-11-14\"}")
                    == [number(first, 2), number(second, 2), number(third, 2)])
            #expect(
                try await chosen(
                    "{\"start_date\":\"2023-11-13\",\"end_date\":\"2023-11-15\",\"vehicle_numbers\":\"kda1\"}")
                    == [number(first, 3), number(first, 2), number(first, 1)])
            #expect(try await chosen("{\"vehicle_numbers\":[\"KDB2\"]}") == [number(second, 1), number(third, 1)])
            #expect(try await chosen("{\"vehicle_numbers\":[\" 3 \",\"nothing\"]}") == [number(third, 1)])
            #expect(try await chosen("{\"vehicle_numbers\":[\"--\"]}") == [])
            #expect(try await chosen("{\"driver\":\"Unassigned\",\"cost_centre\":\"M\"}") == [number(third, 1)])
            #expect(try await chosen("{\"driver\":\"Bo\"}") == [number(first, 1)])
            #expect(try await chosen("{\"city\":\"Kampala\"}") == [number(second, 1)])
            let one = try await Self.trips(house, "{\"city\":\"Kampala\"}")
            let filters = """
                {"vehicles":[{"vehicle_number":"KDA 1","cost_centre":"N","assigned_city":"Unassigned","trips":3,\
                "last_trip_date":"2023-11-15"},{"vehicle_number":"KDB 2","cost_centre":"Unassigned",\
                "assigned_city":"Kampala","trips":3,"last_trip_date":"2023-11-15"},{"vehicle_number":"kdb-2",\
                "cost_centre":"M","assigned_city":"Unassigned","trips":3,"last_trip_date":"2023-11-15"}],\
                "drivers":[{"driver_name":"Bo","trips":3,"vehicles":1},{"driver_name":"Unassigned","trips":6,\
                "vehicles":1}],"cost_centres":[{"cost_centre":"M","trips":3,"vehicles":1},{"cost_centre":"N",\
                "trips":3,"vehicles":1},{"cost_centre":"Unassigned","trips":3,"vehicles":1}],"cities":[\
                {"city":"Kampala","trips":3,"vehicles":1},{"city":"Unassigned","trips":6,"vehicles":2}]}
                """
            #expect(one["filters"]?.text == filters)
            #expect(
                one["summary"]?.text
                    == "{\"trips\":1,\"vehicles\":1,\"drivers\":0,\"distance_km\":1.001,\"drive_s\":1800,\"idle_s\":0,"
                    + "\"max_speed_kmh\":null}", "the driver called Unassigned is none")
        }
    }

    @Test("Yesterday's trip keeps yesterday's driver; the first driver of all counts for the time before")
    func drivers() async throws {
        try await TestHouse.open { house in
            let id = try await house.vehicle("1", "{\"driver_name\":\"Amina\"}")
            let calculator = try await house.tripCalculator([id])
            try await house.push(calculator, id, [(3600, 3000, []), (600, 500, [])])
            house.clock.advance(seconds: 60)
            for name in ["\"Bo\"", "\"  \"", "\"Amina\""] {
                let response = try await house.send(
                    "PATCH", "/gw/devices/\(id)", "{\"metadata\":{\"driver_name\":\(name)}}")
                #expect(response.status == 200, "\(response)")
                try await house.push(calculator, id, [(-10, -20, [])])
                house.clock.advance(seconds: 60)
            }
            let answer = try await Self.trips(house)
            let names = answer.features.compactMap { $0["properties"]?["driver_name"]?.stringValue }
            #expect(names == ["Amina", "Amina", "Bo", "Unassigned", "Amina"])
            #expect(
                answer["filters"]?["drivers"]?.text
                    == "[{\"driver_name\":\"Amina\",\"trips\":3,\"vehicles\":1},{\"driver_name\":\"Bo\",\"trips\":1,"
                    + "\"vehicles\":1},{\"driver_name\":\"Unassigned\",\"trips\":1,\"vehicles\":1}]")
            #expect(answer["summary"]?["drivers"] == .number(2))
        }
    }

    @Test(
        "The trips follow every change of the intervals, of roles and of counters' names", arguments: [250_000, 2, 0])
    func following(tripsHeldMax: Int) async throws {
        var fleet = FleetOptions()
        fleet.tripsHeldMax = tripsHeldMax
        try await TestHouse.open(fleet: fleet) { house in
            let id = try await house.vehicle("1")
            let calculator = try await house.tripCalculator([id])
            func kilometres() async throws -> [Double?] {
                try await Self.trips(house).features.map { $0["properties"]?["distance_km"]?.numberValue }
            }
            #expect(try await kilometres() == [])
            let ids = try await house.push(
                calculator, id,
                [
                    (900, 800, [("distance", .number(1))]), (700, 600, [("distance", .number(2))]),
                    (500, 400, [("distance", .number(3)), ("own", .number(33))]),
                ])
            #expect(try await kilometres() == [1, 2, 3])
            try await house.push(calculator, id, [(700, 550, [("distance", .number(9))])], ids: [ids[1]])
            #expect(try await kilometres() == [1, 9, 3], "updated")
            try await house.push(calculator, id, [(300, 200, [("distance", .number(4))])], deleting: [ids[0]])
            #expect(try await kilometres() == [9, 3, 4], "deleted and created")
            let named = try await house.send(
                "PATCH", "/gw/calcs/\(calculator)",
                "{\"metadata\":{\"report\":\"trips\",\"report_counters\":{\"distance_km\":\"own\"}}}")
            #expect(named.status == 200, "\(named)")
            #expect(try await kilometres() == [9, 33, 4], "a name of its own goes before the known ones")
            let other = try await house.tripCalculator([id], name: "Later")
            try await house.push(other, id, [(100, 50, [("distance", .number(7))])])
            #expect(try await kilometres() == [9, 33, 4], "the calculator with the least id fills the role")
            let ended = try await house.send("DELETE", "/gw/calcs/\(calculator)/devices/\(id)?confirm=intervals")
            #expect(ended.status == 200, "\(ended)")
            #expect(try await kilometres() == [7])
            #expect(try await house.send("DELETE", "/gw/devices/\(id)").status == 200)
            let answer = try await Self.trips(house)
            #expect(answer.features.isEmpty && answer["filters"]?["vehicles"] == .array([]))
            let held = (house.api.fleetReports as? EngineFleetReports)?.trips.count
            #expect(held == 0)
        }
    }

    @Test("Random changes leave the same trips as reading all anew", arguments: 0..<8)
    func followingAtRandom(seed: UInt64) async throws {
        try await TestHouse.open { house in
            var generator = SeededGenerator(seed: seed)
            let devices = [try await house.vehicle("1"), try await house.vehicle("2"), try await house.vehicle("3")]
            let calculator = try await house.tripCalculator(devices)
            var held: [Int64: Set<Int64>] = [:]
            var count = 0.0
            for _ in 0..<25 {
                let device = devices.randomElement(using: &generator) ?? 0
                let gone = held[device, default: []].filter { _ in Double.random(in: 0..<1, using: &generator) < 0.2 }
                let stays = held[device, default: []].subtracting(gone)
                let changed = stays.filter { _ in Double.random(in: 0..<1, using: &generator) < 0.3 }.sorted()
                let ids: [Int64?] = changed + [Int64?](repeating: nil, count: .random(in: 0...3, using: &generator))
                let trips = ids.map { _ in
                    // No two begin together: by that an interval is known.
                    count += 1
                    let begin = Double.random(in: 100...4_000, using: &generator).rounded() + count / 1_000
                    return (begin, begin - 50, [("distance", Value.number(begin / 7))])
                }
                let written = try await house.push(calculator, device, trips, ids: ids, deleting: gone.sorted())
                held[device] = stays.union(written)
                if Bool.random(using: &generator) {
                    let followed = try house.api.fleetReports.dashboard(DashboardQuery())
                    let anew = try await house.restarted().fleetReports.dashboard(DashboardQuery())
                    let texts = [followed, anew].map { String(decoding: $0.json, as: UTF8.self) }
                    #expect(texts[0] == texts[1], "seed \(seed)")
                }
            }
            let all = try house.api.fleetReports.dashboard(DashboardQuery())
            let features = (try JSONValue(parsing: all.json)).features
            #expect(features.count == held.values.reduce(0) { $0 + $1.count }, "seed \(seed)")
        }
    }

    @Test("Where no calculator says trips, those are the intervals of the one named Trips")
    func roles() async throws {
        try await TestHouse.open { house in
            let id = try await house.vehicle("1")
            let plain = try await house.calculator(
                TestHouse.trips.replacingOccurrences(of: "\"trips\"", with: "\" TRIPS \""))
            #expect(try await house.send("POST", "/gw/calcs/\(plain)/devices/\(id)").status == 200)
            try await house.push(CalculatorID(plain), id, [(60, 30, [])])
            #expect(try await Self.trips(house).features.count == 1)
            _ = try await house.tripCalculator([])
            #expect(try await Self.trips(house).features.isEmpty, "another has the role")
        }
    }

    @Test("The way of a trip is its fixes, simplified; a trip without a way keeps its straight line")
    func paths() async throws {
        try await TestHouse.open { house in
            let id = try await house.vehicle("1")
            let calculator = try await house.tripCalculator([id])
            let ends: [(String, Value)] = [
                ("begin.latitude", .number(1)), ("begin.longitude", .number(36)), ("end.latitude", .number(1.02)),
                ("end.longitude", .number(36.02)),
            ]
            let trips = try await house.push(calculator, id, [(600, 400, ends), (300, 200, ends)])
            var messages: [(ago: Double, fields: String)] = (0...10).map { step in
                (600 - Double(step) * 10, TestHouse.fix(1, 36 + Double(step) * 0.001, speed: 40))
            }
            messages += (1...10).map { step in
                (500 - Double(step) * 10, TestHouse.fix(1 + Double(step) * 0.001, 36.01, speed: 40))
            }
            messages += [(601, TestHouse.fix(5, 5, speed: 1)), (399, TestHouse.fix(5, 5, speed: 1))]
            try await house.say(id, messages)
            let number = id * 1_000_000_000 + trips[0]
            let path = try await house.send("GET", "/webhook/fleet-dashboard/path?trip_id=\(number)")
            #expect(
                path.body
                    == "{\"trip_id\":\(number),\"points\":21,\"geojson\":{\"type\":\"FeatureCollection\",\"features\":["
                    + "{\"type\":\"Feature\",\"id\":\(number),\"geometry\":{\"type\":\"LineString\",\"coordinates\":"
                    + "[[36,1],[36.01,1],[36.01,1.01]]},\"properties\":{\"kind\":\"path\",\"times\":["
                    + "\"2023-11-14T22:03:20.000Z\",\"2023-11-14T22:05:00.000Z\",\"2023-11-14T22:06:40.000Z\"]}}]}}",
                "\(path)")
            let wayless = try await house.send("GET", "/webhook/fleet-dashboard/path?trip_id=\(number + 1)")
            #expect(wayless.status == 200 && wayless.json["points"] == .number(0) && wayless.json.features.isEmpty)
            for unknown in ["\(number + 9)", "\(number + 1_000_000_000)", "5", "-1", "0"] {
                let response = try await house.send("GET", "/webhook/fleet-dashboard/path?trip_id=\(unknown)")
                #expect(response.status == 404, "\(response)")
            }
            let lines = try await Self.trips(house, "{\"include_path\":true}").features.map {
                $0["geometry"]?["coordinates"]?.text
            }
            #expect(lines == ["[[36,1],[36.01,1],[36.01,1.01]]", "[[36,1],[36.02,1.02]]"])
        }
    }

    @Test("More trips than one answer holds are refused with what to ask for instead")
    func tooMany() async throws {
        try await TestHouse.open { house in
            let id = try await house.vehicle("1")
            let calculator = try await house.tripCalculator([id])
            let seconds = (0...50).map { Double($0) * 20 + 10 }
            try await house.push(calculator, id, seconds.map { ($0, $0 - 5, []) })
            let paths = try await house.send("POST", "/webhook/fleet-dashboard", "{\"include_path\":true}")
            #expect(paths.status == 413 && paths.json["error"]?["code"] == .string("too_large"), "\(paths)")
            #expect(try await Self.trips(house).features.count == 51)
            let many = (0..<19_950).map { Double($0) * 0.1 + 1_100 }
            try await house.push(calculator, id, many.map { ($0, $0 - 0.05, []) })
            let refused = try await house.send("POST", "/webhook/fleet-dashboard", "{}")
            #expect(
                refused.status == 413
                    && refused.json["error"]?["message"]?.stringValue?.hasPrefix("more than 20000 trips: ask") == true,
                "\(refused)")
            let narrowed = try await Self.trips(house, "{\"cost_centre\":\"none\"}")
            #expect(narrowed.features.isEmpty && narrowed["filters"]?["cities"]?.text.contains("20001") == true)
        }
    }
}
