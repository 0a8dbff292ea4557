extension MessageBatch {
    /// Whether the rows stand in the order of (timestamp, hash), none twice.
    public var isSorted: Bool {
        for row in timestamps.indices.dropFirst() where !precedes(row - 1, row) { return false }
        return true
    }

    /// The rows in the order of (timestamp, hash); of rows alike in both, the one with the smallest acceptance stays.
    public func sorted() -> MessageBatch {
        if isSorted { return self }
        if SeededBug.mergeByArrival.isOn { return sortedByArrival() }
        let order = timestamps.indices.sorted { left, right in
            (timestamps[left], hashes[left], acceptances[left]) < (timestamps[right], hashes[right], acceptances[right])
        }
        var kept: [Int] = []
        kept.reserveCapacity(order.count)
        for row in order {
            if let last = kept.last, timestamps[last] == timestamps[row], hashes[last] == hashes[row] { continue }
            kept.append(row)
        }
        return gather(kept)
    }

    /// The seeded bug: messages of one timestamp stay in the order in which they came.
    private func sortedByArrival() -> MessageBatch {
        var kept: [Int] = []
        var hashesHere: Set<UInt64> = []
        for row in timestamps.indices.sorted(by: { (timestamps[$0], $0) < (timestamps[$1], $1) }) {
            if kept.last.map({ timestamps[$0] != timestamps[row] }) ?? true { hashesHere = [] }
            if hashesHere.insert(hashes[row]).inserted { kept.append(row) }
        }
        return gather(kept)
    }

    /// Both batches' rows, sorted and without duplicates.
    public func merged(with other: MessageBatch) -> MessageBatch {
        let runs = runs(with: other)
        return runs.map { concatenated(other).gather($0) } ?? concatenated(other).sorted()
    }

    /// The rows of both, as ranges of their concatenation that follow one another in time; nil if one batch is not
    /// sorted or both have messages of one time. Where a few messages fall among many, these ranges are long.
    private func runs(with other: MessageBatch) -> [Range<Int>]? {
        guard !isEmpty, !other.isEmpty, !SeededBug.mergeByArrival.isOn, isSorted, other.isSorted else { return nil }
        var runs: [Range<Int>] = []
        var next = 0
        for row in other.timestamps.indices {
            let border = timestamps.firstIndex(after: other.timestamps[row])
            if border > 0, timestamps[border - 1] == other.timestamps[row] { return nil }
            if border > next { runs.append(next..<border) }
            next = border
            let place = count + row
            if let last = runs.last, last.upperBound == place, last.lowerBound >= count {
                runs[runs.count - 1] = last.lowerBound..<place + 1
            } else {
                runs.append(place..<place + 1)
            }
        }
        if next < count { runs.append(next..<count) }
        return runs
    }

    /// Messages of one timestamp made one: the greater hash overrides parameter by parameter, latitude and longitude
    /// come from one payload, the acceptance is the earliest. The batch must be sorted.
    public func coalesced(latitude: ParameterID?, longitude: ParameterID?) -> MessageBatch {
        guard hasEqualTimestamps else { return self }
        var groups: [Range<Int>] = []
        var start = 0
        for row in 1...count where row == count || timestamps[row] != timestamps[start] {
            groups.append(start..<row)
            start = row
        }
        let pair = Set([latitude, longitude].compactMap { $0 })
        let positionRows = groups.map { positionRow($0, latitude, longitude) }
        return MessageBatch(
            timestamps: groups.map { timestamps[$0.lowerBound] },
            acceptances: groups.map { acceptances[$0].min() ?? 0 },
            hashes: groups.map { hashes[$0.upperBound - 1] },
            columns: columns.map { column in
                let rows = groups.indices.map { index in
                    pair.contains(column.parameter) && positionRows[index] >= 0
                        ? positionRows[index] : groups[index].last { column.values.kind($0) != .absent } ?? -1
                }
                return MessageColumn(parameter: column.parameter, values: column.values.gather(rows))
            })
    }

    private var hasEqualTimestamps: Bool {
        for row in timestamps.indices.dropFirst() where timestamps[row] == timestamps[row - 1] { return true }
        return false
    }

    /// The row of a group that gives the position: the last that has both coordinates, else the last that has one.
    private func positionRow(_ group: Range<Int>, _ latitude: ParameterID?, _ longitude: ParameterID?) -> Int {
        let latitudes = latitude.flatMap(values)
        let longitudes = longitude.flatMap(values)
        func has(_ column: ValueColumn?, _ row: Int) -> Bool { (column?.kind(row) ?? .absent) != .absent }
        return group.last { has(latitudes, $0) && has(longitudes, $0) }
            ?? group.last { has(latitudes, $0) || has(longitudes, $0) } ?? -1
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        if SeededBug.mergeByArrival.isOn { return timestamps[left] <= timestamps[right] }
        return (timestamps[left], hashes[left]) < (timestamps[right], hashes[right])
    }
}
