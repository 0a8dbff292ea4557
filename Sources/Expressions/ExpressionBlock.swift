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
