import Calculators
import Evaluation
import Expressions
import MessageChunks
import Telemetry

/// One way to calculate a fleet's history: a calculator over messages that lie in memory, as columns or as chunks.
public struct Replay {
    public var name: String
    let calculator: Calculator
    let environment: ExpressionEnvironment
    let input: ReplayInput
    let isDecoding: Bool
    let binding: ColumnBinding

    public init(_ input: ReplayInput, route: Bool, byDay: Bool, isDecoding: Bool) throws {
        try self.init(
            "\(isDecoding ? "chunks" : "columns"), 12 counters\(route ? " + route" : "")\(byDay ? ", by day" : "")",
            input,
            ReferenceCalculator.definition(route: route, byDay: byDay), isDecoding: isDecoding)
    }

    /// Another calculator than the reference.
    public init(_ name: String, _ input: ReplayInput, _ definition: String, isDecoding: Bool) throws {
        self.name = name
        self.input = input
        self.isDecoding = isDecoding
        calculator = try Calculator(JSONValue(parsing: Array(definition.utf8)))
        environment = try ReferenceCalculator.environment()
        binding = ColumnBinding(
            calculator.layout, table: input.table, facts: DeviceFacts(id: DeviceID(1), ident: "1", name: "1"))
    }

    /// Calculates everything once.
    public func run() throws -> ReplayResult {
        var result = ReplayResult()
        let parameters = binding.parameters
        for device in input.days.indices {
            var evaluator = Evaluator(calculator, environment: environment)
            for day in input.days[device].indices {
                let batch =
                    isDecoding
                    ? try input.chunks[device][day].batch(parameters: parameters, hashes: false)
                    : input.days[device][day]
                result.add(evaluator.consume(binding.block(batch)))
            }
            result.add(evaluator.pendingIntervals(now: .distantFuture))
        }
        return result
    }
}

/// A fleet's messages as the engine holds them: a batch, and a chunk, a device and day.
public struct ReplayInput {
    public let table = ParameterTable()
    public private(set) var days: [[MessageBatch]] = []
    public private(set) var chunks: [[MessageChunk]] = []
    public private(set) var chunkBytes = 0

    public init(_ fleet: FleetColumns) throws {
        for device in 0..<fleet.deviceCount {
            let batches = fleet.days(of: device).map { fleet.batch($0, table: table) }
                .flatMap { MessageChunk.split($0) }
            let encoded = try batches.map { try MessageChunk(MessageChunk.encode($0)) }
            chunkBytes += encoded.reduce(0) { $0 + $1.bytes.count }
            days.append(batches)
            chunks.append(encoded)
        }
    }
}

/// What must come out alike, however it was calculated.
public struct ReplayResult {
    public var intervals = 0
    public var messages = 0.0
    public var kilometres = 0.0
    public var maximumSpeeds = 0.0

    public init(intervals: Int = 0, messages: Double = 0, kilometres: Double = 0, maximumSpeeds: Double = 0) {
        self.intervals = intervals
        self.messages = messages
        self.kilometres = kilometres
        self.maximumSpeeds = maximumSpeeds
    }

    mutating func add(_ evaluated: [EvaluatedInterval]) {
        for item in evaluated {
            intervals += 1
            for counter in item.interval.counters {
                guard case .number(let number) = counter.value else { continue }
                switch counter.name {
                case "distance": kilometres += number
                case "speed.max": maximumSpeeds += number
                case "messages": messages += number
                default: break
                }
            }
        }
    }

    public var text: String {
        "intervals=\(intervals) messages=\(messages.text(0)) km=\(kilometres.text(6)) max speeds=\(maximumSpeeds.text(0))"
    }
}
