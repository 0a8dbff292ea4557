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
}
