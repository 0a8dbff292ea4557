import MessageChunks
import PrimaryStore
import SeededRandom
import Telemetry

/// A made-up fleet as the engine hands it over: registry, feed and log; the same for the same seed.
///
/// It drives in the past, so that no clock is ever behind it.
struct MadeFleet {
    /// 2024-06-03, a Monday.
    static let start = 1_717_372_800.0

    let registry: RegistrySnapshot
    private(set) var feed: [FeedRow] = []
    private(set) var entries: [LogEntry] = []
    private(set) var revisions: [Slot: Int64] = [:]
    let parameters = ParameterTable()

    private var random: SeededGenerator
    private var builder = FeedBuilder()
    private var drafts: [(key: AssignmentKey, interval: Interval)] = []
    private var batches: [(device: DeviceID, batch: MessageBatch)] = []

    init(vehicles: Int, days: Int, seed: UInt64) {
        random = SeededGenerator(seed: seed)
        let devices = (1...Int64(vehicles)).map { id in
            var metadata: [JSONValue.Member] = [
                .init("vehicle_number", "KD\(id % 7)-\(100 + id)"),
                .init("assigned_city", id % 2 == 0 ? "Nairobi" : "Mombasa"),
            ]
            if id % 5 != 0 { metadata.append(.init("driver_name", "Driver \(id % 4)")) }
            if id % 3 != 0 { metadata.append(.init("cost_centre", "CC-\(id % 3)")) }
            return DeviceRecord(id, "86\(1_000_000 + id)", name: "DEV-\(id)", metadata: .object(metadata))
        }
        registry = RegistrySnapshot(devices: devices, calculators: Self.calculators)
        for device in devices { for day in 0..<days { drive(device.id, day) } }
        for draft in drafts.sorted(by: { $0.interval.begin < $1.interval.begin }) { add(draft.key, draft.interval) }
        revisions = builder.revisions
        for (index, made) in batches.shuffled(using: &random).enumerated() {
            entries.append(
                LogEntry(
                    position: Int64(index + 1), device: made.device, count: made.batch.count,
                    bytes: MessageChunk.encode(made.batch)))
        }
    }

    private static let calculators = [
        CalculatorRecord(
            1, "Trips",
            counters: [
                ["name": "distance", "type": "expression", "expression": "mileage()", "method": "summary"],
                ["name": "speed.max", "type": "expression", "expression": "position.speed", "method": "maximum"],
                ["name": "standing.duration", "type": "interval", "expression": "duration"],
                ["name": "begin.latitude", "type": "parameter", "parameter": "position.latitude", "method": "first"],
                ["name": "begin.longitude", "type": "parameter", "parameter": "position.longitude", "method": "first"],
                ["name": "route", "type": "route"],
            ], metadata: ["report": "trips"]),
        CalculatorRecord(2, "Stops", counters: [["name": "engine.on.duration", "type": "accumulator"]]),
        CalculatorRecord(
            3, "Too fast", counters: [["name": "speed.max", "type": "accumulator"]],
            metadata: ["alarm": ["type": "overSpeed", "severity": "warning"]]),
    ]

    private var ids: [AssignmentKey: Int64] = [:]

    private mutating func add(_ key: AssignmentKey, _ interval: Interval) {
        let id = ids[key, default: 0] + 1
        ids[key] = id
        feed.append(builder.row(.created, key, id, interval))
    }

    /// A device's day: three trips with stops between, and the messages of both in two batches.
    private mutating func drive(_ device: DeviceID, _ day: Int) {
        var messages = MessageBatchBuilder(table: parameters)
        var moment = Self.start + Double(day) * 86_400 + Double(device.rawValue)
        for trip in 0..<3 {
            moment += Double(Int.random(in: 3_600...7_200, using: &random))
            let begin = moment
            var fastest = 0.0
            for _ in 0..<Int.random(in: 4...9, using: &random) {
                let speed = Double(Int.random(in: 100...1_200, using: &random)) / 10
                fastest = max(fastest, speed)
                finish(&messages, moment, speed: speed)
                moment += 30
            }
            finish(&messages, moment, speed: 0)
            drafts.append((key(1, device.rawValue), trip1(begin, moment, fastest)))
            drafts.append(
                (key(2, device.rawValue), Interval(moment, moment + 1_800, ["engine.on.duration": .number(0)])))
            if fastest > 110 {
                drafts.append((key(3, device.rawValue), Interval(begin, begin + 30, ["speed.max": .number(fastest)])))
            }
            if trip == 1 {
                batches.append((device, messages.build()))
                messages = MessageBatchBuilder(table: parameters)
            }
        }
        batches.append((device, messages.build()))
    }

    private func trip1(_ begin: Double, _ end: Double, _ fastest: Double) -> Interval {
        Interval(
            begin, end,
            [
                "distance": .number((end - begin) / 77), "speed.max": .number(fastest),
                "standing.duration": .number(30),
                "begin.latitude": .number(-1.25), "begin.longitude": .number(36.5), "route": .string("_p~iF~ps|U"),
            ])
    }

    private mutating func finish(_ messages: inout MessageBatchBuilder, _ moment: Double, speed: Double) {
        let values: [(String, Value)] = [
            ("position.latitude", .number(-1.3 + Double(Int.random(in: 0...9_999, using: &random)) / 1e5)),
            ("position.longitude", .number(36.8 + Double(Int.random(in: 0...9_999, using: &random)) / 1e5)),
            ("position.speed", .number(speed)), ("engine.ignition.status", .boolean(speed > 0)),
            ("vehicle.mileage", .number((moment - Self.start) / 60)),
        ]
        for (name, value) in values { if let id = parameters.id(for: name) { messages.set(id, value) } }
        let at = Timestamp(seconds: moment)
        messages.finishMessage(timestamp: at, acceptance: at.advanced(bySeconds: 2))
    }
}
