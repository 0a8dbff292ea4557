import PrimaryStore
import SeededRandom
import Telemetry
import Testing

@testable import HTTPAPI

@Suite("Groups")
struct GroupTests {
    @Test("A calculator on a group is on all that the group holds, now and later")
    func expansion() async throws {
        try await TestHouse.open { house in
            try await house.furnish()
            _ = try await house.send("POST", "/gw/groups/1/devices/1")
            let linked = try await house.send("POST", "/gw/calcs/1/groups/1")
            #expect(
                linked.body == """
                    {"result":[{"calc_id":1,"group_id":1,"name":"north","auto_created":false}]}
                    """)
            let first = try await house.send("GET", "/gw/calcs/1/devices/1")
            #expect(first.result.first?["auto_created"] == .boolean(true), "\(first)")
            let added = try await house.send("POST", "/gw/groups/1/devices/2")
            #expect(
                added.body == """
                    {"result":[{"group_id":1,"device_id":2,"name":"","auto_created":false}]}
                    """)
            _ = try await house.send("POST", "/gw/groups/1/assets/all")
            _ = try await house.send("POST", "/gw/groups/1/geofences/1")
            #expect(try await house.send("GET", "/gw/calcs/all/devices/all").result.count == 2)
            let asset = try await house.send("GET", "/gw/calcs/1/assets/1")
            #expect(asset.result.first?["auto_created"] == .boolean(true), "\(asset)")
            #expect(asset.result.first?["asset_id"] == .number(1) && asset.result.first?["device_id"] == nil)
            let geofence = try await house.send("GET", "/gw/calcs/1/geofences/1")
            #expect(geofence.result.first?["auto_created"] == .boolean(true), "\(geofence)")
            #expect(try await house.send("GET", "/gw/devices/groups.name=north?fields=id").result.count == 2)
            #expect(try await house.send("GET", "/gw/assets/calcs.id=1?fields=id").result.count == 1)
            _ = try await house.send("DELETE", "/gw/groups/1/devices/2")
            #expect(try await house.send("GET", "/gw/calcs/all/devices/all").result.count == 1)
        }
    }

    @Test("What a group implies stays while it does, and what was made by hand stays after it")
    func byHand() async throws {
        try await TestHouse.open { house in
            try await house.furnish()
            _ = try await house.send("POST", "/gw/groups/1/devices/1,2")
            _ = try await house.send("POST", "/gw/calcs/1/groups/1")
            let kept = try await house.send("DELETE", "/gw/calcs/1/devices/1")
            #expect(kept.status == 409 && kept.reasons.contains("both are in group 1"), "\(kept)")
            #expect(kept.reasons.contains("DELETE /gw/groups/1/devices/1 or /gw/calcs/1/groups/1"), "\(kept)")
            let own = try await house.send("POST", "/gw/calcs/1/devices/1")
            #expect(own.result.first?["auto_created"] == .boolean(false), "\(own)")
            #expect(try await house.send("DELETE", "/gw/groups/1").status == 200)
            let left = try await house.send("GET", "/gw/calcs/all/devices/all")
            #expect(left.result.compactMap { $0["device_id"]?.integerValue } == [1], "\(left)")
            #expect(try house.store.registry().assignments.map(\.key.device.rawValue) == [1])
        }
    }

    @Test(
        "What takes intervals away with a group asks first",
        arguments: ["/gw/groups/1/devices/1", "/gw/calcs/1/groups/1", "/gw/groups/1", "/gw/groups/all/devices/all"])
    func confirmation(path: String) async throws {
        try await TestHouse.open { house in
            let key = try await house.groupWithIntervals()
            #expect(try house.store.assignment(key)?.isAutoCreated == true)
            let refused = try await house.send("DELETE", path)
            #expect(refused.status == 409 && refused.reasons.contains("?confirm=intervals"), "\(refused)")
            #expect(refused.reasons.contains("calculator 1 has intervals on device 1"))
            #expect(try await house.send("DELETE", path + "?confirm=yes").status == 400)
            #expect(try house.store.assignment(key) != nil)
            #expect(try await house.send("DELETE", path + "?confirm=intervals").status == 200)
            #expect(try house.store.assignment(key) == nil)
            #expect(try await house.send("GET", "/gw/calcs/all/devices/all").body == "{\"result\":[]}")
        }
    }

    @Test("A group is named, and its links name what is there")
    func wrong() async throws {
        try await TestHouse.open { house in
            try await house.furnish()
            let nameless = try await house.send("POST", "/gw/groups", "{\"metadata\":{}}")
            #expect(nameless.status == 400 && nameless.errors.first?["path"] == .string("name"), "\(nameless)")
            let priority = try await house.send("POST", "/gw/groups", "{\"name\":\"x\",\"priority\":1}")
            #expect(priority.reasons.contains("a group has no field \"priority\""))
            #expect(try await house.send("POST", "/gw/groups", "{\"name\":\"x\",\"id\":4}").status == 400)
            let partly = try await house.send("POST", "/gw/groups/1,9/devices/1,8")
            #expect(partly.result.count == 1 && partly.errors.count == 2, "\(partly)")
            #expect(try await house.send("POST", "/gw/groups/1/devices/abc").status == 400)
            #expect(try await house.send("POST", "/gw/groups/1,01/devices/1,001").result.count == 1)
            #expect(try await house.send("POST", "/gw/calcs/1,01/assets/1,01").result.count == 1)
            for path in ["groups/1/assets", "calcs/1/assets", "calcs/1/groups"] {
                let huge = try await house.send("POST", "/gw/\(path)/9223372036854775807")
                #expect(huge.status == 404, "\(huge)")
            }
            #expect(try await house.send("GET", "/gw/groups/1/devices/2").status == 404)
            #expect(try await house.send("PUT", "/gw/groups/1/devices/1").status == 405)
            let renamed = try await house.send("PATCH", "/gw/groups/1", "{\"name\":\"south\",\"metadata\":{\"a\":1}}")
            #expect(
                renamed.body == """
                    {"result":[{"id":1,"name":"south","metadata":{"a":1},"cid":0}]}
                    """)
        }
    }

    @Test("A path that names too many pairs is refused")
    func tooMany() async throws {
        var limits = APILimits()
        limits.assignmentsMax = 8
        try await TestHouse.open(limits: limits) { house in
            try await house.furnish()
            #expect(try await house.send("POST", "/gw/groups/all/geofences/all").status == 413)
            #expect(try await house.send("GET", "/gw/groups/1,2,3/geofences/1,2,3").status == 413)
            #expect(try await house.send("GET", "/gw/groups/all/geofences/all").status == 200)
            #expect(try await house.send("POST", "/gw/groups/1,2/geofences/all").status == 200)
            #expect(try await house.send("DELETE", "/gw/groups/all/geofences/all").result.count == 6)
        }
    }

    @Test("Whatever is linked and unlinked in whatever order, the answers are those of the store", arguments: 1...4)
    func agreement(seed: Int) async throws {
        try await TestHouse.open { house in
            try await house.furnish()
            var random = SeededGenerator(seed: UInt64(seed))
            let tables = [
                "calcs/geofences", "calcs/groups", "groups/devices", "groups/assets", "groups/geofences",
                "calcs/devices", "calcs/assets",
            ]
            for step in 0..<60 {
                let ends = tables[Int.random(in: 0..<tables.count, using: &random)].split(separator: "/")
                let ids = (Int.random(in: 1...4, using: &random), Int.random(in: 1...4, using: &random))
                let path =
                    Int.random(in: 0..<12, using: &random) == 0
                    ? "/gw/\(ends[1])/\(ids.1)" : "/gw/\(ends[0])/\(ids.0)/\(ends[1])/\(ids.1)"
                let isDeleting = path.split(separator: "/").count == 3 || Int.random(in: 0..<3, using: &random) == 0
                let response = try await house.send(isDeleting ? "DELETE" : "POST", path)
                #expect(response.status != 500, "seed \(seed), step \(step): \(path) \(response)")
                let (answered, stored) = (try await house.answered(tables), try house.stored())
                #expect(answered == stored, "seed \(seed), step \(step): \(isDeleting) \(path)")
                guard answered == stored else { return }
                if isDeleting, path.split(separator: "/").count == 3 { try await house.refurnish(String(ends[1])) }
            }
            let (present, fresh) = (house.api.catalog.present, try await house.restarted().catalog.present)
            #expect(present.assignments == fresh.assignments, "seed \(seed)")
            for kind in LinkKind.allCases { #expect(present.links[kind] == fresh.links[kind], "seed \(seed): \(kind)") }
            for kind in EntityKind.allCases { #expect(present[kind].ids == fresh[kind].ids, "seed \(seed): \(kind)") }
        }
    }
}

extension TestHouse {
    /// A few of everything.
    fileprivate func furnish() async throws {
        for ident in ["a", "b", "c"] { _ = try await device(ident) }
        for _ in 0..<3 { _ = try await calculator() }
        for name in ["north", "east", "west"] { try await entity("groups", "{\"name\":\"\(name)\"}") }
        for _ in 0..<3 { try await entity("geofences", TestHouse.depot) }
        try await entity("assets", "{\"name\":\"driver\"}")
    }

    /// Another one in the place of what was deleted; its id is a new one.
    fileprivate func refurnish(_ plural: String) async throws {
        switch plural {
        case "devices": _ = try await device("again\(store.registryRevision)")
        case "geofences": try await entity(plural, TestHouse.depot)
        default: try await entity(plural, "{\"name\":\"again\"}")
        }
    }

    /// Every link and assignment that the API tells of.
    fileprivate func answered(_ tables: [String]) async throws -> Set<String> {
        var found: Set<String> = []
        for table in tables {
            let ends = table.split(separator: "/")
            for item in try await send("GET", "/gw/\(ends[0])/all/\(ends[1])/all").result {
                let numbers = (item.members ?? []).prefix(2).compactMap { $0.value.integerValue }
                found.insert("\(table) \(numbers) \(item["auto_created"]?.booleanValue ?? false)")
            }
        }
        return found
    }

    /// Every link and assignment of the store.
    fileprivate func stored() throws -> Set<String> {
        let names: [LinkKind: String] = [
            .calculatorGeofence: "calcs/geofences", .calculatorGroup: "calcs/groups", .groupDevice: "groups/devices",
            .groupAsset: "groups/assets", .groupGeofence: "groups/geofences",
        ]
        let registry = try store.registry()
        return Set(
            registry.links.map { "\(names[$0.kind] ?? "") \([$0.from, $0.to]) \($0.isAutoCreated)" }
                + registry.assignments.map { record in
                    let table = record.key.device.assetID == nil ? "calcs/devices" : "calcs/assets"
                    let end = record.key.device.assetID ?? record.key.device.rawValue
                    return "\(table) \([record.key.calculator.rawValue, end]) \(record.isAutoCreated)"
                })
    }

    /// The same as `assignmentWithIntervals()`, but by a group.
    fileprivate func groupWithIntervals() async throws -> AssignmentKey {
        let key = try await assignmentWithIntervals()
        try await entity("groups", "{\"name\":\"north\"}")
        _ = try await send("POST", "/gw/groups/1/devices/1")
        _ = try await send("POST", "/gw/calcs/1/groups/1")
        let taken = try await send("DELETE", "/gw/calcs/1/devices/1")
        #expect(taken.status == 409, "the group has it from now on: \(taken)")
        return key
    }
}
