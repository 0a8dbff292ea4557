import PrimaryStore
import ReferenceEvaluator
import Telemetry
import Testing

@testable import CalcProcess

/// A changed geofence calculates again what it touches, and only that.
struct NestedGeofenceTests {
    static let visits = """
        {"name":"visits","update_delay":1,"selectors":[{"type":"geofence","min_active":0}],"counters":[\
        {"name":"place","type":"geofence"},{"name":"count","type":"expression","expression":"1","method":"summary"}]}
        """
    static let begin = 1_700_006_400.0

    /// A circle of 500 m around a place on the meridian.
    static func circle(_ name: String, _ latitude: Double, _ longitude: Double = 0) -> String {
        """
        {"name":"\(name)","priority":1,"geometry":{"type":"circle","center":{"lat":\(latitude),"lon":\(longitude)},\
        "radius":0.5}}
        """
    }

    /// A drive north along the meridian, a minute and about 1.1 km a message.
    static func drive(_ count: Int) -> [(Double, [String: RefValue])] {
        (0..<count).map { index in
            let latitude = RefValue.number(50 + Double(index) * 0.01)
            return (begin + Double(index) * 60, ["position.latitude": latitude, "position.longitude": .number(0)])
        }
    }

    /// The same drive with every second message far beside the road, and marked.
    static func drive(_ count: Int, everySecond name: String, _ mark: RefValue) -> [(Double, [String: RefValue])] {
        drive(count).enumerated().map { index, message in
            guard index % 2 == 1 else { return message }
            var values = message.1
            values["position.longitude"] = .number(1)
            values[name] = mark
            return (message.0, values)
        }
    }

    private func lastJob(_ nest: NestedRig) throws -> Int64 { try nest.rig.store.jobs(nil, countMax: 1).first?.id ?? 0 }

    private func replace(_ nest: NestedRig, _ id: Int64, _ json: String) throws {
        let name = try JSONValue(parsing: json)["name"]?.stringValue ?? ""
        _ = try nest.rig.store.replaceEntity(.geofence, id, name: name, json: json, expecting: nil)
        try nest.settle()
    }

    @Test("a geofence that is moved is one job over the stretches that it left and entered", arguments: [1, 4])
    func moved(stateSpacing: Int) throws {
        let nest = try NestedRig(
            [Self.visits], geofences: [Self.circle("a", 50.1), Self.circle("b", 50.4), Self.circle("far", 10)],
            assigned: [[1, 2, 3]], stateSpacing: stateSpacing)
        try nest.send(Self.drive(60))
        try nest.settle()
        try nest.agrees()
        #expect(try nest.values(0, "place") == [.string("a"), .string("b")])
        let last = try lastJob(nest)
        try replace(nest, 1, Self.circle("a", 50.3))
        try nest.agrees()
        #expect(try nest.values(0, "place") == [.string("a"), .string("b")])
        let jobs = try nest.rig.store.jobs(nil, countMax: 10).filter { $0.id > last }
        #expect(jobs.map(\.cause) == ["geofence"])
        let asked = try #require(jobs.first?.rangeAsked)
        #expect(asked.lower.seconds == Self.begin + 600 && asked.upper.seconds.rounded() == Self.begin + 1_800)
        #expect(try #require(jobs.first).messageCount < 45)
    }

    @Test("a geofence where the device never was makes no job, be it made, moved or taken off")
    func farAway() throws {
        let nest = try NestedRig(
            [Self.visits], geofences: [Self.circle("a", 50.1), Self.circle("far", 10), Self.circle("further", 11)],
            assigned: [[1, 2]])
        try nest.send(Self.drive(60))
        try nest.settle()
        let last = try lastJob(nest)
        try replace(nest, 2, Self.circle("far", 12))
        let link = LinkRecord(kind: .calculatorGeofence, from: 1, to: 3, isAutoCreated: false)
        _ = try nest.rig.store.link([link], at: nest.rig.now)
        try nest.settle()
        _ = try nest.rig.store.unlink([link], at: nest.rig.now)
        try nest.settle()
        try nest.rig.store.deleteEntity(.geofence, 2, at: nest.rig.now)
        try nest.settle()
        #expect(try lastJob(nest) == last)
        try nest.agrees()
        // Nor is it forgotten: after a restart nothing is to be done either.
        try nest.rig.start(workerCount: 1)
        try nest.settle()
        #expect(try lastJob(nest) == last)
    }

    @Test("a leg that crosses a changed geofence counts, also past messages that are hidden", arguments: [false, true])
    func crossing(isCalculators: Bool) throws {
        let validate = "\"validate_message\":\"!$hidden\""
        let calculator = """
            {"name":"crossing","update_delay":1,"selectors":[{"type":"geofence","crossing":true,"min_active":0\
            \(isCalculators ? "" : ",\(validate)")}],"counters":[{"name":"place","type":"geofence"}]\
            \(isCalculators ? ",\(validate)" : "")}
            """
        let nest = try NestedRig([calculator], geofences: [Self.circle("a", 10)], assigned: [[1]])
        // Every second message is hidden, and far beside the road.
        try nest.send(Self.drive(40, everySecond: "hidden", .boolean(true)))
        try nest.settle()
        #expect(try nest.intervals(0).isEmpty)
        try replace(nest, 1, Self.circle("a", 50.11))
        try nest.agrees()
        #expect(try nest.values(0, "place") == [.string("a")])
    }

    @Test("a position that is marked invalid by a number is no end of a leg")
    func invalidByNumber() throws {
        let calculator = """
            {"name":"crossing","update_delay":1,"selectors":[{"type":"geofence","crossing":true,"min_active":0}],\
            "counters":[{"name":"place","type":"geofence"}]}
            """
        let nest = try NestedRig([calculator], geofences: [Self.circle("a", 10)], assigned: [[1]])
        try nest.send(Self.drive(40, everySecond: "position.valid", .number(0)))
        try nest.settle()
        #expect(try nest.intervals(0).isEmpty)
        try replace(nest, 1, Self.circle("a", 50.11))
        try nest.agrees()
    }

    @Test("a geofence that changes while the workers are away is found when they start", arguments: [1, 2])
    func changedWhileAway(count: Int) throws {
        let nest = try NestedRig(
            [Self.visits], geofences: [Self.circle("a", 50.1), Self.circle("b", 50.4)], assigned: [[1, 2]])
        try nest.send(Self.drive(60))
        try nest.settle()
        let json = Self.circle("a", 50.3)
        _ = try nest.rig.store.replaceEntity(.geofence, 1, name: "a", json: json, expecting: nil)
        try nest.rig.start(workerCount: count)
        try nest.settle()
        try nest.agrees()
        #expect(try nest.values(0, "place") == [.string("a"), .string("b")])
    }

    @Test("what reads the visits follows a changed geofence")
    func dependant() throws {
        let days = """
            {"name":"days","update_delay":1,"selectors":[{"type":"datetime"}],"counters":[{"name":"places",\
            "type":"calc","calc_id":1,"method":"each","fields":["place","begin"]}]}
            """
        let nest = try NestedRig(
            [Self.visits, days], geofences: [Self.circle("a", 50.1), Self.circle("b", 50.4)], assigned: [[1, 2]])
        try nest.send(Self.drive(60))
        try nest.settle()
        let before = try nest.values(1, "places")
        try replace(nest, 2, Self.circle("c", 50.4))
        try nest.agrees()
        #expect(try nest.values(1, "places") != before)
    }
}
