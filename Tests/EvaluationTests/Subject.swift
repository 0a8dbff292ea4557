import Calculators
import Evaluation
import Expressions
import ReferenceBridge
import ReferenceEvaluator
import Telemetry
import TimeZones

/// The engine under test, run on one calculator of a generated case.
struct Subject {
    let calculator: Calculator
    let environment: ExpressionEnvironment
    let block: MessageBlock
    let now: Timestamp
    /// What its calculator reads of others.
    let sources: [CalculatorID: [Interval]]

    init(_ given: GeneratedCase) throws {
        guard let last = given.calculators.last else { throw CancellationError() }
        try self.init(given, last, sources: [:])
    }

    init(
        _ given: GeneratedCase, _ definition: GeneratedCalculator, sources: [CalculatorID: [Interval]]
    ) throws {
        calculator = try Calculator(JSONValue(parsing: definition.json))
        let geofences = try JSONValue(parsing: definition.geofencesJSON).arrayValue ?? []
        environment = ExpressionEnvironment(
            timeZone: try TimeZoneDatabase().table(definition.timeZoneIdentifier),
            metadata: try JSONValue(parsing: given.metadataJSON), mileageOutlierSpeed: calculator.mileageOutlierSpeed,
            mileageFormula: calculator.mileageFormula,
            geofences: GeofenceSet(try geofences.map { try Geofence($0, id: $0["id"]?.integerValue ?? 0) }))
        self.sources = sources
        if let source = calculator.messagesSource {
            let facts = DeviceFacts(given.constants)
            block = SourceMessages(calculator.layout, facts: facts).block(sources[source] ?? [])
        } else {
            block = Self.block(given, calculator.layout)
        }
        now = Timestamp(microseconds: given.nowMicroseconds)
    }

    /// The intervals of all calculators of a case, by id; each is evaluated over the intervals of those before it.
    static func intervals(
        _ given: GeneratedCase, cuts: (_ rows: Int) -> [Int] = { _ in [] }
    ) throws -> [Int: [Interval]] {
        var found: [Int: [Interval]] = [:]
        for definition in given.calculators {
            let sources = Dictionary(uniqueKeysWithValues: found.map { (CalculatorID(Int64($0.key)), $0.value) })
            let subject = try Subject(given, definition, sources: sources)
            found[definition.id] = try subject.intervals(cuts: cuts(subject.block.count))
        }
        return found
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
    func intervals(cuts: [Int]) throws -> [Interval] {
        var evaluator = fresh()
        var intervals: [Interval] = []
        var start = 0
        for end in cuts + [block.count] where end > start {
            intervals += evaluator.consume(block.rows(start..<end)).map(\.interval)
            start = end
            guard end < block.count, !calculator.listsMessages else { continue }
            let saved = evaluator.state.encoded()
            evaluator = fresh(from: try EvaluationState(calculator, decoding: saved))
        }
        return intervals + evaluator.pendingIntervals(now: now).map(\.interval)
    }

    func evaluate(cuts: [Int] = []) throws -> [RefInterval] { try intervals(cuts: cuts).map(RefInterval.init) }

    private func fresh(from state: EvaluationState? = nil) -> Evaluator {
        var evaluator = Evaluator(calculator, environment: environment, from: state)
        evaluator.sources = sources
        return evaluator
    }

    /// The state after all messages, read in blocks cut before the given rows.
    func finalState(cuts: [Int]) -> [UInt8] {
        var evaluator = fresh()
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

extension DeviceFacts {
    /// The facts that a case's constants tell.
    init(_ constants: [String: RefValue]) {
        func text(_ name: String) -> String { if case .string(let text)? = constants[name] { text } else { "" } }
        let id: Int64 = if case .number(let number)? = constants["device.id"] { Int64(number) } else { 0 }
        self.init(id: DeviceID(id), ident: text("ident"), name: text("device.name"))
    }
}
