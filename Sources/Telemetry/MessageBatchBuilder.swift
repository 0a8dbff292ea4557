/// Collects messages row by row into columns.
public struct MessageBatchBuilder: Sendable {
    private let table: ParameterTable
    private var batch = MessageBatch()
    private var columnOf: [ParameterID: Int] = [:]
    private var columns: [MessageColumn] = []
    private var row: [(parameter: ParameterID, value: Value)] = []

    public init(table: ParameterTable) {
        self.table = table
    }

    /// Messages finished so far.
    public var count: Int { batch.timestamps.count }

    /// Gives the message being built a value; the last value given to a parameter stays.
    public mutating func set(_ parameter: ParameterID, _ value: Value) {
        if let index = row.firstIndex(where: { $0.parameter == parameter }) {
            row[index].value = value
        } else {
            row.append((parameter, value))
        }
    }

    /// Drops the message being built.
    public mutating func cancelMessage() {
        row.removeAll(keepingCapacity: true)
    }

    /// Ends the message being built.
    public mutating func finishMessage(timestamp: Timestamp, acceptance: Timestamp) {
        var hash = PayloadHash()
        for (parameter, value) in row {
            let name = table.nameHash(parameter)
            hash.add(nameHash: name, value)
            let index = column(parameter)
            columns[index].values.pad(to: count)
            columns[index].values.append(value)
        }
        batch.timestamps.append(timestamp.microseconds)
        batch.acceptances.append(acceptance.microseconds)
        batch.hashes.append(hash.value)
        row.removeAll(keepingCapacity: true)
    }

    /// The messages finished so far, in the order they were given.
    public func build() -> MessageBatch {
        var result = batch
        result.columns = columns.sorted { $0.parameter < $1.parameter }
        for index in result.columns.indices { result.columns[index].values.pad(to: count) }
        return result
    }

    private mutating func column(_ parameter: ParameterID) -> Int {
        if let index = columnOf[parameter] { return index }
        columns.append(MessageColumn(parameter: parameter, values: ValueColumn()))
        columnOf[parameter] = columns.count - 1
        return columns.count - 1
    }
}

/// The hash that tells a duplicate: over all parameters of a message but those that the way it came decides
/// (`server.timestamp`, `peer`, `channel.id`, `protocol.id`), whatever their order.
public struct PayloadHash: Sendable {
    /// Parameters that differ between two receptions of one message.
    public static let ignored: Set<String> = ["server.timestamp", "peer", "channel.id", "protocol.id"]
    static let ignoredHashes = Set(ignored.map { hash64($0.utf8) })

    /// What the hash of a name is multiplied by, so that name and value do not cancel out.
    static let nameFactor: UInt64 = 0x9e37_79b9_7f4a_7c15

    private var sum: UInt64 = 0

    public init() {}

    public mutating func add(nameHash: UInt64, _ value: Value) {
        guard !Self.ignoredHashes.contains(nameHash) else { return }
        sum &+= mix64((nameHash &* Self.nameFactor) ^ value.stableHash)
    }

    public var value: UInt64 { mix64(sum) }
}
