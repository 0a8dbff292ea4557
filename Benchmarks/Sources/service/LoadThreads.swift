import Fleet
import Foundation
import Telemetry

/// The threads of a load: each has a connection of its own, and a plan that does not wait for the answers.
struct LoadThreads: Sendable {
    let plan: LoadPlan
    let port: Int
    let token: String
    let record: LoadRecord

    static var now: Double { Date().timeIntervalSince1970 }

    static func sleep(until moment: Double) {
        let left = moment - now
        if left > 0 { usleep(UInt32(left * 1e6)) }
    }

    /// Starts a thread; what it throws becomes a failure of the record.
    static func start(_ record: LoadRecord, _ work: @escaping @Sendable () throws -> Void) -> Thread {
        let thread = Thread {
            do { try work() } catch { record.add { $0.failures.append("\(error)") } }
        }
        thread.start()
        return thread
    }

    // MARK: Sending

    /// Sends the messages of a quarter of the devices, part by part, until the last second is acknowledged.
    func send(_ sender: Int) throws {
        let parts = (0..<LoadPlan.partsPerSecond).map { plan.devices(sender: sender, part: $0) }
        var vehicles = parts.map { $0.map { LoadVehicle(device: $0) } }
        var connection = try HTTPConnection(port: port, token: token)
        for second in plan.start..<plan.start + plan.seconds {
            for part in parts.indices where !parts[part].isEmpty {
                let body = Self.body(&vehicles[part], second: second)
                let moment = plan.moment(of: parts[part][0], second: second)
                Self.sleep(until: moment)
                try post(body, of: parts[part].count, planned: moment, &connection)
            }
        }
    }

    private static func body(_ vehicles: inout [LoadVehicle], second: Int) -> [UInt8] {
        var text = "["
        for index in vehicles.indices {
            if index > 0 { text += "," }
            vehicles[index].message(second: second, to: &text)
        }
        return Array((text + "]").utf8)
    }

    /// Posts until it is acknowledged: what is refused for the moment is sent again.
    private func post(
        _ body: [UInt8], of count: Int, planned: Double, _ connection: inout HTTPConnection
    ) throws {
        let begin = Self.now
        while true {
            let sent = Self.now
            let response: HTTPConnection.Response
            do {
                response = try connection.send("POST", "/gw/devices/all/messages", body)
            } catch {
                record.add { $0.failures.append("\(error)") }
                Self.sleep(until: Self.now + 1)
                connection = try HTTPConnection(port: port, token: token)
                continue
            }
            if response.status == 200 {
                return record.add { window in
                    window.acknowledged += count
                    window.behind = max(window.behind, begin - planned)
                    window.posts.append(Self.now - sent)
                }
            }
            let reason = "POST: \(response.status) \(String(decoding: response.body.prefix(200), as: UTF8.self))"
            record.add { window in
                if response.status == 429 { window.tooMany += 1 } else { window.failures.append(reason) }
            }
            Self.sleep(until: Self.now + (response.header("retry-after").flatMap(Double.init) ?? 1))
        }
    }

    // MARK: Reading

    /// Asks for reports, so many a second: a device's history mostly, its last interval, the whole fleet at times.
    func read() throws {
        let connection = try HTTPConnection(port: port, token: token)
        let interval = 1 / Double(max(1, plan.readsPerSecond))
        var planned = Self.now
        var count = 0
        while !record.isEnding {
            let choice = Int(mix64(UInt64(count)) % 1_000_003)
            let calculator = choice % LoadPlan.calculatorCount + 1
            let device = (choice / 7) % plan.devices + 1
            let which = count % 5 == 4 ? "last" : "all"
            let isFleet = count % (plan.readsPerSecond * 10) == 0
            let path =
                isFleet
                ? "/gw/calcs/4/devices/all/intervals/last"
                : "/gw/calcs/\(calculator)/devices/\(device)/intervals/\(which)"
            Self.sleep(until: planned)
            let response = try connection.get(path)
            let seconds = Self.now - planned
            record.add { window in
                window.reads.append(seconds)
                if response.status != 200 { window.failures.append("GET \(path): \(response.status)") }
            }
            planned += interval
            count += 1
        }
    }

    /// Follows the change feeds of a few slots, and takes the time from each message to the interval that has it.
    func watch() throws {
        let connection = try HTTPConnection(port: port, token: token)
        var follower = FeedFollower(plan: plan)
        while !record.isEnding {
            let round = Self.now
            for slot in plan.slots {
                let answer = try connection.get(follower.path(slot: slot))
                let seen = Self.now
                let rows = try JSONValue(parsing: answer.body)["result"]?.arrayValue ?? []
                let latencies = rows.flatMap { follower.take($0, slot: slot, seen: seen) }
                if !latencies.isEmpty { record.add { $0.latencies += latencies } }
            }
            Self.sleep(until: round + 0.1)
        }
    }

    // MARK: Editing

    /// Changes a counter of one calculator after the other, and waits until all is calculated again.
    func edit() throws {
        guard plan.editInterval > 0 else { return }
        let connection = try HTTPConnection(port: port, token: token)
        var count = 0
        while !record.isEnding {
            let due = Double(plan.start + plan.editInterval / 2 + count * plan.editInterval)
            while Self.now < due, !record.isEnding { Self.sleep(until: min(due, Self.now + 0.5)) }
            guard !record.isEnding else { return }
            let calculator = count % LoadPlan.calculatorCount
            let edits = count / LoadPlan.calculatorCount + 1
            try edit(calculator, LoadPlan.definition(calculator: calculator, edits: edits), connection)
            count += 1
        }
    }

    private func edit(_ calculator: Int, _ definition: String, _ connection: HTTPConnection) throws {
        let begin = Self.now
        let answer = try connection.send("PATCH", "/gw/calcs/\(calculator + 1)", Array(definition.utf8))
        guard answer.status == 200 else { throw BenchmarkError("PATCH: \(answer.status)") }
        var edit = LoadRecord.Edit(
            calculator: calculator + 1, at: begin - Double(plan.start), seconds: nil, messages: 0)
        while edit.seconds == nil, Self.now - begin < Double(max(60, plan.editInterval)) {
            Self.sleep(until: Self.now + 0.25)
            let body = try connection.get("/gw/calcs/\(calculator + 1)/replay").body
            let progress = try JSONValue(parsing: body)["result"]?.arrayValue?.first
            guard let since = progress?["since"]?.numberValue, since >= begin - 0.001 else { continue }
            edit.messages = progress?["messages"]?.numberValue ?? 0
            edit.seconds = progress?["ended"]?.numberValue.map { $0 - begin }
        }
        record.add(edit)
    }
}

/// Rows of change feeds, and how long after its moment each message is in an interval.
struct FeedFollower {
    private struct Key: Hashable {
        var calculator: Int
        var device: Int
    }

    private let plan: LoadPlan
    private var revisions: [Int: Int] = [:]
    private var held: [Key: (begin: Double, end: Double)] = [:]

    init(plan: LoadPlan) { self.plan = plan }

    func path(slot: Int) -> String {
        "/gw/changes?slot=\(slot)&after=\(revisions[slot] ?? 0)&bodies=false&count=1000"
    }

    /// The seconds that the messages by which an interval grew were under way. An interval that is new tells nothing:
    /// it may have waited for its least duration.
    mutating func take(_ row: JSONValue, slot: Int, seen: Double) -> [Double] {
        func number(_ name: String) -> Double? { row[name]?.numberValue }
        guard let revision = number("rev") else { return [] }
        revisions[slot] = max(revisions[slot] ?? 0, Int(revision))
        guard let calculator = number("calc_id"), let device = number("device_id"), let begin = number("begin"),
            let end = number("end"), row["operation"]?.stringValue != "deleted"
        else { return [] }
        let key = Key(calculator: Int(calculator), device: Int(device))
        defer { if end >= held[key]?.end ?? 0 { held[key] = (begin, end) } }
        guard let before = held[key], before.begin == begin, end > before.end else { return [] }
        return (Int(before.end) + 1...Int(end)).map { seen - plan.moment(of: Int(device) - 1, second: $0) }
    }
}
