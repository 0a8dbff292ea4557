import Foundation
import ReferenceEvaluator
import Testing

@Suite("Geofences of the reference evaluator")
struct GeofenceTests {
    /// Two circles, the second one first in rank, a square further east and a corridor.
    private let geofences = #"""
        [{"name":"a","priority":1,"type":"circle","center":{"lat":0,"lon":0},"radius":1},
         {"name":"b","priority":2,"type":"circle","center":{"lat":0,"lon":0.01},"radius":0.5},
         {"name":"c","type":"polygon",
          "path":[{"lat":-1,"lon":1},{"lat":1,"lon":1},{"lat":1,"lon":2},{"lat":-1,"lon":2}]},
         {"name":"d","type":"corridor","path":[{"lat":0,"lon":5},{"lat":0,"lon":6}],"width":10}]
        """#

    private func drive(_ longitudes: [Double?]) -> [RefMessage] {
        longitudes.enumerated().map { index, longitude in
            guard let longitude else { return Fixtures.message(Double(index)) }
            return Fixtures.message(
                Double(index), ["position.latitude": .number(0.001), "position.longitude": .number(longitude)])
        }
    }

    private func visits(_ options: String, _ longitudes: [Double?]) throws -> [String] {
        let json = #"""
            {"selectors":[{"type":"geofence","geofences":\#(geofences)\#(options)}],
             "counters":[{"name":"place","type":"geofence"}]}
            """#
        return try Fixtures.evaluate(json, drive(longitudes)).map { interval in
            let borders = Fixtures.borders(interval).map { String(Int($0)) }.joined(separator: "-")
            if case .string(let name)? = interval["place"] { return name + borders }
            return borders
        }
    }

    @Test("another geofence begins another interval, the greater priority counts")
    func change() throws {
        #expect(try visits("", [0, 0.002, 0.007, 0.01, 0.5, 1.5, 1.6, 3]) == ["a0-1", "b2-3", "c5-6"])
        #expect(try visits("", [4.9, 5.1, 5.2, 6.2]) == ["d1-2"])
    }

    @Test("a message without a valid position is unknown")
    func unknown() throws {
        #expect(try visits("", [0, 0.001, nil, 0, 0.001]) == ["a0-1", "a3-4"])
        #expect(try visits(#","merge_unknown":true"#, [0, 0.001, nil, 0, 0.001]) == ["a0-4"])
    }

    @Test("invert selects what is outside all of them")
    func invert() throws {
        #expect(try visits(#","invert":true"#, [0.5, 0.6, 1.5, 3, nil, 3, 3.1]) == ["0-1", "5-6"])
    }

    @Test("a geofence is another than the last known one whatever lies between")
    func remembered() throws {
        #expect(try visits(#","max_inactive":10"#, [0, 0.002, 0.5, 0.001, 0]) == ["a0-4"])
        #expect(try visits(#","max_inactive":10"#, [0, 0.002, 0.5, 1.5, 1.6]) == ["a0-1", "c3-4"])
    }

    @Test("with crossing, a leg that touches a geofence counts as inside the first of them")
    func crossing() throws {
        let alone = #","crossing":true,"min_active":0"#
        #expect(try visits(alone, [-0.5, 0.5, 0.6]) == ["b1-1"])
        #expect(try visits(#","min_active":0"#, [-0.5, 0.5, 0.6]) == [])
        #expect(try visits(alone, [0.5, 0.9, 2.1, 2.2]) == ["c2-2"])
        #expect(try visits(alone, [4.5, 6.5, 7]) == ["d1-1"])
        // The leg that leaves touches what it leaves, and what lies behind.
        #expect(try visits(alone, [0.01, 0.5, 0.6]) == ["b0-1"])
        #expect(try visits(alone, [-0.5, 0, 0.5, 0.6]) == ["a1-1", "b2-2"])
    }

    @Test("a leg begins at the last valid position, but never before a gap of the selector")
    func crossingLegs() throws {
        let alone = #","crossing":true,"min_active":0"#
        #expect(try visits(alone, [-0.5, nil, 0.5]) == ["b2-2"])
        #expect(try visits(alone + #","max_messages_time_diff":1"#, [-0.5, nil, 0.5]) == ["b2-2"])
        let json = #"""
            {"selectors":[{"type":"geofence","geofences":\#(geofences)\#(alone),"max_messages_time_diff":5}]}
            """#
        var far = drive([-0.5, 0.5])
        #expect(try Fixtures.evaluate(json, far).count == 1)
        far[1].timestampMicroseconds += 5_000_000
        #expect(try Fixtures.evaluate(json, far).isEmpty)
    }

    @Test("with crossing, the counter geofence names the one that the leg touched; invert selects the rest")
    func crossingInverted() throws {
        #expect(try visits(#","crossing":true,"invert":true"#, [-0.6, -0.5, 0.5, 0.6, 0.7]) == ["0-1", "3-4"])
    }

    @Test("without a geofence selector the counter names an assigned geofence")
    func assigned() throws {
        let json = #"{"selectors":[{"type":"datetime"}],"counters":[{"name":"place","type":"geofence"}]}"#
        func place(_ longitude: Double) throws -> RefValue? {
            let reference = try Reference(calculatorJSON: json, timeZone: .gmt, geofencesJSON: geofences)
            return reference.evaluate(drive([longitude]), nowMicroseconds: 2_000_000_000_000_000).first?["place"]
        }
        #expect(try place(0.01) == .string("b") && place(1.5) == .string("c") && place(3) == nil)
    }
}

@Suite("Distances and inactivity of the reference evaluator")
struct DistanceTests {
    private func metres(_ from: (Double, Double), _ to: (Double, Double), _ formula: String) throws -> Double {
        let text = "distance(\(from.0),\(from.1),\(to.0),\(to.1))"
        let options = #""method":"first","expression":"\#(text)""#
        let more = #","mileage_formula":"\#(formula)""#
        guard case .number(let metres)? = try Fixtures.counter("expression", options, [Fixtures.message(0)], more: more)
        else { return .nan }
        return metres
    }

    @Test("geodesic distances are those of published geodetic examples")
    func geodesic() throws {
        // One degree along the equator and from the equator to the pole, and Flinders Peak to Buninyong on WGS84.
        #expect(abs(try metres((0, 0), (0, 1), "geodesic") - 111_319.490_793_27) < 1e-5)
        #expect(abs(try metres((0, 0), (90, 0), "geodesic") - 10_001_965.729_3) < 1e-3)
        let flinders = (-37.951_033_416_666_67, 144.424_867_888_888_9)
        let buninyong = (-37.652_821_138_888_89, 143.926_495_527_777_8)
        #expect(abs(try metres(flinders, buninyong, "geodesic") - 54_972.271) < 2e-3)
        #expect(try metres((48.85, 2.35), (48.85, 2.35), "geodesic") == 0)
        #expect(abs(try metres((0, 0), (0, 1), "haversine") - 111_195.080_233) < 1e-3)
    }

    @Test("mileage and distance_to go by the calculator's formula too")
    func mileage() throws {
        func at(_ second: Double, _ longitude: Double) -> RefMessage {
            Fixtures.message(second, ["position.latitude": .number(0), "position.longitude": .number(longitude)])
        }
        for (formula, degree) in [("geodesic", 111.319_490_793), ("haversine", 111.195_080_233)] {
            let more = #","mileage_formula":"\#(formula)""#
            let options = #""method":"summary","expression":"mileage() + distance_to(0, 2) / 1000""#
            let value = try Fixtures.counter("expression", options, [at(0, 0), at(10, 1)], more: more)
            guard case .number(let sum)? = value else { return #expect(Bool(false)) }
            #expect(abs(sum - 4 * degree) < 1e-6)
        }
        #expect(throws: ReferenceError.self) { try metres((0, 0), (0, 1), "flat") }
    }

    @Test("inactive lies between the two messages around a gap, and over late messages")
    func inactive() throws {
        func borders(_ seconds: [Double], late: Set<Double> = [], now: Double) throws -> [[Double]] {
            let messages = seconds.map { second in
                var message = Fixtures.message(second)
                if late.contains(second) { message.acceptanceMicroseconds += 60_000_001 }
                return message
            }
            let json = #"{"selectors":[{"type":"inactive","delay_threshold":60}],"counters":[]}"#
            return try Fixtures.evaluate(json, messages, now: now).map {
                Fixtures.borders($0) + ($0.isActive ? [1] : [])
            }
        }
        #expect(try borders([0, 10, 100, 110, 111], now: 120) == [[10, 100]])
        #expect(try borders([0, 60, 120], now: 180) == [])
        #expect(try borders([0, 61, 122, 130], now: 140) == [[0, 122]])
        #expect(try borders([0, 10], now: 71) == [[10, 10, 1]])
        #expect(try borders([0, 10], now: 70) == [])
        #expect(try borders([0, 100], now: 110) == [[0, 100]])
        #expect(try borders([0, 100], now: 161) == [[0, 100, 1]])
        #expect(try borders([0, 10, 20, 30, 40], late: [10, 20], now: 50) == [[10, 20]])
        #expect(try borders([0, 10, 20, 100, 110], late: [10], now: 120) == [[10, 10], [20, 100]])
        #expect(throws: ReferenceError.self) {
            try Fixtures.evaluate(#"{"selectors":[{"type":"inactive"}]}"#, [])
        }
    }
}
