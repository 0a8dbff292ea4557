import Evaluation
import Expressions
import PrimaryStore
import Telemetry
import Testing

@testable import HTTPAPI

@Suite("Calculation on demand")
struct OnDemandTests {
    /// Trips of speeds 0 5 5 0 7 9 8 0, a message a minute.
    static let speeds = [0, 5, 5, 0, 7, 9, 8, 0]
    static let start = 1_699_990_000

    static func messages(_ speeds: [Int] = speeds) -> String {
        let objects = speeds.enumerated().map { index, speed in
            "{\"timestamp\":\(start + index * 60),\"position.speed\":\(speed)}"
        }
        return "[\(objects.joined(separator: ","))]"
    }

    static let trips = """
        "selectors":[{"type":"expression","expression":"position.speed>3"}],\
        "counters":[{"name":"max","type":"parameter","parameter":"position.speed","method":"max"}]
        """

    static func trip(_ first: Int, _ last: Int, id: Int, max: Int, tags: String = "") -> String {
        "{\(tags)\"begin\":\(start + first * 60),\"end\":\(start + last * 60),\"duration\":\((last - first) * 60),"
            + "\"id\":\(id),\"timestamp\":1700000000,\"max\":\(max)}"
    }

    @Test("The three generations of the path give the same intervals, and nothing is stored")
    func generations() async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a")
            _ = try await house.send("POST", "/gw/devices/1/messages", Self.messages())
            let expected = "{\"result\":[\(Self.trip(1, 2, id: 1, max: 5)),\(Self.trip(4, 6, id: 2, max: 9))]}"
            let body = "{\"from\":0,\"to\":0,\(Self.trips)}"
            let data = "?data=\(body.inURL)"
            #expect(try await house.send("POST", "/gw/devices/1/calculate", body).body == expected)
            #expect(try await house.send("GET", "/gw/devices/1/messages/calculate" + data).body == expected)
            #expect(try await house.send("GET", "/gw/devices/ident=a/intervals" + data).body == expected)
            #expect(try await house.send("GET", "/gw/devices/1/messages/calculate", body).body == expected)
            #expect(try house.store.jobs(nil, countMax: 10).isEmpty)
            #expect(try await house.send("GET", "/gw/calcs/all").result.isEmpty)
        }
    }

    @Test("Messages outside of from and to do not exist, and both ends belong to the range")
    func range() async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a")
            _ = try await house.send("POST", "/gw/devices/1/messages", Self.messages())
            let cut = "{\"from\":\(Self.start + 120),\"to\":\(Self.start + 300),\(Self.trips),\"min_active\":0}"
            #expect(try await house.send("POST", "/gw/devices/1/calculate", cut).status == 400, "not a field of it")
            let day = """
                {"selectors":[{"type":"datetime"}],"counters":[{"name":"n","type":"expression","expression":"1",\
                "method":"summary"}]}
                """
            let path = "/gw/devices/1/messages/calculate?from=\(Self.start + 120)&to=\(Self.start + 300)"
            let result = try await house.send("GET", path + "&data=\(day.inURL)").result
            #expect(result.map { $0["n"]?.integerValue } == [4], "\(result)")
            #expect(result.first?["begin"]?.integerValue == Int64(Self.start + 120))
            let reversed = try await house.send(
                "POST", "/gw/devices/1/calculate", "{\"from\":9,\"to\":5,\(Self.trips)}")
            #expect(reversed.status == 400 && reversed.reasons.contains("from is after to"), "\(reversed)")
        }
    }

    @Test("Of several devices each interval says whose it is, and ids count from 1 for each")
    func severalDevices() async throws {
        try await TestHouse.open { house in
            for ident in ["a", "b"] {
                let id = try await house.device(ident)
                _ = try await house.send("POST", "/gw/devices/\(id)/messages", Self.messages([0, 5, 5, 0]))
            }
            let response = try await house.send("POST", "/gw/devices/1,2,7/calculate", "{\(Self.trips)}")
            #expect(
                response.result.map(\.text) == [
                    Self.trip(1, 2, id: 1, max: 5, tags: "\"device_id\":1,"),
                    Self.trip(1, 2, id: 1, max: 5, tags: "\"device_id\":2,"),
                ])
            #expect(response.errors.first?["id"] == .number(7), "\(response)")
            #expect(try await house.send("POST", "/gw/devices/9/calculate", "{\(Self.trips)}").status == 404)
        }
    }

    @Test(
        "A wrong definition is refused with path and column",
        arguments: [
            ("{}", "selectors", "is missing"),
            (
                "{\"selectors\":[{\"type\":\"expression\",\"expression\":\"position.speed>sqroot(4)\"}]}",
                "selectors[0].expression", "did you mean"
            ),
            ("{\"selectrs\":[]}", "selectrs", "has no field \"selectrs\""),
            ("{\"form\":5,\"selectors\":[{\"type\":\"datetime\"}]}", "form", "has no field \"form\""),
            ("{\"timezone\":\"Africa/Nairoby\",\"selectors\":[{\"type\":\"datetime\"}]}", "timezone", "Africa/Nairobi"),
            ("{\"calc_id\":5}", "calc_id", "there is no calculator 5"),
            ("{\"calc_id\":\"x\"}", "calc_id", "must be a number"),
        ])
    func refused(body: String, path: String, reason: String) async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a")
            let response = try await house.send("POST", "/gw/devices/1/calculate", body)
            #expect(response.status == (reason.hasPrefix("there is no") ? 404 : 400))
            let error = try #require(response.errors.first { $0["path"]?.stringValue == path }, "\(response)")
            #expect(response.reasons.contains(reason), "\(response)")
            if path.hasSuffix("expression") { #expect(error["column"] == .number(16), "\(response)") }
        }
    }

    @Test("A stored calculator runs on devices that it is not assigned to, by calc_id")
    func byID() async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a")
            _ = try await house.send("POST", "/gw/devices/1/messages", Self.messages())
            _ = try await house.calculator()
            let result = try await house.send("POST", "/gw/devices/1/calculate", "{\"calc_id\":1}").result
            #expect(result.map { $0["max"]?.integerValue } == [5, 9])
            let other = "{\"calc_id\":1,\"counters\":[]}"
            let cut = try await house.send("POST", "/gw/devices/1/calculate", other).result
            #expect(cut.count == 2 && cut.first?["max"] == nil)
        }
    }

    @Test("metadata() is null on demand, and what the device says for a calculator that is assigned")
    func metadata() async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a", ",\"metadata\":{\"limit\":6}")
            _ = try await house.send("POST", "/gw/devices/1/messages", Self.messages())
            let definition = """
                {"name":"x","selectors":[{"type":"datetime"}],"counters":[{"name":"over","type":"expression",\
                "expression":"if(isnull(metadata('limit')),-1,position.speed>metadata('limit'))","method":"summary"}]}
                """
            _ = try await house.calculator(definition)
            _ = try await house.send("POST", "/gw/calcs/1/devices/1")
            let free = try await house.send("POST", "/gw/devices/1/calculate", definition).result
            #expect(free.first?["over"] == .number(-8), "\(free)")
            let assigned = try await house.send("POST", "/gw/calcs/1/devices/1/calculate").result
            #expect(assigned.first?["over"] == .number(3), "\(assigned)")
        }
    }

    @Test("What is assigned is calculated over a range, with other fields where some are given")
    func assigned() async throws {
        try await TestHouse.open { house in
            for ident in ["a", "b"] { _ = try await house.device(ident) }
            for id in 1...2 { _ = try await house.send("POST", "/gw/devices/\(id)/messages", Self.messages()) }
            _ = try await house.calculator()
            _ = try await house.calculator()
            _ = try await house.send("POST", "/gw/calcs/1,2/devices/1")
            let path = "/gw/calcs/1/devices/1/calculate"
            let plain = try await house.send("POST", path, "{\"from\":\(Self.start + 180)}")
            #expect(plain.body == "{\"result\":[\(Self.trip(4, 6, id: 1, max: 9))]}")
            let changed = "{\"selectors\":[{\"type\":\"expression\",\"expression\":\"position.speed>6\"}]}"
            #expect(
                try await house.send("POST", path, changed).body
                    == "{\"result\":[\(Self.trip(4, 6, id: 1, max: 9))]}")
            let tagged = try await house.send("POST", "/gw/calcs/1,2/devices/1/calculate").result
            #expect(tagged.map { $0["calc_id"]?.integerValue } == [1, 1, 2, 2], "\(tagged)")
            #expect(tagged.map { $0["id"]?.integerValue } == [1, 2, 1, 2])
            let missing = try await house.send("POST", "/gw/calcs/1/devices/1,2/calculate")
            #expect(missing.result.count == 2 && missing.reasons.contains("is not assigned to device 2"), "\(missing)")
            let wrong = try await house.send("POST", path, "{\"calc_id\":1}")
            #expect(wrong.status == 400 && wrong.reasons.contains("calc_id"), "\(wrong)")
            let bad = try await house.send("POST", "/gw/calcs/1,2/devices/1/calculate", "{\"selectors\":[]}")
            #expect(bad.status == 400 && bad.errors.contains { $0["path"] == .string("selectors") }, "\(bad)")
        }
    }

    @Test("A calculation gives what a full evaluation over sealed and unsealed messages gives, in any cut of blocks")
    func blocks() async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a")
            for part in [0..<4, 4..<8] {
                let objects = part.map {
                    "{\"timestamp\":\(Self.start + $0 * 60),\"position.speed\":\(Self.speeds[$0])}"
                }
                _ = try await house.send("POST", "/gw/devices/1/messages", "[\(objects.joined(separator: ","))]")
            }
            let result = try await house.send("POST", "/gw/devices/1/calculate", "{\(Self.trips)}")
            #expect(result.body == "{\"result\":[\(Self.trip(1, 2, id: 1, max: 5)),\(Self.trip(4, 6, id: 2, max: 9))]}")
        }
    }

    @Test("An answer over the limit is refused with 413 and a way out")
    func answerLimit() async throws {
        var limits = APILimits()
        limits.answerBytesMax = 100
        try await TestHouse.open(limits: limits) { house in
            _ = try await house.device("a")
            _ = try await house.send("POST", "/gw/devices/1/messages", Self.messages())
            let response = try await house.send("POST", "/gw/devices/1/calculate", "{\(Self.trips)}")
            #expect(response.status == 413 && response.errors.first?["code"] == .number(7), "\(response)")
            #expect(response.reasons.contains("over 100 bytes") && response.reasons.contains("narrow from and to"))
        }
    }

    @Test(
        "The budget ends at the first limit reached, and names it",
        arguments: [
            ("messages", OnDemandBudget.Excess.messages, "more than 5 messages"),
            ("intervals", .intervals, "more than 6 intervals"), ("bytes", .answerBytes, "over 7 bytes"),
            ("seconds", .seconds, "longer than -1 s"),
        ])
    func budget(kind: String, excess: OnDemandBudget.Excess, reason: String) throws {
        var limits = OnDemandLimits()
        limits.messagesMax = 5
        limits.intervalsMax = 6
        limits.answerBytesMax = 7
        if kind == "seconds" { limits.secondsMax = -1 }
        var budget = OnDemandBudget(limits)
        switch kind {
        case "messages": for _ in 0..<3 { budget.take(messages: 2) }
        case "intervals": budget.take(intervals: 7)
        case "bytes": budget.take(bytes: 8)
        default: budget.take(messages: 1)
        }
        budget.take(bytes: 100)
        #expect(budget.excess == excess)
        let failure = #expect(throws: APIFailure.self) { try budget.check() }
        #expect(failure?.items.first?.reason.contains(reason) == true, "\(String(describing: failure))")
        var enough = OnDemandBudget(limits)
        if kind != "seconds" { enough.take(messages: 5) }
        enough.take(intervals: 6)
        enough.take(bytes: 7)
        #expect(enough.excess == nil)
    }

    // MARK: Over stored intervals

    @Test("Stored intervals of all assignments are one stream, in the order of ends, active ones left out")
    func overIntervals() async throws {
        try await TestHouse.open { house in
            _ = try await house.assignmentWithIntervals()
            let path = "/gw/calcs/1/devices/1/intervals/calculate"
            let body = """
                {"selectors":[{"type":"datetime"}],"counters":[\
                {"name":"n","type":"expression","expression":"1","method":"summary"},\
                {"name":"total","type":"expression","expression":"duration","method":"summary"},\
                {"name":"best","type":"parameter","parameter":"value","method":"max"},\
                {"name":"calc","type":"parameter","parameter":"calc_id","method":"first"},\
                {"name":"devices","type":"parameter","parameter":"device_id","method":"distinct"},\
                {"name":"ident","type":"parameter","method":"first"},\
                {"name":"all","type":"message","method":"first"}]}
                """
            let result = try await house.send("GET", path + "?data=\(body.inURL)")
            #expect(
                result.body == """
                    {"result":[{"begin":200,"end":260,"duration":60,"id":1,"timestamp":1700000000,"n":2,"total":160,\
                    "best":2,"calc":1,"devices":[1],"ident":"a","all":{"timestamp":200,"server.timestamp":200,\
                    "ident":"a","device.id":1,"device.name":"","device.type.id":0,"calc_id":1,"device_id":1,\
                    "begin":100,"end":200,"duration":100,"value":1}}]}
                    """, "\(result)")
            let cut = try await house.send("GET", path + "?from=201&to=260&data=\(body.inURL)").result
            #expect(cut.first?["n"] == .number(1), "\(cut)")
            let wrong = try await house.send("GET", path)
            #expect(wrong.status == 400 && wrong.reasons.contains("selectors"), "\(wrong)")
        }
    }

    @Test("Of intervals that end together the later assignment's come a microsecond later each")
    func equalEnds() {
        func stored(_ begin: Double, _ end: Double, _ value: Int) -> StoredInterval {
            let (first, last) = (Timestamp(seconds: begin), Timestamp(seconds: end))
            let held = HeldInterval(id: 1, firstOn: first, begin: first, end: last, isActive: false, digest: 0)
            let json = "{\"begin\":\(Int(begin)),\"end\":\(Int(end)),\"id\":1,\"timestamp\":5,\"v\":\(value)}"
            return StoredInterval(held: held, timestamp: Timestamp(seconds: 5), json: Array(json.utf8), headCount: 0)
        }
        var stream = IntervalStream()
        let facts = DeviceFacts(id: DeviceID(1), ident: "a", name: "")
        let (one, two) = (
            AssignmentKey(calculator: CalculatorID(1), device: DeviceID(1)),
            AssignmentKey(calculator: CalculatorID(2), device: DeviceID(1))
        )
        stream.add([stored(1, 10, 3)], of: two, facts)
        stream.add([stored(2, 10, 1), stored(3, 10, 2), stored(4, 9, 0)], of: one, facts)
        var layout = ColumnLayout()
        for name in ["v", "calc_id", "id"] { _ = layout.slot(name) }
        let block = stream.block(layout)
        #expect(block.content.timestamps == [9_000_000, 10_000_000, 10_000_001, 10_000_002])
        #expect(block.content.columns[0].numbers == [0, 1, 2, 3])
        #expect(block.content.columns[1].numbers == [1, 1, 1, 2])
        #expect(block.content.columns[2].uniform == .absent, "the id of an interval is no parameter")
    }

    // MARK: What is read beside messages

    @Test("Selectors, counters and messages_source read the stored intervals of calc_id on that device")
    func sources() async throws {
        try await TestHouse.open { house in
            _ = try await house.assignmentWithIntervals()
            let counters = "{\"counters\":[{\"name\":\"value\",\"type\":\"specified\",\"value\":0}]}"
            _ = try await house.send("PATCH", "/gw/calcs/1", counters)
            let stream = """
                {"messages_source":{"source":"calc","calc_id":1},"selectors":[{"type":"datetime"}],"counters":[\
                {"name":"sum","type":"parameter","parameter":"value","method":"summary"},\
                {"name":"ident","type":"parameter","method":"first"}]}
                """
            let result = try await house.send("POST", "/gw/devices/1/calculate", stream).result
            #expect(result.map { $0["begin"]?.integerValue } == [200], "active ones are excluded: \(result)")
            #expect(result.first?["sum"] == .number(3) && result.first?["ident"] == .string("a"))
            let cut = try await house.send("GET", "/gw/devices/1/intervals?to=230&data=\(stream.inURL)").result
            #expect(cut.first?["sum"] == .number(1), "an interval belongs to the range by its end: \(cut)")
            let counter = """
                {"messages_source":{"source":"calc","calc_id":1},"selectors":[{"type":"datetime"}],"counters":[\
                {"name":"all","type":"calc","calc_id":1,"method":"each","fields":["value"],"allow_start_before":true}]}
                """
            let each = try await house.send("POST", "/gw/devices/1/calculate", counter).result
            #expect(each.first?["all"]?.text == "[{\"value\":1},{\"value\":2}]", "\(each)")
            _ = try await house.device("b")
            let other = try await house.send("POST", "/gw/devices/2/calculate", stream)
            #expect(other.body == "{\"result\":[]}", "device 2 is not assigned: \(other)")
        }
    }

    @Test("A selector of type calc marks the messages that lie in stored intervals")
    func sourceSelector() async throws {
        try await TestHouse.open { house in
            try await house.calculated(devices: 1)
            let body = """
                {"selectors":[{"type":"calc","calc_id":1,"validate_interval":"max>5"}],"counters":[\
                {"name":"n","type":"expression","expression":"1","method":"summary"}]}
                """
            let result = try await house.send("POST", "/gw/devices/1/calculate", body).result
            #expect(result.map { $0["begin"]?.integerValue } == [Int64(Self.start + 240)], "\(result)")
            #expect(result.first?["n"] == .number(3))
        }
    }

    @Test(
        "A source that does not exist is refused with its path",
        arguments: [
            ("{\"selectors\":[{\"type\":\"datetime\"},{\"type\":\"calc\",\"calc_id\":9}]}", "selectors[1].calc_id"),
            (
                "{\"selectors\":[{\"type\":\"datetime\"}],\"messages_source\":{\"source\":\"calc\",\"calc_id\":9}}",
                "messages_source.calc_id"
            ),
        ])
    func missingSource(body: String, path: String) async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a")
            let response = try await house.send("POST", "/gw/devices/1/calculate", body)
            #expect(response.status == 400 && response.errors.first?["path"] == .string(path), "\(response)")
        }
    }

    @Test("A calculation over intervals reads no other calculators")
    func sourcesOverIntervals() async throws {
        try await TestHouse.open { house in
            _ = try await house.assignmentWithIntervals()
            let body = "{\"selectors\":[{\"type\":\"calc\",\"calc_id\":1}]}"
            let response = try await house.send("GET", "/gw/calcs/1/devices/1/intervals/calculate?data=\(body.inURL)")
            #expect(response.status == 400 && response.reasons.contains("no other calculators"), "\(response)")
        }
    }

    @Test("The geofences that are assigned to a stored calculator are found, those of others are not")
    func geofences() async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a")
            let message = "{\"timestamp\":\(Self.start),\"position.latitude\":1,\"position.longitude\":2}"
            _ = try await house.send("POST", "/gw/devices/1/messages", message)
            _ = try await house.calculator(
                """
                {"name":"x","selectors":[{"type":"datetime"}],"counters":[\
                {"name":"g","type":"expression","expression":"geofence()","method":"first"}]}
                """)
            let circle = "\"geometry\":{\"type\":\"circle\",\"center\":{\"lat\":1,\"lon\":2},\"radius\":5}"
            for (name, enabled) in [("other", true), ("yard", true), ("closed", false)] {
                let rest = "\"priority\":\(name == "yard" ? 0 : 9),\"enabled\":\(enabled),\(circle)"
                _ = try await house.send("POST", "/gw/geofences", "[{\"name\":\"\(name)\",\(rest)}]")
            }
            _ = try await house.send("POST", "/gw/calcs/1/geofences/2,3")
            let result = try await house.send("POST", "/gw/devices/1/calculate", "{\"calc_id\":1}").result
            #expect(result.first?["g"] == .string("yard"), "\(result)")
        }
    }
}
