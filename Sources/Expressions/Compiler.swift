import Telemetry

extension Program {
    /// Compiles an expression; the names it reads get slots in the layout.
    public convenience init(
        _ source: String, scope: ExpressionScope = .messages, layout: inout ColumnLayout
    ) throws(ExpressionError) {
        let tree = try Parser.parse(source)
        var compiler = Compiler(scope: scope, layout: layout)
        _ = try compiler.compile(tree)
        layout = compiler.layout
        self.init(source: source, compiler)
    }
}

/// Turns a tree into steps; alike leaves share a register.
struct Compiler {
    let scope: ExpressionScope
    var layout: ColumnLayout
    var instructions: [Instruction] = []
    var columns: [Int] = []
    var previousSlots: [Int] = []
    var usedSlots: Set<Int> = []
    var readsMetadata = false
    var looksBack = false
    private var mileage: Int?
    private var loaded: [LoadKey: Int] = [:]

    private struct LoadKey: Hashable {
        var slot: Int
        var access: ParameterAccess
    }

    init(scope: ExpressionScope, layout: ColumnLayout) {
        self.scope = scope
        self.layout = layout
    }

    mutating func compile(_ tree: Syntax) throws(ExpressionError) -> Int {
        switch tree.node {
        case .literal(let value): return emit(.constant(value), tree)
        case .parameter(let name, let access): return try load(name, access, tree)
        case .path(let value, let path): return emit(.path(try compile(value), path), tree)
        case .unary(let operation, let operand): return emit(.unary(operation, try compile(operand)), tree)
        case .binary(let operation, let left, let right):
            let first = try compile(left)
            return emit(.binary(operation, first, try compile(right)), tree)
        case .conditional(let condition, let whenTrue, let whenFalse):
            return try select([condition, whenTrue, whenFalse], tree)
        case .call(let function, let arguments): return try call(function, arguments, tree)
        }
    }

    private mutating func emit(_ instruction: Instruction, _ tree: Syntax) -> Int {
        instructions.append(instruction)
        columns.append(tree.column)
        return instructions.count - 1
    }

    private mutating func load(_ name: String, _ access: ParameterAccess, _ tree: Syntax) throws(ExpressionError) -> Int
    {
        if scope == .interval, name == "id" || name == "timestamp" {
            throw ExpressionError(
                column: tree.column,
                reason: "'\(name)' of an interval cannot be read: it is given after the calculation; use begin or end")
        }
        let slot = layout.slot(name)
        usedSlots.insert(slot)
        if let register = loaded[LoadKey(slot: slot, access: access)] { return register }
        let instruction: Instruction
        if access == .previous {
            looksBack = true
            previousSlots.append(slot)
            instruction = .loadPrevious(slot: slot, memory: previousSlots.count - 1)
        } else {
            instruction = .load(slot: slot, optional: access == .optional)
        }
        let register = emit(instruction, tree)
        loaded[LoadKey(slot: slot, access: access)] = register
        return register
    }

    private mutating func select(_ parts: [Syntax], _ tree: Syntax) throws(ExpressionError) -> Int {
        let condition = try compile(parts[0])
        let whenTrue = try compile(parts[1])
        let whenFalse = parts.count > 2 ? try compile(parts[2]) : emit(.constant(.null), tree)
        return emit(.select(condition: condition, whenTrue, whenFalse), tree)
    }

    private mutating func call(_ function: Function, _ arguments: [Syntax], _ tree: Syntax) throws(ExpressionError)
        -> Int
    {
        switch function.role {
        case .condition: return try select(arguments, tree)
        case .negation: return emit(.unary(.not, try compile(arguments[0])), tree)
        case .previous: return try load(try name(arguments[0], of: function), .previous, tree)
        case .presence:
            let slot = layout.slot(try name(arguments[0], of: function))
            usedSlots.insert(slot)
            return emit(.exists(slot: slot), tree)
        case .field:
            let value = try load(try name(arguments[0], of: function), .required, tree)
            guard arguments.count > 1 else { return value }
            return emit(.call(function, [value, try compile(arguments[1])]), tree)
        case .mileage, .duration, .distanceTo: return try positional(function, arguments, tree)
        case .moment:
            if arguments.isEmpty, scope == .interval {
                throw ExpressionError(
                    column: tree.column,
                    reason: "\(function.name)() of an interval needs a time: \(function.name)(begin)")
            }
            let moment = arguments.isEmpty ? emit(.moment, tree) : try compile(arguments[0])
            return emit(.call(function, [moment]), tree)
        case .plain, .metadata:
            if function.role == .metadata { readsMetadata = true }
            var registers: [Int] = []
            for argument in arguments { registers.append(try compile(argument)) }
            return emit(.call(function, registers), tree)
        }
    }

    private mutating func positional(
        _ function: Function, _ arguments: [Syntax], _ tree: Syntax
    ) throws(ExpressionError) -> Int {
        guard scope == .messages else {
            throw ExpressionError(
                column: tree.column, reason: "\(function.name)() works on messages, not on the fields of an interval")
        }
        if function.role == .duration {
            looksBack = true
            return emit(.duration, tree)
        }
        let slots = PositionSlots(&layout)
        usedSlots.formUnion([slots.latitude, slots.longitude, slots.valid])
        if function.role == .mileage {
            // One step for all calls: it moves the memory of the last position on.
            if let mileage { return mileage }
            looksBack = true
            let register = emit(.mileage(slots), tree)
            mileage = register
            return register
        }
        let latitude = try compile(arguments[0])
        return emit(.distanceTo(slots, latitude: latitude, longitude: try compile(arguments[1])), tree)
    }

    private func name(_ argument: Syntax, of function: Function) throws(ExpressionError) -> String {
        guard let text = argument.literalText else {
            throw ExpressionError(
                column: argument.column, reason: "\(function.name)() takes a parameter's name in quotes")
        }
        return text
    }
}

extension Program {
    /// A program that reads one parameter, whatever characters its name has; missing is an error.
    public convenience init(parameter name: String, layout: inout ColumnLayout) {
        var compiler = Compiler(scope: .messages, layout: layout)
        compiler.loadParameter(name)
        layout = compiler.layout
        self.init(source: name, compiler)
    }
}

extension Compiler {
    fileprivate mutating func loadParameter(_ name: String) {
        let slot = layout.slot(name)
        usedSlots.insert(slot)
        instructions.append(.load(slot: slot, optional: false))
        columns.append(1)
    }
}
