import Calculators
import Expressions
import Telemetry

/// A counter that reads messages, with the way in which it takes them.
struct CounterPlan: Sendable {
    /// How a counter takes rows; the numbers are places among shared programs and in `Accumulators`.
    enum Way: Sendable {
        /// A few numbers from the column of a shared program.
        case values(Int, Method, column: Int)
        /// Seconds, from the column of a shared program.
        case duration(Int, column: Int)
        /// A few numbers from the legs of `mileage()`.
        case mileage(Int, Method, memory: Int)
        /// It reads the block where it stands, and the column of a shared program.
        case look(Int, column: Int?)
        /// It sees the messages that it may see as a stream of their own.
        case gather
        /// It completes the rows for those after it, in a slot.
        case variable(Int, slot: Int)
    }

    /// Where its state is kept in `Accumulators`.
    enum Store: Sendable {
        case values(Int), duration(Int), other(Int)
    }

    var counter: Counter
    var way: Way
    var store: Store
    /// The place of its `validate_message` among the shared programs; nil where it looks back or there is none.
    var validate: Int?
    /// The program of the counters of a few numbers and of seconds, whose memory is kept beside the state.
    var program: Program?
    var method: Method = .last
    /// The places of the memories in `Accumulators`; nil where the programs do not look back.
    var memory: Int?
    var validateMemory: Int?
}

/// The counters of a calculator that read messages, in order, with what they share.
final class CounterPlans: Sendable {
    let counters: [CounterPlan]
    /// The programs whose values do not depend on messages before: evaluated once a block, whatever intervals it has.
    let shared: [Program]
    /// Where counters that are `mileage()` and nothing else find positions.
    let mileage: Mileage?

    init(_ calculator: Calculator, _ environment: ExpressionEnvironment) {
        var drafting = CounterDrafting(environment)
        counters = calculator.counters.filter(\.readsMessages).map { drafting.plan($0) }
        shared = drafting.shared
        mileage = drafting.mileage
    }
}

/// Finds how the counters of a calculator take their messages.
private struct CounterDrafting {
    private(set) var shared: [Program] = []
    private(set) var mileage: Mileage?
    private let environment: ExpressionEnvironment
    private var storeCounts = (values: 0, durations: 0, others: 0)
    private var memoryCount = 0
    private var validateMemoryCount = 0

    init(_ environment: ExpressionEnvironment) { self.environment = environment }

    mutating func plan(_ counter: Counter) -> CounterPlan {
        var plan = CounterPlan(counter: counter, way: .gather, store: store(counter))
        if let validate = counter.validateMessage {
            plan.validate = place(of: validate)
            if validate.looksBack { plan.validateMemory = Self.next(&validateMemoryCount) }
        }
        if case .values(let program, let method) = counter.kind, method != .distinct {
            plan.program = program
            plan.method = method
            if program.looksBack { plan.memory = Self.next(&memoryCount) }
        }
        plan.way = way(plan)
        return plan
    }

    private mutating func way(_ plan: CounterPlan) -> CounterPlan.Way {
        if case .variable(let variable) = plan.counter.kind, case .other(let place) = plan.store {
            return .variable(place, slot: variable.slot)
        }
        if let memory = plan.memory, plan.counter.validateMessage == nil, case .values(let place) = plan.store,
            let found = plan.program?.mileage(environment)
        {
            mileage = found
            return .mileage(place, plan.method, memory: memory)
        }
        guard !plan.counter.needsGathering, plan.counter.validateMessage == nil || plan.validate != nil else {
            return .gather
        }
        guard case .values(let program, let method) = plan.counter.kind, let column = place(of: program) else {
            if case .other(let place) = plan.store { return .look(place, column: nil) }
            return .gather
        }
        switch plan.store {
        case .values(let place): return .values(place, method, column: column)
        case .duration(let place): return .duration(place, column: column)
        case .other(let place): return .look(place, column: column)
        }
    }

    private mutating func store(_ counter: Counter) -> CounterPlan.Store {
        switch counter.kind {
        case .values(_, .distinct): .other(Self.next(&storeCounts.others))
        case .values(_, .duration): .duration(Self.next(&storeCounts.durations))
        case .values: .values(Self.next(&storeCounts.values))
        default: .other(Self.next(&storeCounts.others))
        }
    }

    private static func next(_ count: inout Int) -> Int {
        count += 1
        return count - 1
    }

    private mutating func place(of program: Program) -> Int? {
        guard !program.looksBack, !program.readsVariables else { return nil }
        if let place = shared.firstIndex(where: { $0.isAlike(program) }) { return place }
        shared.append(program)
        return shared.count - 1
    }
}

extension Counter {
    /// Whether a program of the counter depends on messages before, or on variables.
    fileprivate var needsGathering: Bool {
        if case .variable = kind { return true }
        return messagePrograms.contains { ($0.looksBack && $0 !== validateMessage) || $0.readsVariables }
    }
}
