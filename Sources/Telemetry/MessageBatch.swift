/// The values of one parameter in the rows of a batch.
public struct MessageColumn: Sendable, Equatable {
    public var parameter: ParameterID
    public var values: ValueColumn

    public init(parameter: ParameterID, values: ValueColumn) {
        self.parameter = parameter
        self.values = values
    }
}

/// Messages of one device, stored as columns.
///
/// A *sorted* batch has its rows in the order of (timestamp, hash) and holds no two rows alike; messages with one
/// timestamp and different payloads stand side by side until `coalesced()` merges them for a reader.
public struct MessageBatch: Sendable, Equatable {
    /// When each message was made, in microseconds.
    public var timestamps: [Int64]
    /// When the log took each message, in microseconds: the parameter `server.timestamp`.
    public var acceptances: [Int64]
    /// The hash of each message's own parameters (see `PayloadHash`).
    public var hashes: [UInt64]
    /// One column a parameter, in the order of the parameter ids; every column has `count` rows.
    public var columns: [MessageColumn]

    public init() {
        timestamps = []
        acceptances = []
        hashes = []
        columns = []
    }

    public init(timestamps: [Int64], acceptances: [Int64], hashes: [UInt64], columns: [MessageColumn]) {
        precondition(acceptances.count == timestamps.count && hashes.count == timestamps.count)
        self.timestamps = timestamps
        self.acceptances = acceptances
        self.hashes = hashes
        self.columns = columns
    }

    @inlinable
    public var count: Int { timestamps.count }

    public var isEmpty: Bool { timestamps.isEmpty }

    /// The column of a parameter; nil if no message of the batch has it.
    public func values(_ parameter: ParameterID) -> ValueColumn? {
        var low = 0
        var high = columns.count
        while low < high {
            let middle = (low + high) / 2
            if columns[middle].parameter < parameter { low = middle + 1 } else { high = middle }
        }
        return low < columns.count && columns[low].parameter == parameter ? columns[low].values : nil
    }

    /// The range from the first to the last message, whatever their order; nil if there is none.
    public var timeRange: TimeRange? {
        guard let first = timestamps.min(), let last = timestamps.max() else { return nil }
        return TimeRange(inclusive: Timestamp(microseconds: first), Timestamp(microseconds: last))
    }

    /// The rows of a range.
    public func slice(_ range: Range<Int>) -> MessageBatch {
        if range == 0..<count { return self }
        return MessageBatch(
            timestamps: Array(timestamps[range]), acceptances: Array(acceptances[range]),
            hashes: Array(hashes[range]),
            columns: columns.map { MessageColumn(parameter: $0.parameter, values: $0.values.slice(range)) })
    }

    /// The rows at the given indices, in their order.
    public func gather(_ rows: [Int]) -> MessageBatch {
        MessageBatch(
            timestamps: rows.map { timestamps[$0] }, acceptances: rows.map { acceptances[$0] },
            hashes: rows.map { hashes[$0] },
            columns: columns.map { MessageColumn(parameter: $0.parameter, values: $0.values.gather(rows)) })
    }

    /// The rows of some ranges, in their order.
    public func gather(_ runs: [Range<Int>]) -> MessageBatch {
        MessageBatch(
            timestamps: timestamps.gathered(runs), acceptances: acceptances.gathered(runs),
            hashes: hashes.gathered(runs),
            columns: columns.map { MessageColumn(parameter: $0.parameter, values: $0.values.gather(runs)) })
    }

    /// This batch followed by another; parameters that only one of them has are absent in the other's rows.
    public func concatenated(_ other: MessageBatch) -> MessageBatch {
        if isEmpty { return other }
        if other.isEmpty { return self }
        var merged: [MessageColumn] = []
        var left = columns[...]
        var right = other.columns[...]
        while left.first != nil || right.first != nil {
            let parameter = min(left.first?.parameter ?? .last, right.first?.parameter ?? .last)
            let head = left.first?.parameter == parameter ? left.removeFirst().values : nil
            let tail = right.first?.parameter == parameter ? right.removeFirst().values : nil
            let values = (head ?? ValueColumn(repeating: nil, count: count))
                .concatenated(tail ?? ValueColumn(repeating: nil, count: other.count))
            merged.append(MessageColumn(parameter: parameter, values: values))
        }
        return MessageBatch(
            timestamps: timestamps + other.timestamps, acceptances: acceptances + other.acceptances,
            hashes: hashes + other.hashes, columns: merged)
    }

    /// Many batches one after the other, each value copied once.
    public static func joined(_ batches: [MessageBatch]) -> MessageBatch {
        guard batches.count > 1 else { return batches.first ?? MessageBatch() }
        let count = batches.reduce(0) { $0 + $1.count }
        // The columns stand in the order of their parameters in every batch, so each is passed through once.
        var places = [Int](repeating: 0, count: batches.count)
        let columns = parameters(of: batches).map { parameter in
            let parts = batches.indices.map { index -> (column: ValueColumn?, count: Int) in
                let place = places[index]
                guard place < batches[index].columns.count, batches[index].columns[place].parameter == parameter
                else { return (nil, batches[index].count) }
                places[index] += 1
                return (batches[index].columns[place].values, batches[index].count)
            }
            return MessageColumn(parameter: parameter, values: ValueColumn.joined(parts, count: count))
        }
        var joined = MessageBatch()
        joined.timestamps.reserveCapacity(count)
        joined.acceptances.reserveCapacity(count)
        joined.hashes.reserveCapacity(count)
        for batch in batches {
            joined.timestamps.append(contentsOf: batch.timestamps)
            joined.acceptances.append(contentsOf: batch.acceptances)
            joined.hashes.append(contentsOf: batch.hashes)
        }
        joined.columns = columns
        return joined
    }

    /// The parameters of which any batch has a column, in their order.
    private static func parameters(of batches: [MessageBatch]) -> [ParameterID] {
        var known: [ParameterID] = []
        for batch in batches where !batch.columns.elementsEqual(known, by: { $0.parameter == $1 }) {
            known = Set(known).union(batch.columns.map(\.parameter)).sorted()
        }
        return known
    }

    /// The index of the first row at or after a moment; the batch must be sorted.
    public func firstRow(at moment: Timestamp) -> Int { timestamps.firstIndex(after: moment.microseconds - 1) }
}

extension ParameterID {
    fileprivate static let last = ParameterID(rawValue: .max)
}
