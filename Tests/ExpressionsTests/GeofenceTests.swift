import Expressions
import Telemetry
import Testing

@Suite("Geofences")
struct GeofenceTests {
    static func geofence(_ json: String, id: Int64 = 0) throws -> Geofence {
        try Geofence(JSONValue(parsing: json), id: id)
    }

    static let circle = #"{"name":"c","type":"circle","center":{"lat":10,"lon":20},"radius":5}"#

    @Test("an entity and the same in one line are read alike")
    func forms() throws {
        let entity = #"""
            {"name":"c","priority":7,"cid":3,"metadata":{"zone_type":"PAD","a.b":[1,{"k":2}]},
             "geometry":{"type":"circle","center":{"lat":10,"lon":20},"radius":5}}
            """#
        let first = try Self.geofence(entity, id: 12)
        let second = try Self.geofence(Self.circle)
        #expect(first.shape == second.shape && first.name == second.name)
        #expect(first.priority == 7 && second.priority == 0 && first.id == 12 && second.id == 0)
        let expected: [(String, Value)] = [
            ("name", .string("c")), ("id", .number(12)), ("priority", .number(7)), ("cid", .number(3)),
            ("metadata.zone_type", .string("PAD")), ("metadata.none", .null), ("none.at.all", .null),
            ("metadata", .json(#"{"zone_type":"PAD","a.b":[1,{"k":2}]}"#)), ("/metadata/a.b/1/k", .number(2)),
            ("geometry.center.lat", .number(10)), ("name.x", .null),
        ]
        for (path, value) in expected { #expect(first.field(path) == value, "\(path)") }
        #expect(second.field("id") == .null && second.field("priority") == .null)
    }

    @Test(
        "what is no geofence is refused with its path and the mend",
        arguments: [
            ("5", "", "must be an object"), ("{}", "name", "missing"), (#"{"name":5}"#, "name", "must be a string"),
            (#"{"name":""}"#, "name", "1 to 256"), (#"{"name":"a"}"#, "type", "one of circle"),
            (#"{"name":"a","priority":-1}"#, "priority", "0 to 100"),
            (#"{"name":"a","priority":"5"}"#, "priority", "0 to 100"),
            (#"{"name":"a","type":"cirle"}"#, "type", "did you mean \"circle\""),
            (#"{"name":"a","type":"square"}"#, "type", "none of circle, polygon, corridor"),
            (#"{"name":"a","type":"circle"}"#, "center", "missing"),
            (#"{"name":"a","type":"circle","center":5}"#, "center", "must be an object"),
            (#"{"name":"a","type":"circle","center":{"lat":91,"lon":0}}"#, "center.lat", "-90 to 90"),
            (#"{"name":"a","type":"circle","center":{"lat":1}}"#, "center.lon", "-180 to 180"),
            (#"{"name":"a","type":"circle","center":{"lat":1,"lon":181}}"#, "center.lon", "-180 to 180"),
            (#"{"name":"a","type":"circle","center":{"lat":1,"lng":1}}"#, "center.lng", "lat and lon only"),
            (#"{"name":"a","type":"circle","center":{"lat":1,"lon":1}}"#, "radius", "above 0"),
            (#"{"name":"a","type":"circle","center":{"lat":1,"lon":1},"radius":0}"#, "radius", "above 0"),
            (#"{"name":"a","type":"circle","center":{"lat":1,"lon":1},"radius":1e9}"#, "radius", "at most 20038"),
            (#"{"name":"a","type":"circle","raduis":1}"#, "raduis", "did you mean \"radius\""),
            (#"{"name":"a","geometry":[]}"#, "geometry", "must be an object"),
            (#"{"name":"a","geometry":{"type":"circle","colour":1}}"#, "geometry.colour", "no such field"),
            (
                #"{"name":"a","geometry":{"type":"polygon","path":[{"lat":0,"lon":0},{"lat":0,"lon":1}]}}"#,
                "geometry.path", "3 to 1024 points, not 2"
            ),
            (#"{"name":"a","geometry":{"type":"polygon"}}"#, "geometry.path", "array of points"),
            (
                #"{"name":"a","type":"corridor","path":[{"lat":0,"lon":0},{"lat":0,"lon":"1"}]}"#, "path[1].lon",
                "-360 to 360"
            ),
            (#"{"name":"a","type":"corridor","path":[{"lat":0,"lon":0},{"lat":0,"lon":1}]}"#, "width", "above 0"),
        ])
    func refusals(_ json: String, _ path: String, _ reason: String) {
        let error = #expect(throws: GeofenceError.self) { try Self.geofence(json) }
        #expect(error?.path == path && error?.reason.contains(reason) ?? false, "\(error?.description ?? "")")
    }

    @Test("a path has 1,024 points at most")
    func pathLimit() throws {
        func polygon(_ count: Int) -> String {
            let points = (0..<count).map { "{\"lat\":\($0 % 90),\"lon\":\($0 / 90)}" }.joined(separator: ",")
            return "{\"name\":\"p\",\"type\":\"polygon\",\"path\":[\(points)]}"
        }
        _ = try Self.geofence(polygon(Geofence.pathMax))
        #expect(throws: GeofenceError.self) { try Self.geofence(polygon(Geofence.pathMax + 1)) }
    }

    @Test(
        "circles, polygons and corridors contain what lies in them",
        arguments: [
            (circle, [(10, 20), (10.0449, 20), (10, 20.0456)], [(10.045, 20), (10, 20.0458), (0, 0)]),
            (
                #"{"name":"p","type":"polygon","path":[{"lat":0,"lon":0},{"lat":0,"lon":2},{"lat":2,"lon":2},{"lat":2,"lon":1},{"lat":1,"lon":1},{"lat":1,"lon":0}]}"#,
                [(0.5, 0.5), (0.5, 1.5), (1.5, 1.5)], [(1.5, 0.5), (-0.1, 1), (1, 2.1), (2.1, 1.5), (0.5, -0.1)]
            ),
            (
                #"{"name":"k","type":"corridor","path":[{"lat":0,"lon":0},{"lat":0,"lon":1},{"lat":1,"lon":1}],"width":2}"#,
                [(0.008, 0.5), (-0.008, 0.5), (0, -0.008), (0.5, 1.008), (1.008, 1), (0.006, 0.994)],
                [(0.01, 0.5), (0, -0.01), (0.5, 0.98), (1.01, 1), (0.5, 0.5)]
            ),
            (
                #"{"name":"across","type":"circle","center":{"lat":0,"lon":179.99},"radius":5}"#,
                [(0, -179.99), (0, 180), (0, -180)], [(0, -179.9), (0, 179.9)]
            ),
            (
                #"{"name":"beyond","type":"polygon","path":[{"lat":-1,"lon":179},{"lat":-1,"lon":181},{"lat":1,"lon":181},{"lat":1,"lon":179}]}"#,
                [(0, 179.5), (0, 180), (0, -180), (0, -179.5)], [(0, 178.9), (0, -178.9), (0, 0), (2, 180)]
            ),
            (
                #"{"name":"west","type":"corridor","width":10,"path":[{"lat":-1,"lon":-179},{"lat":-1,"lon":-181}]}"#,
                [(-1, 179.5), (-1, -179.5), (-1.04, 180)], [(-1.05, 180), (-1, 178.9), (-1, -178.9)]
            ),
            (
                #"{"name":"pole","type":"circle","center":{"lat":89.99,"lon":0},"radius":5}"#,
                [(90, 77), (89.99, 180), (89.99, 0)], [(89.9, 0), (89.96, 180)]
            ),
        ] as [(String, [(Double, Double)], [(Double, Double)])])
    func containing(_ json: String, _ inside: [(Double, Double)], _ outside: [(Double, Double)]) throws {
        let geofence = try Self.geofence(json)
        let set = GeofenceSet([geofence])
        for (latitude, longitude) in inside {
            #expect(geofence.contains(latitude: latitude, longitude: longitude), "\(latitude) \(longitude)")
            #expect(set.containing(latitude: latitude, longitude: longitude) == [0], "\(latitude) \(longitude)")
        }
        for (latitude, longitude) in outside {
            #expect(!geofence.contains(latitude: latitude, longitude: longitude), "\(latitude) \(longitude)")
            #expect(set.first(latitude: latitude, longitude: longitude) == nil, "\(latitude) \(longitude)")
        }
    }

    @Test("a place that cannot be is in no geofence")
    func impossible() throws {
        let world = try Self.geofence(#"{"name":"w","type":"circle","center":{"lat":0,"lon":0},"radius":20038}"#)
        #expect(world.contains(latitude: -90, longitude: 180))
        for (latitude, longitude) in [(91.0, 0.0), (0, 1555.6), (.nan, 0), (0, .infinity)] {
            #expect(!world.contains(latitude: latitude, longitude: longitude))
            #expect(GeofenceSet([world]).containing(latitude: latitude, longitude: longitude).isEmpty)
        }
    }

    @Test("the greatest priority comes first, equals as listed; one that is not enabled never")
    func order() throws {
        func circle(_ name: String, _ priority: Int, _ radius: Int, _ more: String = "") throws -> Geofence {
            try Self.geofence(
                #"{"name":"\#(name)","priority":\#(priority),"type":"circle","center":{"lat":0,"lon":0},"radius":\#(radius)\#(more)}"#
            )
        }
        let set = GeofenceSet([
            try circle("a", 1, 9), try circle("b", 5, 3), try circle("c", 5, 9), try circle("d", 0, 9),
            try circle("e", 99, 9, ",\"enabled\":false"),
        ])
        #expect(set.containing(latitude: 0, longitude: 0) == [1, 2, 0, 3])
        #expect(set.containing(latitude: 0, longitude: 0.05) == [2, 0, 3])
        #expect(set.first(latitude: 0, longitude: 0) == 1 && set.first(latitude: 1, longitude: 0) == nil)
    }

    @Test("the digest tells apart whatever a result may depend on")
    func digest() throws {
        let variants = [
            [], [Self.circle], [Self.circle, Self.circle],
            [Self.circle.replacing("\"c\"", with: "\"d\"")], [Self.circle.replacing("5}", with: "5.1}")],
            [Self.circle.replacing("20}", with: "21}")], [Self.circle.replacing("5}", with: "5,\"priority\":1}")],
            [Self.circle.replacing("5}", with: "5,\"metadata\":{\"a\":1}}")],
        ]
        let sets = try variants.map { GeofenceSet(try $0.map { try Self.geofence($0) }) }
        let digests = sets.map(\.digest) + [GeofenceSet([try Self.geofence(Self.circle, id: 4)]).digest]
        #expect(Set(digests).count == digests.count)
        #expect(GeofenceSet([try Self.geofence(Self.circle)]).digest == sets[1].digest)
    }

    private static let assigned = #"""
        [{"name":"town","priority":1,"type":"circle","center":{"lat":0,"lon":0},"radius":50,"metadata":{"zone":"T"}},
         {"name":"yard","priority":9,"type":"circle","center":{"lat":0,"lon":0},"radius":1,"metadata":{"zone":1}}]
        """#
    private static let messages = #"""
        [{"position.latitude":0,"position.longitude":0,"f":"name"},{"position.latitude":0,"position.longitude":0.1},
         {"position.latitude":0,"position.longitude":0.2,"f":5},{"position.latitude":5,"position.longitude":0,"f":"x"},
         {},{"position.latitude":0,"position.longitude":0,"position.valid":false}]
        """#

    @Test(
        "geofence() and geofences() look at the position of each message and are errors without a valid one",
        arguments: [
            ("geofence()", #"["yard","town","town",null,"!","!"]"#),
            ("geofence('metadata.zone')", #"[1,"T","T",null,"!","!"]"#),
            ("geofence('none')", #"[null,null,null,null,"!","!"]"#),
            ("geofences()", #"[["yard","town"],["town"],["town"],[],"!","!"]"#),
            ("geofences('metadata.zone')", #"[[1,"T"],["T"],["T"],[],"!","!"]"#),
            ("geofences('none')", "[[null,null],[null],[null],[],\"!\",\"!\"]"),
            ("geofence(f)", #"["yard","!","!",null,"!","!"]"#),
            ("geofences(f)", #"[["yard","town"],"!","!",[],"!","!"]"#),
            ("geofence() + geofence('metadata.zone')", #"["yard1","townT","townT",0,"!","!"]"#),
            ("geofence() == null", #"[false,false,false,true,"!","!"]"#),
            ("json_array_contains(geofences(), 'yard')", #"[true,false,false,false,"!","!"]"#),
        ])
    func functions(_ source: String, _ expected: String) throws {
        let trial = try Trial(source, Self.messages, geofences: Self.assigned)
        #expect(try trial.results == Trial.expected(expected))
        #expect(try trial.resultsApart() == Trial.expected(expected))
        #expect(trial.program.readsGeofences)
        let fifth = trial.program.explain(trial.column, row: 5)
        #expect(fifth == nil || fifth?.reason.contains("no valid position") ?? false || source.contains("(f)"))
    }

    @Test("a program that asks for no geofence says so")
    func reads() throws {
        #expect(try !Trial("position.latitude").program.readsGeofences)
        #expect(throws: ExpressionError.self) { try Trial("geofence()", scope: .interval) }
    }
}
