import Calculators
import Expressions
import Telemetry

/// All counters of one interval, at one message.
///
/// What most counters keep lies side by side in a few arrays, so that an interval costs a few allocations, and a copy
/// of it none. A saved state has them in the order of the counters.
struct Accumulators: Sendable {
    /// The last message consumed; nil before the first.
    private(set) var position: Int64?
    private let plans: CounterPlans
    private var values: [ValuesAccumulator] = []
    private var durations: [DurationAccumulator] = []
    private var others: [any Accumulator] = []
    /// What the programs of the counters remember, where they look back.
    private var memories: [ProgramMemory] = []
    /// The same of their `validate_message`.
    private var validateMemories: [ProgramMemory] = []

    /// The counters before the first message.
    init(_ plans: CounterPlans) {
        self.plans = plans
        for plan in plans.counters {
            switch plan.store {
            case .values: values.append(ValuesAccumulator())
            case .duration: durations.append(DurationAccumulator())
            case .other: others.append(plan.counter.accumulator())
            }
            if plan.memory != nil, let program = plan.program { memories.append(ProgramMemory(for: program)) }
            if plan.validateMemory != nil, let validate = plan.counter.validateMessage {
                validateMemories.append(ProgramMemory(for: validate))
            }
        }
    }

    /// Takes the rows of a range, which follow what was taken before.
    mutating func consume(_ block: StreamBlock, _ rows: Range<Int>, _ plan: EvaluationPlan) {
        guard let last = rows.last else { return }
        position = block.timestamps[last]
        // What reads variables runs over a copy of the rows in which they are filled in, one after the other.
        var completed = plan.hasVariables ? block.content.slice(rows) : nil
        let counters = plan.counting.counters
        for index in counters.indices {
            let validate = counters[index].validate
            switch counters[index].way {
            case .values(let place, let method, let column):
                let column = block.values(column)
                Self.forEachStretch(block, rows, validate) { values[place].take(column, $0, method) }
            case .duration(let place, let column):
                let column = block.values(column)
                Self.forEachStretch(block, rows, validate) {
                    durations[place].take(column, $0, block.timestamps, from: $0.lowerBound)
                }
            case .mileage(let place, let method, let memory):
                guard let mileage = plan.counting.mileage else { continue }
                let legs = block.legs(mileage, rows)
                values[place].take(legs.advance(&memories[memory]), legs.kilometres, method)
            case .look(let place, let column):
                let view = CounterView(
                    block: block.content, rows: rows, plan: plan, shared: column.map(block.values))
                Self.forEachStretch(block, rows, validate) { others[place].consume(view.over($0)) }
            case .gather:
                gather(counters[index], completed ?? block.content, completed.map { 0..<$0.count } ?? rows, plan)
            case .variable(let place, let slot):
                let values = advance(place, counters[index], completed, plan)
                completed?.columns[slot] = values
            }
        }
    }

    /// Calls the body with each run of rows that a counter may see.
    @inline(__always)
    private static func forEachStretch(
        _ block: StreamBlock, _ rows: Range<Int>, _ validate: Int?, _ body: (Range<Int>) -> Void
    ) {
        guard let validate else { return body(rows) }
        let truth = block.truth(validate)
        var start = rows.lowerBound
        while start < rows.upperBound {
            var end = start
            while end < rows.upperBound, truth[end] { end += 1 }
            if start < end { body(start..<end) }
            start = end + 1
        }
    }

    /// Goes on with a variable; returns its value at each row.
    private mutating func advance(
        _ place: Int, _ counter: CounterPlan, _ rows: ExpressionBlock?, _ plan: EvaluationPlan
    ) -> ValueColumn {
        guard let rows, var variable = others[place] as? VariableAccumulator else { return ValueColumn() }
        var memory = validateMemory(counter)
        defer { keep(memory, counter) }
        let values = variable.advance(rows, validate: &memory, plan.environment)
        others[place] = variable
        return values
    }

    private func validateMemory(_ counter: CounterPlan) -> ProgramMemory? {
        counter.validateMemory.map { validateMemories[$0] }
            ?? counter.counter.validateMessage.map { ProgramMemory(for: $0) }
    }

    private mutating func keep(_ validateMemory: ProgramMemory?, _ counter: CounterPlan) {
        if let place = counter.validateMemory, let validateMemory { validateMemories[place] = validateMemory }
    }

    /// A counter that looks back sees the messages that it may see as a stream of their own.
    private mutating func gather(
        _ counter: CounterPlan, _ block: ExpressionBlock, _ rows: Range<Int>, _ plan: EvaluationPlan
    ) {
        var view = CounterView(block: block, rows: rows, plan: plan)
        if let validate = counter.counter.validateMessage, var memory = validateMemory(counter) {
            let truth = validate.evaluate(
                block, rows: rows, memory: &memory, environment: plan.environment
            ).truth()
            keep(memory, counter)
            if truth.contains(false) {
                view.block = block.gather(truth.indices.filter { truth[$0] }.map { $0 + rows.lowerBound })
                view.rows = 0..<view.block.count
            }
        }
        if !view.rows.isEmpty { take(counter, view) }
    }

    private mutating func take(_ counter: CounterPlan, _ view: CounterView) {
        if case .other(let place) = counter.store { return others[place].consume(view) }
        guard let program = counter.program, case .values(_, let method) = counter.counter.kind else { return }
        var memory = counter.memory.map { memories[$0] } ?? ProgramMemory(for: program)
        let column = program.evaluate(view.block, rows: view.rows, memory: &memory, environment: view.environment)
        if let place = counter.memory { memories[place] = memory }
        switch counter.store {
        case .values(let place): values[place].take(column, 0..<column.count, method)
        case .duration(let place):
            durations[place].take(column, 0..<column.count, view.block.timestamps, from: view.rows.lowerBound)
        case .other: break
        }
    }

    /// The values in the order of the counters that read messages.
    func results() -> [Value?] {
        plans.counters.indices.map { index in
            switch plans.counters[index].store {
            case .values(let place): values[place].result(plans.counters[index].method)
            case .duration(let place): durations[place].result()
            case .other(let place): others[place].result()
            }
        }
    }

    var isIncomplete: Bool { others.contains { $0.isIncomplete } }
}

extension Accumulators {
    func write(to writer: inout ByteWriter, withLists: Bool) {
        writer.write(position.map { Timestamp(microseconds: $0) })
        for counter in plans.counters {
            if let program = counter.program {
                (counter.memory.map { memories[$0] } ?? ProgramMemory(for: program)).write(to: &writer)
            }
            switch counter.store {
            case .values(let place): values[place].write(to: &writer)
            case .duration(let place): durations[place].write(to: &writer)
            case .other(let place): others[place].write(to: &writer, withLists: withLists)
            }
        }
        for counter in plans.counters { validateMemory(counter)?.write(to: &writer) }
    }

    init(_ plans: CounterPlans, from reader: inout ByteReader, withLists: Bool) throws(MalformedBytes) {
        self.init(plans)
        position = try reader.readTimestamp()?.microseconds
        for counter in plans.counters {
            if let program = counter.program {
                let memory = try ProgramMemory(for: program, from: &reader)
                if let place = counter.memory { memories[place] = memory }
            }
            switch counter.store {
            case .values(let place): try values[place].read(from: &reader)
            case .duration(let place): try durations[place].read(from: &reader)
            case .other(let place): try others[place].read(from: &reader, withLists: withLists)
            }
        }
        for counter in plans.counters {
            guard let validate = counter.counter.validateMessage else { continue }
            keep(try ProgramMemory(for: validate, from: &reader), counter)
        }
    }
}
