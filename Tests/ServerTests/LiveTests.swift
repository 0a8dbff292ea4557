import Telemetry
import Testing

extension ServerSuite {
    /// From messages to intervals while the server runs.
    struct LiveTests {
        @Test("messages that arrive live grow one interval with one id, and end it")
        func live() async throws {
            let folder = try Folder()
            let server = try await TestServer(folder)
            try await server.createDevices(["van"])
            try await server.createCalculator(Shipped.trips())
            try await server.post("/gw/calcs/1/devices/1")
            let now = Int64(Deadline.wallClock) - 150
            var ids: Set<Int64> = []
            for step in 1...10 {
                let time = now + Int64(step) * 15
                try await server.postMessages([Self.message(time, ignition: true, latitude: step)], device: 1)
                guard step > 5 else { continue }
                let intervals = try await server.poll("/gw/calcs/1/devices/1/intervals/all", within: 5) {
                    $0.result.last?["end"]?.integerValue == time
                }.result
                #expect(intervals.map { $0["end"]?.integerValue } == [time], "step \(step)")
                #expect(intervals.first?["active"]?.booleanValue == true)
                ids.formUnion(intervals.compactMap { $0["id"]?.integerValue })
            }
            #expect(ids == [1])
            // The trip is over: it takes in the message that says so, 180 seconds of silence are not waited for.
            let off = now + 151
            try await server.postMessages([Self.message(off, ignition: false, latitude: 10)], device: 1)
            try await server.poll("/gw/calcs/1/devices/1/jobs", within: 5) {
                $0.result.first?["to"]?.integerValue == off
            }
            let last = try await server.get("/gw/calcs/1/devices/1/intervals/last").result.first
            #expect(last?["begin"]?.integerValue == now + 15)
            #expect(last?["id"]?.integerValue == 1)
            // An off message ends nothing yet: the halt may be a short one.
            #expect(last?["end"]?.integerValue == now + 150)
        }

        @Test("an answer never claims to be synced while an acknowledged message is not calculated")
        func freshness() async throws {
            let folder = try Folder()
            let server = try await TestServer(folder)
            try await server.createDevices(["v"])
            try await server.createCalculator(
                #"{"name":"all","update_interval":0,"selectors":[{"type":"datetime"}],"counters":"#
                    + #"[{"name":"count","type":"expression","expression":"1","method":"summary"}]}"#)
            try await server.post("/gw/calcs/1/devices/1")
            let path = "/gw/calcs/1/devices/1/intervals/all"
            _ = try await server.settledIntervals(path)
            for count in 1...150 {
                try await server.postMessages([#"{"timestamp":\#(Drives.start + Int64(count))}"#], device: 1)
                let answer = try await server.get(path)
                guard answer.isSettled else { continue }
                let counted = answer.result.last?["count"]?.integerValue ?? 0
                #expect(counted == Int64(count), "\(answer.headers)")
            }
        }

        private static func message(_ time: Int64, ignition: Bool, latitude: Int) -> String {
            #"{"timestamp":\#(time),"position.latitude":52.\#(100 + latitude),"position.longitude":13.4,"#
                + #""position.speed":\#(ignition ? 50 : 0),"engine.ignition.status":\#(ignition)}"#
        }

        @Test("a calculator is due `update_interval` after the first pending message, and not again for later ones")
        func delay() async throws {
            let folder = try Folder()
            let server = try await TestServer(folder)
            try await server.createDevices(["v"])
            try await server.createCalculator(Shipped.calculator("trips", ["update_interval": .number(1)]))
            try await server.post("/gw/calcs/1/devices/1")
            let path = "/gw/calcs/1/devices/1/intervals/all"
            _ = try await server.settledIntervals(path)
            let begin = Deadline.wallClock
            for message in Drives(seed: 3, count: 40).messages { try await server.postMessages([message], device: 1) }
            let sent = Deadline.wallClock
            #expect(try await !server.settledIntervals(path).result.isEmpty)
            let jobs = try await server.get("/gw/calcs/1/devices/1/jobs").result.filter {
                $0["cause"]?.stringValue == "messages"
            }
            let first = try #require(jobs.last?["started"]?.numberValue)
            #expect(first >= begin + 1)
            // A job for all of a second, however many posts there were.
            #expect(jobs.count <= Int(sent - begin) + 2)
        }

        @Test("a changed calculator recalculates history in time, and only changed intervals reach the feed")
        func changedCalculator() async throws {
            let folder = try Folder()
            let server = try await TestServer(folder)
            let messages = Drives(seed: 5, count: 1_200).messages
            let interval = 10.0
            let definition = try Shipped.calculator("trips", ["update_interval": .number(interval)])
            try await server.createDevices(["v"])
            try await server.postMessages(messages, device: 1)
            try await server.createCalculator(definition)
            try await server.post("/gw/calcs/1/devices/1")
            let path = "/gw/calcs/1/devices/1/intervals/all"
            let before = try await server.settledIntervals(path).result
            let revisions = try await Feed.revisions(server)

            let changed = try Shipped.calculator(
                "trips", ["update_interval": .number(interval), "validate_interval": .string("distance > 6")])
            let expected = try await Intervals.calculated(changed, messages: messages)
            let begin = Deadline.now
            try await server.put("/gw/calcs/1", #"{"validate_interval":"distance > 6"}"#)
            let after = try await server.poll(path, within: interval + 1) {
                Intervals.withoutIdentity($0.text) == expected
            }
            #expect(Intervals.withoutIdentity(after.text) == expected)
            #expect(Deadline.now - begin <= interval + 1)
            #expect(after.result.count > 2)
            #expect(after.result.count < before.count)
            try await Self.expectOnlyChanges(server, before: before, after: after.result, since: revisions)
        }

        /// The feed has the intervals that differ, and those that do not keep their id and timestamp.
        private static func expectOnlyChanges(
            _ server: TestServer, before: [JSONValue], after: [JSONValue], since revisions: [Int64: Int64]
        ) async throws {
            let rows = try await Feed.rows(server, after: revisions)
            let held = Set(before.map(\.text))
            let now = Set(after.map(\.text))
            let gone = before.filter { item in !after.contains { $0["id"] == item["id"] } }
            #expect(rows.filter { $0.operation == "deleted" }.count == gone.count)
            let written = rows.filter { $0.operation != "deleted" }.map(\.interval.text)
            #expect(written.sorted() == now.subtracting(held).sorted())
            // Trips whose `parked.before` does not look at a deleted one are the same, byte for byte.
            #expect(!held.intersection(now).isEmpty)
            #expect(!gone.isEmpty)
        }

        @Test("a device is unsynced until a calculator needs it, then synchronizing, then synced, and never goes back")
        func syncStates() async throws {
            let folder = try Folder()
            let server = try await TestServer(folder)
            try await server.createDevices(["v", "other"])
            try await server.postMessages(Drives(seed: 7, count: 3_000).messages, device: 1)
            try await server.createCalculator(Shipped.trips())
            #expect(try await Self.state(server) == "unsynced")
            let made = try await server.post("/gw/calcs/1/devices/1").result.first
            var states = ["unsynced", try #require(made?["state"]?.stringValue)]
            let deadline = Deadline(seconds: 30)
            while states.last != "synced", !deadline.isOver { states.append(try await Self.state(server)) }
            let order = ["unsynced", "synchronizing", "synced"]
            let places = states.map { order.firstIndex(of: $0) ?? -1 }
            #expect(places == places.sorted())
            #expect(states.last == "synced")
            let assignment = try await server.poll("/gw/calcs/1/devices/1") {
                $0.result.first?["synced"]?.booleanValue == true
            }
            #expect(assignment.result.first?["state"]?.stringValue == "synced")
            #expect(try await Self.state(server, device: 2) == "unsynced")
            try await server.stop()
            // After a start they are the same again, without any request.
            let next = try await TestServer(folder)
            let again = try await next.poll("/gw/calcs/1/devices/1") {
                $0.result.first?["state"]?.stringValue == "synced"
            }
            #expect(again.result.first?["state"]?.stringValue == "synced")
        }

        private static func state(_ server: TestServer, device: Int = 1) async throws -> String {
            let answer = try await server.get("/gw/devices/\(device)?fields=sync_state")
            return answer.result.first?["sync_state"]?.stringValue ?? "?"
        }
    }
}
