import Telemetry

extension Program {
    /// Compiles an expression; the names it reads get slots in the layout.
    ///
    /// A name that `variables` holds is a running value, not a parameter: it is read from the slot with `@` before it.
    public convenience init(
        _ source: String, scope: ExpressionScope = .messages, variables: Set<String> = [],
        layout: inout ColumnLayout
    ) throws(ExpressionError) {
        let tree = try Parser.parse(source)
        var compiler = Compiler(scope: scope, variables: variables, layout: layout)
        _ = try compiler.compile(tree)
        layout = compiler.layout
        self.init(source: source, compiler)
    }
}

/// Turns a tree into steps; alike leaves share a register.
struct Compiler {
    /// What stands before a variable's name in the layout; no name in an expression can begin with it.
    static let variableMark: Character = "@"

    let scope: ExpressionScope
    let variables: Set<String>
    var layout: ColumnLayout
    var instructions: [Instruction] = []
    var columns: [Int] = []
    /// Where the value of each part of the source is found.
    var traced: [TracePoint] = []
    var previousSlots: [Int] = []
    var usedSlots: Set<Int> = []
    var readsMetadata = false
    var readsGeofences = false
    var looksBack = false
    private var mileage: Int?
    private var geofences: Int?
    private var loaded: [LoadKey: Int] = [:]

    private struct LoadKey: Hashable {
        var slot: Int
        var access: ParameterAccess
    }

    init(scope: ExpressionScope, variables: Set<String>, layout: ColumnLayout) {
        self.scope = scope
        self.variables = variables
        self.layout = layout
    }

    mutating func compile(_ tree: Syntax) throws(ExpressionError) -> Int {
        let register = try steps(tree)
        traced.append(TracePoint(range: tree.range, register: register))
        return register
    }

    private mutating func steps(_ tree: Syntax) throws(ExpressionError) -> Int {
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

    /// The slot of a parameter or, where a variable has its name, of the variable.
    fileprivate mutating func slot(_ name: String) -> Int {
        let slot = layout.slot(variables.contains(name) ? "\(Self.variableMark)\(name)" : name)
        usedSlots.insert(slot)
        return slot
    }

    private mutating func load(_ name: String, _ access: ParameterAccess, _ tree: Syntax) throws(ExpressionError) -> Int
    {
        if scope.isInterval, name == "id" || name == "timestamp" {
            throw ExpressionError(
                column: tree.column,
                reason: "'\(name)' of an interval cannot be read: it is given after the calculation; use begin or end")
        }
        if scope == .source, access == .previous {
            throw ExpressionError(
                column: tree.column,
                reason: "the previous '\(name)' cannot be read: of another calculator's intervals each is seen alone")
        }
        let slot = slot(name)
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
            return emit(.exists(slot: slot(try name(arguments[0], of: function))), tree)
        case .field:
            let value = try load(try name(arguments[0], of: function), .required, tree)
            guard arguments.count > 1 else { return value }
            return emit(.call(function, [value, try compile(arguments[1])]), tree)
        case .mileage, .duration, .distanceTo, .geofence, .geofences: return try positional(function, arguments, tree)
        case .moment:
            let isNow = arguments.count < function.arguments.upperBound
            if isNow, scope.isInterval {
                throw ExpressionError(
                    column: tree.column,
                    reason: "\(function.name)() of an interval needs a time such as begin: \(function.usage)")
            }
            var registers: [Int] = []
            for argument in arguments { registers.append(try compile(argument)) }
            if isNow { registers.append(emit(.moment, tree)) }
            return emit(.call(function, registers), tree)
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
        if function.role == .geofence || function.role == .geofences {
            return try geofence(function, arguments, slots, tree)
        }
        let latitude = try compile(arguments[0])
        return emit(.distanceTo(slots, latitude: latitude, longitude: try compile(arguments[1])), tree)
    }

    private mutating func geofence(
        _ function: Function, _ arguments: [Syntax], _ slots: PositionSlots, _ tree: Syntax
    ) throws(ExpressionError) -> Int {
        readsGeofences = true
        let field = arguments.isEmpty ? emit(.constant(.string("name")), tree) : try compile(arguments[0])
        if function.role == .geofences { return emit(.geofences(slots, field: field), tree) }
        // One lookup for all calls: what they differ in is the field.
        let place = geofences ?? emit(.geofence(slots), tree)
        geofences = place
        return emit(.geofenceField(place, field: field), tree)
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
    /// It is the variable of that name if `variables` has one.
    public convenience init(parameter name: String, variables: Set<String> = [], layout: inout ColumnLayout) {
        var compiler = Compiler(scope: .messages, variables: variables, layout: layout)
        compiler.loadParameter(name)
        layout = compiler.layout
        self.init(source: name, compiler)
    }
}

extension Compiler {
    fileprivate mutating func loadParameter(_ name: String) {
        instructions.append(.load(slot: slot(name), optional: false))
        columns.append(1)
        traced.append(TracePoint(range: 1..<name.count + 1, register: 0))
    }
}
