import CalcProcess
import HTTPAPI
import PrimaryStore
import Telemetry
import Testing

@Suite("Assignments and intervals")
struct AssignmentTests {
    @Test("An assignment is made, read, disabled and ended")
    func life() async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a", ",\"name\":\"Van\"")
            _ = try await house.calculator()
            let path = "/gw/calcs/1/devices/1"
            let missing = try await house.send("GET", path)
            #expect(missing.status == 404 && missing.reasons.contains("POST /gw/calcs/1/devices/1"))
            let made = try await house.send("POST", path)
            #expect(
                made.body == """
                    {"result":[{"calc_id":1,"device_id":1,"name":"Van","enabled":true,"auto_created":false,\
                    "synced":true,"state":"synced","pending_since":null}]}
                    """)
            #expect(try await house.send("GET", path).body == made.body)
            #expect(try await house.send("POST", path).body == made.body, "assigning twice changes nothing")
            let disabled = try await house.send("PUT", "/gw/calcs/all/devices/all", "{\"enabled\":false}")
            #expect(disabled.result.first?["enabled"] == .boolean(false))
            #expect(
                try house.store.assignment(AssignmentKey(calculator: CalculatorID(1), device: DeviceID(1)))?.isEnabled
                    == false)
            #expect(
                try await house.send("PUT", path, "{\"enabld\":true}").reasons.contains("did you mean \"enabled\"?"))
            #expect(try await house.send("PUT", path, "{}").status == 400)
            #expect(try await house.send("DELETE", path).status == 200, "there are no intervals to lose")
            #expect(try await house.send("GET", "/gw/calcs/all/devices/all").body == "{\"result\":[]}")
            let partial = try await house.send("POST", "/gw/calcs/1,9/devices/1,8")
            #expect(partial.result.count == 1 && partial.errors.count == 2)
        }
    }

    @Test("Unassigning asks before it deletes intervals")
    func confirmation() async throws {
        try await TestHouse.open { house in
            let key = try await house.assignmentWithIntervals()
            let refused = try await house.send("DELETE", "/gw/calcs/1/devices/1")
            #expect(refused.status == 409 && refused.reasons.contains("?confirm=intervals"), "\(refused)")
            #expect(try house.store.assignment(key) != nil)
            #expect(try await house.send("DELETE", "/gw/calcs/1/devices/1?confirm=yes").status == 400)
            #expect(try await house.send("DELETE", "/gw/calcs/1/devices/1?confirm=intervals").status == 200)
            #expect(try house.store.assignment(key) == nil)
        }
    }

    @Test("Intervals are answered byte for byte as they are stored")
    func stored() async throws {
        try await TestHouse.open { house in
            let key = try await house.assignmentWithIntervals()
            let json = try house.store.intervals(key, IntervalQuery()).map { String(decoding: $0.json, as: UTF8.self) }
            #expect(json.count == 3)
            let path = "/gw/calcs/1/devices/1/intervals"
            let all = try await house.send("GET", path + "/all")
            #expect(all.body == "{\"result\":[\(json.joined(separator: ","))]}")
            #expect(try await house.send("GET", path + "/last").body == "{\"result\":[\(json[2])]}")
            #expect(try await house.send("GET", path + "/1,3").body == "{\"result\":[\(json[0]),\(json[2])]}")
            #expect(try await house.send("GET", path + "/all?count=1&reverse=true").body == "{\"result\":[\(json[2])]}")
            #expect(
                try await house.send("GET", path + "/all?begin=200&end=200").body
                    == "{\"result\":[\(json[0]),\(json[1])]}")
            let data = "{\"begin\":250,\"end\":260}".inURL
            #expect(try await house.send("GET", path + "/all?data=\(data)").body == "{\"result\":[\(json[1])]}")
            #expect(
                try await house.send("GET", path + "/all?fields=id,begin").result.first?.text
                    == "{\"begin\":100,\"id\":1}")
            #expect(
                try await house.send("GET", path + "/all?filter=\("value==2 || id==3".inURL)").body
                    == "{\"result\":[\(json[1]),\(json[2])]}")
            #expect(try await house.send("GET", path + "/everything").reasons.contains("selects no intervals"))
            #expect(try await house.send("GET", path + "/all?bgin=5").reasons.contains("did you mean \"begin\"?"))
        }
    }

    @Test("Of several assignments, each interval says whose it is")
    func tagged() async throws {
        try await TestHouse.open { house in
            _ = try await house.assignmentWithIntervals()
            _ = try await house.device("b")
            _ = try await house.send("POST", "/gw/calcs/1/devices/2")
            let response = try await house.send("GET", "/gw/calcs/1/devices/all/intervals/last")
            #expect(
                response.body.hasPrefix("{\"result\":[{\"calc_id\":1,\"device_id\":1,\"begin\":300,"), "\(response)")
            #expect(response.json != .null)
            let cut = try await house.send("GET", "/gw/calcs/all/devices/all/intervals/1?fields=begin")
            #expect(cut.body == "{\"result\":[{\"calc_id\":1,\"device_id\":1,\"begin\":100}]}")
        }
    }

    @Test("The headers tell how far the assignment is that is furthest behind")
    func freshness() async throws {
        try await TestHouse.open { house in
            let key = try await house.assignmentWithIntervals()
            let path = "/gw/calcs/1/devices/all/intervals/all"
            let fresh = try await house.send("GET", path)
            #expect(fresh.headers["x-odograph-synced"] == "true")
            #expect(fresh.headers["x-odograph-applied-position"] == "9")
            #expect(fresh.headers["x-odograph-pending-since"] == nil)
            let late = Timestamp(seconds: 1_699_999_999.5)
            house.calculation.set(key, AssignmentStatus(sync: .synchronizing, appliedPosition: 4, pendingSince: late))
            _ = try await house.device("b")
            _ = try await house.send("POST", "/gw/calcs/1/devices/2")
            let behind = try await house.send("GET", path)
            #expect(behind.headers["x-odograph-synced"] == "false")
            #expect(behind.headers["x-odograph-applied-position"] == "4")
            #expect(behind.headers["x-odograph-pending-since"] == "1699999999.5")
            let state = try await house.send("GET", "/gw/calcs/1/devices/1").result.first
            #expect(state?["state"] == .string("synchronizing") && state?["synced"] == .boolean(false))
        }
    }

    @Test("A recalculation is asked for with its range, or for everything")
    func recalculation() async throws {
        try await TestHouse.open { house in
            let key = try await house.assignmentWithIntervals()
            let path = "/gw/calcs/1/devices/1/recalculate"
            #expect(try await house.send("POST", path, "{\"from\":100,\"to\":200}").status == 200)
            #expect(try await house.send("POST", path).status == 200)
            #expect(try await house.send("POST", path, "{\"from\":300,\"to\":200}").status == 400)
            #expect(try await house.send("POST", path, "{\"fro\":300}").reasons.contains("did you mean \"from\"?"))
            let asked = house.calculation.asked
            #expect(asked.map(\.0) == [key, key])
            #expect(asked.first?.1 == TimeRange(inclusive: Timestamp(seconds: 100), Timestamp(seconds: 200)))
            #expect(asked.last?.1 == nil)
        }
    }

    @Test("Ledger and change feed can be read")
    func ledger() async throws {
        try await TestHouse.open { house in
            let key = try await house.assignmentWithIntervals()
            let jobs = try await house.send("GET", "/gw/calcs/1/devices/1/jobs?count=5")
            #expect(jobs.result.count == 1 && jobs.result.first?["created"] == .number(3), "\(jobs)")
            #expect(jobs.result.first?["from"] == .null && jobs.result.first?["run_to"] == .number(400))
            let slot = Slot(device: key.device).rawValue
            #expect(try await house.send("GET", "/gw/changes").body == "{\"result\":[{\"slot\":\(slot),\"rev\":4}]}")
            let rows = try await house.send("GET", "/gw/changes?slot=\(slot)&after=1&count=1")
            #expect(rows.result.first?["operation"] == .string("created") && rows.result.count == 1, "\(rows)")
            #expect(rows.result.first?["interval"]?["value"] == .number(2))
            #expect(
                try await house.send("GET", "/gw/changes?slot=\(slot)&bodies=false").result.first?["interval"] == nil)
            #expect(try await house.send("GET", "/gw/changes?slot=256").status == 400)
        }
    }
}

extension TestHouse {
    /// Assigns calculator 1 to device 1 and pushes three intervals, the last of them active.
    func assignmentWithIntervals() async throws -> AssignmentKey {
        let key = AssignmentKey(
            calculator: CalculatorID(try await calculator()), device: DeviceID(try await device("a")))
        _ = try await send("POST", "/gw/calcs/1/devices/1")
        let slot = Slot(device: key.device)
        let epoch = try store.claimAllSlots(owner: "test", at: clock.now)[slot] ?? 0
        let writes = [(100.0, 200.0), (200.0, 260.0), (300.0, 400.0)].enumerated().map { index, ends in
            let interval = Interval(
                begin: Timestamp(seconds: ends.0), end: Timestamp(seconds: ends.1), firstOn: Timestamp(seconds: ends.0),
                isActive: index == 2, counters: [.init(name: "value", value: .number(Double(index + 1)))])
            return IntervalWrite(
                id: nil, firstOn: interval.firstOn, begin: interval.begin, end: interval.end,
                isActive: interval.isActive, head: interval.head, tail: interval.tail,
                digest: hash64(interval.head + interval.tail))
        }
        let job = JobRecord(
            key: key, cause: "assigned", rangeAsked: .all,
            rangeRun: TimeRange(inclusive: Timestamp(seconds: 100), Timestamp(seconds: 400)), messageCount: 9,
            started: clock.now, milliseconds: 1.5)
        let push = Push(
            slot: slot, epoch: epoch, key: key, calculatorRevision: 1, upserts: writes,
            marks: AssignmentMarks(logPosition: 1, calculatorRevision: 1), timestamp: clock.now, job: job)
        for result in await store.push([push]) { _ = try result.get() }
        return key
    }
}
