import Fleet
import Foundation
import Telemetry
@_spi(Benchmarks) import Workbench

extension Part {
    /// The way of a message from JSON to a page, over files in a folder that is deleted before.
    static func pipeline(in folder: String) throws -> [Part] {
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let ingest = try Pipeline(folder: folder + "/ingest", updateInterval: 10)
        let single = try Pipeline(folder: folder + "/single", updateInterval: 0)
        let edited = try Pipeline(folder: folder + "/edited", updateInterval: 0)
        return [
            Part(name: "JSON to columns", item: "message") { try ingest.bench.decode(ingest.sample) },
            Part(name: "JSON to the log", item: "message") { try ingest.append(bodies: 4) },
            Part(name: "JSON to intervals, update_interval 10", item: "message") { try ingest.calculate(bodies: 10) },
            Part(name: "one message to its interval", item: "message") { try single.singles(20) },
            Part(name: "25 devices in a request, to their intervals", item: "message") { try single.together(10) },
            Part(name: "a late message into a sealed day", item: "message") { try single.late(10) },
            Part(name: "a page of intervals", item: "page") { try single.pages(20) },
            Part(name: "an edit, every interval changes", item: "interval") { try edited.edit(drives: 500) },
        ]
    }
}

/// A workbench with messages that go on from part to part.
private final class Pipeline {
    let bench: Workbench
    let sample: [UInt8]
    private let fleet = FleetColumns(devices: 25, days: 2)
    private let text: MessageText
    private let bodies: [[UInt8]]
    private var next = 0
    private var isFilled = false
    private var lateRow = 40
    private var singleMoment = 0
    private var edits = 0

    init(folder: String, updateInterval: Double) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        text = MessageText(fleet: fleet)
        // Some bodies are taken once and sent never again: a message that is there already would cost something else.
        bodies = text.bodies(Array(text.arrivals.prefix(32_000)), of: 1_000)
        sample = bodies[bodies.count - 1]
        let last = fleet.seconds.max() ?? 0
        singleMoment = Int(last) + 4_000
        bench = try Workbench(folder: folder, now: Timestamp(microseconds: (last + 90_000) * 1_000_000))
        try bench.addDevices(fleet.deviceCount)
        try bench.addCalculator(ReferenceCalculator.definition(updateInterval: updateInterval))
        try bench.settle()
    }

    func append(bodies count: Int) throws -> Int {
        var messages = 0
        for _ in 0..<count { messages += try bench.append(take()) }
        return messages
    }

    private func take() throws(FleetError) -> [UInt8] {
        guard next < bodies.count else { throw FleetError(description: "more messages are asked for than there are") }
        next += 1
        return bodies[next - 1]
    }

    func calculate(bodies count: Int) throws -> Int {
        var messages = 0
        for _ in 0..<count {
            messages += try bench.append(take())
            try bench.settle()
        }
        bench.advance(seconds: 11)
        try bench.settle()
        return messages
    }

    /// Takes the messages of the first hours and lets them be sealed, once.
    private func fill() throws {
        guard !isFilled else { return }
        isFilled = true
        _ = try append(bodies: 25)
        try bench.settle()
        // The first look tells since when there is something to seal, the second finds it old enough.
        for _ in 0..<2 {
            bench.advance(seconds: 120)
            try bench.settle()
        }
    }

    /// Messages that go on with a drive of the first device, each calculated before the next.
    func singles(_ count: Int) throws -> Int {
        try fill()
        let row = fleet.values("position.speed").firstIndex { $0 > 30 } ?? 0
        for _ in 0..<count {
            singleMoment += 5
            try one(text.object(0, row, at: "\(singleMoment)"))
        }
        return count
    }

    /// Requests of one message of every device, each calculated before the next.
    func together(_ count: Int) throws -> Int {
        try fill()
        for _ in 0..<count {
            singleMoment += 5
            let objects = (0..<fleet.deviceCount).map { device in
                text.object(device, fleet.rows(of: device).lowerBound + 40, at: "\(singleMoment)")
            }
            try one(objects.joined(separator: ","))
        }
        return count * fleet.deviceCount
    }

    /// Messages of the second device between two others of a day long gone.
    func late(_ count: Int) throws -> Int {
        try fill()
        for _ in 0..<count {
            lateRow += 20
            let row = fleet.rows(of: 1).lowerBound + lateRow
            try one(text.object(1, row, at: "\(fleet.seconds[row] + 3)"))
        }
        return count
    }

    /// A calculator changed so that each interval of one device changes with it; the drives are of three messages, so
    /// that little of it is their evaluation.
    func edit(drives count: Int) throws -> Int {
        if edits == 0 { try fill(drives: count) }
        edits += 1
        let definition = ReferenceCalculator.definition(updateInterval: 0)
        let other = definition.replacing("\"expression\":\"1\"", with: "\"expression\":\"2\"")
        try bench.changeCalculator(edits % 2 == 1 ? other : definition)
        bench.advance(seconds: 1)
        try bench.settle()
        return count
    }

    private func fill(drives count: Int) throws {
        let row = fleet.values("position.speed").firstIndex { $0 > 30 } ?? 0
        let first = Int(fleet.seconds.min() ?? 0) - count * 1_000
        let moments = (0..<count).flatMap { drive in [0, 40, 80].map { first + drive * 1_000 + $0 } }
        try one(moments.map { text.object(0, row, at: "\($0)") }.joined(separator: ","))
    }

    private func one(_ object: String) throws {
        _ = try bench.append(Array("[\(object)]".utf8))
        try bench.settle()
    }

    func pages(_ count: Int) throws -> Int {
        try fill()
        for index in 0..<count {
            guard try bench.page(of: index % fleet.deviceCount + 1) > 2 else {
                throw FleetError(description: "a page is empty")
            }
        }
        return count
    }
}
