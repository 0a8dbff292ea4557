import Telemetry

/// One step of a program; its result is the register with its own index.
enum Instruction: Sendable {
    case constant(Value)
    case load(slot: Int, optional: Bool)
    case loadPrevious(slot: Int, memory: Int)
    case exists(slot: Int)
    case unary(UnaryOperator, Int)
    case binary(BinaryOperator, Int, Int)
    case select(condition: Int, Int, Int)
    case path(Int, String)
    case call(Function, [Int])
    case moment
    case mileage(PositionSlots)
    case duration
    case distanceTo(PositionSlots, latitude: Int, longitude: Int)
    /// The place of the first geofence around, or null.
    case geofence(PositionSlots)
    /// A field of the geofence whose place a register holds.
    case geofenceField(Int, field: Int)
    /// A field of every geofence around.
    case geofences(PositionSlots, field: Int)
}

/// Where the position of a message stands in a block.
struct PositionSlots: Sendable, Hashable {
    var latitude: Int
    var longitude: Int
    var valid: Int

    init(_ layout: inout ColumnLayout) {
        latitude = layout.slot("position.latitude")
        longitude = layout.slot("position.longitude")
        valid = layout.slot("position.valid")
    }
}

/// What an expression is evaluated over.
public enum ExpressionScope: Sendable {
    /// Messages: `previous('x')` is an error where there is no previous message or it lacks x.
    case messages
    /// The fields of one interval: `previous('x')` is null where there is none; `id` and `timestamp` cannot be read.
    case interval
    /// The fields of one interval of another calculator: as `interval`, but `previous()` is refused.
    case source

    var isInterval: Bool { self != .messages }
}

/// An expression compiled to a flat list of steps over columns.
///
/// A program holds no state: what it must remember of earlier messages is a `ProgramMemory` that the caller keeps. It
/// is a class, so that passing it on is one count of references, whatever it holds.
public final class Program: Sendable {
    /// The text it was compiled from.
    public let source: String
    public let scope: ExpressionScope
    /// Whether the result depends on messages before (`#x`, `previous()`, `mileage()`, `duration()`).
    public let looksBack: Bool
    /// Whether device metadata is read.
    public let readsMetadata: Bool
    /// Whether geofences are looked for.
    public let readsGeofences: Bool
    /// The names whose previous values are read, in the order of the memory's cells.
    public let previousNames: [String]
    /// The names of all parameters, fields and variables that are read.
    public let names: [String]
    /// Those of them that are variables.
    public let variableNames: [String]

    public var readsVariables: Bool { !variableNames.isEmpty }

    let instructions: [Instruction]
    let columns: [Int]
    let traced: [TracePoint]
    let previousSlots: [Int]

    /// The place and the reason of the error in a row of a result, for people.
    public func explain(_ result: ValueColumn, row: Int) -> ExpressionError? {
        failure(result, row)
    }

    /// The error in a row of any register.
    func failure(_ result: ValueColumn, _ row: Int) -> ExpressionError? {
        guard result.kind(row) == .error else { return nil }
        let index = min(max(0, Int(result.numbers[row])), instructions.count - 1)
        let reason =
            switch instructions[index] {
            case .load(let slot, _), .exists(let slot): "there is no parameter '\(slotName(slot))'"
            case .loadPrevious(let slot, _): "the previous message has no '\(slotName(slot))'"
            case .binary(let operation, _, _): "'\(operation.rawValue)' cannot be applied to these values"
            case .call(let function, _): "\(function.name)() cannot be applied to these values"
            case .geofenceField: "the field of a geofence is named by a string"
            case .geofences: "the message has no valid position, or the field is not named by a string"
            case .mileage, .distanceTo, .geofence: "the message has no valid position"
            default: "the value cannot be computed"
            }
        return ExpressionError(column: columns[index], reason: reason)
    }

    /// Whether another program gives the same values wherever both share a layout.
    public func isAlike(_ other: Program) -> Bool {
        source == other.source && scope == other.scope && instructions.count == other.instructions.count
            && slotNames == other.slotNames
    }

    private func slotName(_ slot: Int) -> String { Self.shownName(slotNames[slot] ?? "?") }

    /// The name that the user wrote: a variable's without its mark.
    private static func shownName(_ name: String) -> String {
        name.first == Compiler.variableMark ? String(name.dropFirst()) : name
    }

    let slotNames: [Int: String]

    init(source: String, _ compiler: Compiler) {
        self.source = source
        scope = compiler.scope
        instructions = compiler.instructions
        columns = compiler.columns
        traced = compiler.traced.sorted {
            ($0.range.lowerBound, $1.range.upperBound) < ($1.range.lowerBound, $0.range.upperBound)
        }
        previousSlots = compiler.previousSlots
        previousNames = compiler.previousSlots.map { Self.shownName(compiler.layout.names[$0]) }
        readsMetadata = compiler.readsMetadata
        readsGeofences = compiler.readsGeofences
        looksBack = compiler.looksBack
        slotNames = Dictionary(uniqueKeysWithValues: compiler.usedSlots.map { ($0, compiler.layout.names[$0]) })
        let slotNames = compiler.usedSlots.sorted().map { compiler.layout.names[$0] }
        names = slotNames.map { Self.shownName($0) }
        variableNames = slotNames.filter { $0.first == Compiler.variableMark }.map { Self.shownName($0) }
    }
}
