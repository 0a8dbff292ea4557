import Calculators
import Expressions
import Telemetry

/// A run of a device's messages as a calculator reads them: one message a timestamp, in order, one column a slot of the
/// calculator's layout.
public struct MessageBlock: Sendable {
    public var content: ExpressionBlock
    /// When the log took each message, in microseconds.
    public var acceptances: [Int64]

    public init(timestamps: [Int64], acceptances: [Int64], columns: [ValueColumn]) {
        precondition(timestamps.count == acceptances.count && columns.allSatisfy { $0.count == timestamps.count })
        content = ExpressionBlock(timestamps: timestamps, columns: columns)
        self.acceptances = acceptances
    }

    public var count: Int { content.count }
}

/// What every message of a device has without carrying it.
public struct DeviceFacts: Sendable, Hashable {
    public var id: DeviceID
    public var ident: String
    public var name: String
    public var typeID: Double

    public init(id: DeviceID, ident: String, name: String, typeID: Double = 0) {
        self.id = id
        self.ident = ident
        self.name = name
        self.typeID = typeID
    }

    /// The parameters that stand for the device itself.
    public static let names: Set<String> = ["ident", "device.id", "device.name", "device.type.id"]

    /// The value of such a parameter; nil for any other name.
    public func value(_ name: String) -> Value? {
        switch name {
        case "ident": .string(ident)
        case "device.id": id.rawValue > 0 ? .number(Double(id.rawValue)) : nil
        case "device.name": .string(self.name)
        case "device.type.id": .number(typeID)
        default: nil
        }
    }
}

/// The device that stood for an asset for a while.
public struct FactsStretch: Sendable, Hashable {
    public var range: TimeRange
    public var facts: DeviceFacts

    public init(range: TimeRange, facts: DeviceFacts) {
        self.range = range
        self.facts = facts
    }
}

/// Finds the columns of a calculator's layout in the batches of one device, or of an asset.
public struct ColumnBinding: Sendable {
    private enum Source: Sendable {
        case parameter(ParameterID)
        case timestamp, acceptance, wholeMessage
        case constant(Value?)
        /// A fact of the device that stood for the asset.
        case fact(String)
    }

    private let sources: [Source]
    private let table: ParameterTable
    let layout: ColumnLayout
    let facts: DeviceFacts
    /// The devices that stood for an asset, in order; empty for a device.
    private let stretches: [FactsStretch]
    private let latitude: ParameterID?
    private let longitude: ParameterID?
    /// Whether whole messages are wanted, and so every column.
    public let needsAllColumns: Bool

    public init(
        _ layout: ColumnLayout, table: ParameterTable, facts: DeviceFacts, stretches: [FactsStretch] = []
    ) {
        let variableMark = VariableCounter.slotName("")
        self.layout = layout
        self.table = table
        self.facts = facts
        self.stretches = stretches
        latitude = table.existing("position.latitude")
        longitude = table.existing("position.longitude")
        needsAllColumns = layout.names.contains(MessageCounter.wholeMessageName)
        sources = layout.names.map { name in
            switch name {
            case "timestamp": .timestamp
            case "server.timestamp": .acceptance
            case MessageCounter.wholeMessageName: .wholeMessage
            // Variables are filled in while counters run.
            case _ where name.hasPrefix(variableMark): .constant(nil)
            case _ where !stretches.isEmpty && DeviceFacts.names.contains(name): .fact(name)
            default:
                DeviceFacts.names.contains(name)
                    ? .constant(facts.value(name)) : table.existing(name).map { .parameter($0) } ?? .constant(nil)
            }
        }
    }

    /// The stored parameters that must be decoded; latitude and longitude come along, since they are merged as a pair.
    public var parameters: [ParameterID] {
        let named = sources.compactMap { if case .parameter(let id) = $0 { id } else { nil } }
        return Set(named).sorted()
    }

    /// The block of a sorted batch that holds the needed columns.
    public func block(_ batch: MessageBatch) -> MessageBlock {
        let merged = batch.coalesced(latitude: latitude, longitude: longitude)
        let columns = sources.map { source -> ValueColumn in
            switch source {
            case .parameter(let id): merged.values(id) ?? ValueColumn(repeating: nil, count: merged.count)
            case .timestamp: ValueColumn(numbers: merged.timestamps.map { Double($0) / 1e6 })
            case .acceptance: ValueColumn(numbers: merged.acceptances.map { Double($0) / 1e6 })
            case .constant(let value): ValueColumn(repeating: value, count: merged.count)
            case .fact(let name): column(merged) { facts, _ in facts?.value(name) }
            case .wholeMessage: wholeMessages(merged)
            }
        }
        return MessageBlock(timestamps: merged.timestamps, acceptances: merged.acceptances, columns: columns)
    }

    private func wholeMessages(_ batch: MessageBatch) -> ValueColumn {
        guard stretches.isEmpty else {
            return column(batch) { facts, row in
                let renderer = MessageRenderer(table: table, constants: facts?.constants ?? [])
                return .json(renderer.text(batch, row: row))
            }
        }
        let renderer = MessageRenderer(table: table, constants: facts.constants)
        var column = ValueColumn()
        for row in 0..<batch.count { column.append(.json(renderer.text(batch, row: row))) }
        return column
    }

    /// A column of what the device of each message tells.
    private func column(_ batch: MessageBatch, _ value: (DeviceFacts?, Int) -> Value?) -> ValueColumn {
        var column = ValueColumn()
        var place = 0
        for row in 0..<batch.count {
            let moment = Timestamp(microseconds: batch.timestamps[row])
            while place < stretches.count, stretches[place].range.upper <= moment { place += 1 }
            let isInside = place < stretches.count && stretches[place].range.contains(moment)
            column.append(value(isInside ? stretches[place].facts : nil, row))
        }
        return column
    }
}

extension DeviceFacts {
    /// The parameters that a message of the device carries in an answer.
    public var constants: [(name: String, value: Value)] {
        ["ident", "device.id", "device.name", "device.type.id"].compactMap { name in
            value(name).map { (name, $0) }
        }
    }
}
