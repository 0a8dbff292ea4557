import Calculators
import Evaluation
import Expressions
import ReferenceEvaluator
import Telemetry
import TimeZones

/// The engine under test, run on a generated case.
struct Subject {
    let calculator: Calculator
    let environment: ExpressionEnvironment
    let block: MessageBlock
    let now: Timestamp

    init(_ given: GeneratedCase) throws {
        calculator = try Calculator(JSONValue(parsing: given.calculatorJSON))
        environment = ExpressionEnvironment(
            timeZone: try TimeZoneDatabase().table(given.timeZoneIdentifier),
            metadata: try JSONValue(parsing: given.metadataJSON), mileageOutlierSpeed: calculator.mileageOutlierSpeed)
        block = Self.block(given, calculator.layout)
        now = Timestamp(microseconds: given.nowMicroseconds)
    }

    private static func block(_ given: GeneratedCase, _ layout: ColumnLayout) -> MessageBlock {
        let columns = layout.names.map { name in
            var column = ValueColumn()
            for message in given.messages { column.append(value(name, message, given)) }
            return column
        }
        return MessageBlock(
            timestamps: given.messages.map(\.timestampMicroseconds),
            acceptances: given.messages.map(\.acceptanceMicroseconds), columns: columns)
    }

    private static func value(_ name: String, _ message: RefMessage, _ given: GeneratedCase) -> Value? {
        switch name {
        case "timestamp": .number(Double(message.timestampMicroseconds) / 1e6)
        case "server.timestamp": .number(Double(message.acceptanceMicroseconds) / 1e6)
        default: (given.constants[name] ?? message.values[name]).map(Value.init)
        }
    }

    /// Evaluates with the messages cut before the given rows; the state is saved and restored at each cut.
    func evaluate(cuts: [Int] = []) throws -> [RefInterval] {
        var evaluator = Evaluator(calculator, environment: environment)
        var intervals: [Interval] = []
        var start = 0
        for end in cuts + [block.count] where end > start {
            intervals += evaluator.consume(block.rows(start..<end)).map(\.interval)
            start = end
            guard end < block.count, !calculator.listsMessages else { continue }
            let saved = evaluator.state.encoded()
            let restored = try EvaluationState(calculator, decoding: saved)
            evaluator = Evaluator(calculator, environment: environment, from: restored)
        }
        intervals += evaluator.pendingIntervals(now: now).map(\.interval)
        return intervals.map(RefInterval.init)
    }

    /// The state after all messages, read in blocks cut before the given rows.
    func finalState(cuts: [Int]) -> [UInt8] {
        var evaluator = Evaluator(calculator, environment: environment)
        var start = 0
        for end in cuts + [block.count] where end > start {
            _ = evaluator.consume(block.rows(start..<end))
            start = end
        }
        return evaluator.state.encoded()
    }
}

extension MessageBlock {
    func rows(_ range: Range<Int>) -> MessageBlock {
        MessageBlock(
            timestamps: Array(content.timestamps[range]), acceptances: Array(acceptances[range]),
            columns: content.columns.map { $0.slice(range) })
    }
}

extension Value {
    init(_ value: RefValue) {
        self =
            switch value {
            case .null: .null
            case .boolean(let flag): .boolean(flag)
            case .number(let number): .number(number)
            case .string(let text): .string(text)
            case .json(let text): .json(text)
            }
    }
}

extension RefInterval {
    init(_ interval: Interval) {
        self.init(
            beginMicroseconds: interval.begin.microseconds, endMicroseconds: interval.end.microseconds,
            firstOnMicroseconds: interval.firstOn.microseconds, isActive: interval.isActive,
            counters: interval.counters.map { ($0.name, RefValue($0.value)) })
    }
}

extension RefValue {
    init(_ value: Value) {
        self =
            switch value {
            case .null: .null
            case .boolean(let flag): .boolean(flag)
            case .number(let number): .number(number)
            case .string(let text): .string(text)
            case .json(let text): .json(text)
            }
    }
}
