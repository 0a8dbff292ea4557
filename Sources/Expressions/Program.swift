import Telemetry

/// The columns that a set of programs reads: parameter names with their places in a block.
public struct ColumnLayout: Sendable, Equatable {
    /// The names in the order of their slots.
    public private(set) var names: [String] = []
    private var slots: [String: Int] = [:]

    public init() {}

    /// The slot of a name, added if it is new.
    public mutating func slot(_ name: String) -> Int {
        if let slot = slots[name] { return slot }
        slots[name] = names.count
        names.append(name)
        return names.count - 1
    }
}

/// What programs run over: a run of messages in order, as columns by slot.
public struct ExpressionBlock: Sendable {
    /// When each message was made, in microseconds.
    public var timestamps: [Int64]
    /// One column a slot of the layout, each with a row a message.
    public var columns: [ValueColumn]

    public init(timestamps: [Int64], columns: [ValueColumn]) {
        self.timestamps = timestamps
        self.columns = columns
    }

    public var count: Int { timestamps.count }
}

/// What an expression may read beside messages.
public struct ExpressionEnvironment: Sendable {
    /// The calculator's time zone, for the calendar functions.
    public var timeZone: TimeZoneTable
    /// The device's metadata, for `metadata()`.
    public var metadata: JSONValue
    /// A position that would need a higher speed (km/h) from the one before is an outlier to `mileage()`; 0 = off.
    public var mileageOutlierSpeed: Double

    public init(timeZone: TimeZoneTable = .utc, metadata: JSONValue = .object([]), mileageOutlierSpeed: Double = 0) {
        self.timeZone = timeZone
        self.metadata = metadata
        self.mileageOutlierSpeed = mileageOutlierSpeed
    }
}

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
    /// The names whose previous values are read, in the order of the memory's cells.
    public let previousNames: [String]
    /// The names of all parameters or fields that are read.
    public let names: [String]

    let instructions: [Instruction]
    let columns: [Int]
    let previousSlots: [Int]

    /// The place and the reason of the error in a row of a result, for people.
    public func explain(_ result: ValueColumn, row: Int) -> ExpressionError? {
        guard result.kind(row) == .error else { return nil }
        let index = min(max(0, Int(result.numbers[row])), instructions.count - 1)
        let reason =
            switch instructions[index] {
            case .load(let slot, _), .exists(let slot): "there is no parameter '\(slotName(slot))'"
            case .loadPrevious(let slot, _): "the previous message has no '\(slotName(slot))'"
            case .binary(let operation, _, _): "'\(operation.rawValue)' cannot be applied to these values"
            case .call(let function, _): "\(function.name)() cannot be applied to these values"
            case .mileage, .distanceTo: "the message has no valid position"
            default: "the value cannot be computed"
            }
        return ExpressionError(column: columns[index], reason: reason)
    }

    /// Whether another program gives the same values wherever both share a layout.
    public func isAlike(_ other: Program) -> Bool {
        source == other.source && scope == other.scope && instructions.count == other.instructions.count
            && slotNames == other.slotNames
    }

    private func slotName(_ slot: Int) -> String { slotNames[slot] ?? "?" }
    let slotNames: [Int: String]

    init(source: String, _ compiler: Compiler) {
        self.source = source
        scope = compiler.scope
        instructions = compiler.instructions
        columns = compiler.columns
        previousSlots = compiler.previousSlots
        previousNames = compiler.previousSlots.map { compiler.layout.names[$0] }
        readsMetadata = compiler.readsMetadata
        looksBack = compiler.looksBack
        slotNames = Dictionary(uniqueKeysWithValues: compiler.usedSlots.map { ($0, compiler.layout.names[$0]) })
        names = compiler.usedSlots.sorted().map { compiler.layout.names[$0] }
    }
}

/// What a program remembers of the messages it has seen; a value that can be saved and compared.
public struct ProgramMemory: Sendable, Equatable {
    /// Whether any message has been seen.
    var hasPrevious = false
    var previousTimestamp: Int64 = 0
    /// The previous message's values of `Program.previousNames`.
    var previous: [Value?]
    /// The last accepted position and, after an outlier, the one that may prove a real move.
    var position: Fix?
    var candidate: Fix?

    struct Fix: Sendable, Equatable {
        var latitude: Double
        var longitude: Double
        var timestamp: Int64
        /// The first of the messages in a row that say this same position.
        var since: Int64
    }

    public init(for program: Program) {
        previous = [Value?](repeating: nil, count: program.previousNames.count)
    }

    public func write(to writer: inout ByteWriter) {
        writer.write(byte: hasPrevious ? 1 : 0)
        writer.write(fixed: previousTimestamp)
        for value in previous { writer.write(value) }
        for fix in [position, candidate] {
            writer.write(byte: fix == nil ? 0 : 1)
            guard let fix else { continue }
            writer.write(double: fix.latitude)
            writer.write(double: fix.longitude)
            writer.write(fixed: fix.timestamp)
            writer.write(fixed: fix.since)
        }
    }

    public init(for program: Program, from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(for: program)
        hasPrevious = try reader.readByte() != 0
        previousTimestamp = try reader.readFixed(Int64.self)
        for index in previous.indices { previous[index] = try reader.readValue() }
        position = try Self.readFix(&reader)
        candidate = try Self.readFix(&reader)
    }

    private static func readFix(_ reader: inout ByteReader) throws(MalformedBytes) -> Fix? {
        guard try reader.readByte() != 0 else { return nil }
        return Fix(
            latitude: try reader.readDouble(), longitude: try reader.readDouble(),
            timestamp: try reader.readFixed(Int64.self), since: try reader.readFixed(Int64.self))
    }
}

extension ExpressionBlock {
    /// The rows at the given indices.
    public func gather(_ rows: [Int]) -> ExpressionBlock {
        ExpressionBlock(timestamps: rows.map { timestamps[$0] }, columns: columns.map { $0.gather(rows) })
    }

    /// The rows of a range.
    public func slice(_ rows: Range<Int>) -> ExpressionBlock {
        ExpressionBlock(timestamps: Array(timestamps[rows]), columns: columns.map { $0.slice(rows) })
    }
}

extension ProgramMemory {
    /// The memory of a program over intervals: the fields of the interval before; nil if there is none.
    public init(for program: Program, previousFields: [String: Value]?) {
        self.init(for: program)
        guard let previousFields else { return }
        hasPrevious = true
        previous = program.previousNames.map { previousFields[$0] }
    }
}
