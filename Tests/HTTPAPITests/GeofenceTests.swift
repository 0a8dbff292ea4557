import PrimaryStore
import Telemetry
import Testing

@Suite("Geofences")
struct GeofenceTests {
    @Test("A geofence is created, read, replaced, merged and deleted")
    func life() async throws {
        try await TestHouse.open { house in
            let created = try await house.send("POST", "/gw/geofences", "[\(TestHouse.depot)]")
            let object = try #require(created.result.first, "\(created)")
            #expect(
                object.text == """
                    {"id":1,"name":"Depot","enabled":true,"priority":10,"geometry":{"type":"circle","center":\
                    {"lat":52.5,"lon":13.4},"radius":0.5},"metadata":{"zone_type":"depot"},"cid":0}
                    """)
            #expect(try await house.send("GET", "/gw/geofences/1").result == [object])
            #expect(try await house.send("PUT", "/gw/geofences/1", object.text).result == [object], "GET's own text")
            let revision = house.store.registryRevision
            let wider = try await house.send("PATCH", "/gw/geofences/1", "{\"geometry\":{\"radius\":2}}")
            #expect(wider.result.first?["geometry"]?["radius"] == .number(2), "\(wider)")
            #expect(wider.result.first?["geometry"]?["center"]?["lat"] == .number(52.5))
            #expect(house.store.registryRevision == revision + 1)
            let path = "[{\"lat\":1,\"lon\":1},{\"lat\":1,\"lon\":2},{\"lat\":2,\"lon\":2}]"
            let polygon = try await house.send(
                "PATCH", "/gw/geofences/1", "{\"geometry\":{\"type\":\"polygon\",\"path\":\(path)}}")
            #expect(
                polygon.result.first?["geometry"]?.text == "{\"type\":\"polygon\",\"path\":\(path)}",
                "another type keeps nothing of the one before")
            let disabled = try await house.send("PUT", "/gw/geofences/1?fields=enabled", "{\"enabled\":false}")
            #expect(disabled.body == "{\"result\":[{\"enabled\":false}]}")
            #expect(try await house.send("DELETE", "/gw/geofences/1").body == "{\"result\":[{\"id\":1}]}")
            #expect(try await house.send("GET", "/gw/geofences/1").status == 404)
            #expect(try house.store.registry().entities.isEmpty)
            #expect(try await house.send("POST", "/gw/geofences", TestHouse.depot).result.first?["id"] == .number(2))
        }
    }

    @Test(
        "A wrong geofence is refused with the path of what is wrong",
        arguments: [
            ("{\"geometry\":{}}", "name", "is missing"), ("{\"name\":\"\"}", "name", "is empty"),
            ("{\"name\":\"x\"}", "geometry", "is missing"), ("{\"name\":\"x\",\"geometry\":[]}", "geometry", "object"),
            ("{\"name\":\"x\",\"geometry\":{}}", "geometry.type", "circle, polygon, corridor"),
            ("{\"name\":\"x\",\"geometry\":{\"type\":\"circel\"}}", "geometry.type", "did you mean \"circle\"?"),
            (
                "{\"name\":\"x\",\"geometry\":{\"type\":\"circle\",\"center\":{\"lat\":91,\"lon\":0},\"radius\":1}}",
                "geometry.center.lat", "from -90 to 90"
            ),
            (
                "{\"name\":\"x\",\"geometry\":{\"type\":\"circle\",\"center\":{\"lat\":9,\"lon\":0},\"radius\":0}}",
                "geometry.radius", "above 0"
            ),
            (
                "{\"name\":\"x\",\"geometry\":{\"type\":\"polygon\",\"path\":[{\"lat\":9,\"lon\":0}]}}",
                "geometry.path", "3 to 1024"
            ),
            (
                """
                {"name":"x","geometry":{"type":"corridor","width":1,"path":[{"lat":9,"lon":0},{"lat":9}]}}
                """,
                "geometry.path[1].lon", "is missing: degrees"
            ),
            ("{\"name\":\"x\",\"priority\":101,\"geometry\":{}}", "priority", "from 0 to 100"),
            ("{\"name\":\"x\",\"enabled\":1,\"geometry\":{}}", "enabled", "must be true or false"),
            ("{\"name\":\"x\",\"prioritty\":1,\"geometry\":{}}", "prioritty", "did you mean \"priority\"?"),
            ("{\"name\":\"x\",\"metadata\":[],\"geometry\":{}}", "metadata", "must be an object"),
        ])
    func refused(body: String, path: String, reason: String) async throws {
        try await TestHouse.open { house in
            let response = try await house.send("POST", "/gw/geofences", "[\(body)]")
            #expect(response.status == 400 && response.errors.first?["path"] == .string("[0].\(path)"), "\(response)")
            #expect(response.reasons.contains(reason), "\(response)")
            #expect(try house.store.registry().entities.isEmpty)
        }
    }

    @Test("A hit test tells the enabled geofences around a position, the greatest priority first")
    func hits() async throws {
        try await TestHouse.open { house in
            _ = try await house.entity("geofences", TestHouse.depot)
            _ = try await house.entity("geofences", TestHouse.depot.replacingName("Depot", "Yard"))
            _ = try await house.entity(
                "geofences",
                """
                {"name":"City","priority":99.5,"geometry":{"type":"circle","center":{"lat":52.5,"lon":13.4},"radius":30}}
                """)
            _ = try await house.entity("geofences", TestHouse.depot.replacingName("Depot", "Closed"))
            _ = try await house.send("PUT", "/gw/geofences/4", "{\"enabled\":false}")
            let inside = "{\"lat\":52.5,\"lon\":13.401}".inURL
            let all = try await house.send("GET", "/gw/geofences/all/hittest?data=\(inside)")
            #expect(
                all.body == """
                    {"result":[{"id":3,"name":"City","priority":99.5},{"id":1,"name":"Depot","priority":10},\
                    {"id":2,"name":"Yard","priority":10}]}
                    """)
            let some = try await house.send("GET", "/gw/geofences/1,9/hittest?lat=52.5&lon=13.4")
            #expect(some.result.count == 1 && some.reasons.contains("there is no geofence 9"), "\(some)")
            let outside = try await house.send("GET", "/gw/geofences/all/hittest?lat=-52.5&lon=13.4")
            #expect(outside.body == "{\"result\":[]}")
        }
    }

    @Test(
        "A hit test without a position says what it needs",
        arguments: [
            ("lat=1", "lon", "is missing"), ("lat=91&lon=1", "lat", "from -90 to 90"),
            ("lat=1&lon=abc", "lon", "must be a number"), ("data=%7B%22lat%22%3A1%2C%22lng%22%3A2%7D", "lng", "lon"),
        ])
    func wrongHits(query: String, path: String, reason: String) async throws {
        try await TestHouse.open { house in
            let response = try await house.send("GET", "/gw/geofences/all/hittest?\(query)")
            #expect(response.status == 400, "\(response)")
            #expect(response.errors.contains { $0["path"]?.stringValue == path }, "\(response)")
            #expect(response.reasons.contains(reason))
        }
    }

    @Test("A calculator's geofences are assigned, read and taken away")
    func assigned() async throws {
        try await TestHouse.open { house in
            _ = try await house.calculator()
            _ = try await house.entity("geofences", TestHouse.depot)
            let path = "/gw/calcs/1/geofences/1"
            let missing = try await house.send("GET", path)
            #expect(missing.status == 404 && missing.reasons.contains("link it with POST \(path)"), "\(missing)")
            let made = try await house.send("POST", path)
            #expect(
                made.body == """
                    {"result":[{"calc_id":1,"geofence_id":1,"name":"Depot","auto_created":false}]}
                    """)
            #expect(try await house.send("POST", path).body == made.body, "twice changes nothing")
            #expect(try await house.send("PUT", path, "{\"enabled\":true}").body == made.body)
            let refused = try await house.send("PUT", path, "{\"enabled\":false}")
            #expect(refused.status == 400 && refused.reasons.contains("unassign it with DELETE"))
            #expect(try await house.send("GET", "/gw/calcs/all/geofences/all").body == made.body)
            let page = try await house.send("GET", "/gw/calcs/all/geofences/all?fields=geofence_id&limit=1")
            #expect(page.result.first?.text == "{\"geofence_id\":1}" && page.json["pagination"] != nil, "\(page)")
            #expect(
                try house.store.registry().links == [LinkRecord(kind: .calculatorGeofence, from: 1, to: 1)])
            #expect(try await house.send("DELETE", path).body == "{\"result\":[{\"calc_id\":1,\"geofence_id\":1}]}")
            #expect(try house.store.registry().links.isEmpty)
            _ = try await house.send("POST", path)
            #expect(try await house.send("DELETE", "/gw/geofences/1").status == 200)
            #expect(try await house.send("GET", "/gw/calcs/all/geofences/all").body == "{\"result\":[]}")
        }
    }

    @Test("Geofences are selected by their fields and by what they are assigned to")
    func selectors() async throws {
        try await TestHouse.open { house in
            for name in ["Depot", "Yard", "Dock 1"] {
                _ = try await house.entity("geofences", TestHouse.depot.replacingName("Depot", name))
            }
            _ = try await house.calculator()
            _ = try await house.entity("groups", "{\"name\":\"sites\"}")
            _ = try await house.send("POST", "/gw/groups/1/geofences/3")
            _ = try await house.send("POST", "/gw/calcs/1/geofences/2")
            let cases: [(String, [Int64])] = [
                ("all", [1, 2, 3]), ("2,1", [2, 1]), ("2,02", [2]), ("name=D*", [1, 3]), ("name=yard", []),
                ("name=\"Dock 1\"", [3]), ("{priority == 10 && name ~ \"D*\"}", [1, 3]), ("calcs.id=1", [2]),
                ("calcs.name=trip?", [2]), ("groups.name=sites", [3]), ("groups.id=2", []),
                ("metadata.zone_type=depot", [1, 2, 3]), ("geometry.radius=1", []),
            ]
            for (selector, ids) in cases {
                let response = try await house.send("GET", "/gw/geofences/\(selector.inURL)?fields=id")
                #expect(response.result.compactMap { $0["id"]?.integerValue } == ids, "\(selector): \(response)")
            }
            #expect(try await house.send("GET", "/gw/calcs/geofences.name=Yard").result.count == 1)
            #expect(try await house.send("GET", "/gw/calcs/geofences.name=Depot").result.isEmpty)
            #expect(try await house.send("GET", "/gw/groups/geofences.id=3").result.count == 1)
            let wrong = try await house.send("GET", "/gw/geofences/nmae=x")
            #expect(wrong.status == 400 && wrong.reasons.contains("a geofence has no field \"nmae\""))
            #expect(try await house.send("GET", "/gw/geofences/devices.id=1").status == 400)
        }
    }
}

extension TestHouse {
    static let depot = """
        {"name":"Depot","priority":10,"geometry":{"type":"circle","center":{"lat":52.5,"lon":13.4},"radius":0.5},\
        "metadata":{"zone_type":"depot"}}
        """

    /// Creates a geofence, a group or an asset and gives its id.
    @discardableResult
    func entity(_ plural: String, _ json: String) async throws -> Int64 {
        let response = try await send("POST", "/gw/\(plural)", json)
        return try #require(response.result.first?["id"]?.integerValue, "\(response)")
    }
}
