import MessageChunks
import Telemetry

/// The tables of a cache, mixed into the checksums of their rows, so that a row in another table is noticed.
enum CacheTable: Int64 {
    case meta = 1
    case totals, devices, chunks, tail, assignments, held, states
}

extension RowChecksum {
    init(_ table: CacheTable) {
        self.init()
        add(table.rawValue)
    }

    mutating func add(optional field: Int64?) {
        add(field == nil ? 0 : 1)
        add(field ?? 0)
    }

    mutating func add(_ total: RowTotal) {
        add(total.count)
        add(total.sum)
    }

    static func meta(_ key: String, _ value: Int64) -> Int64 {
        var checksum = RowChecksum(.meta)
        checksum.add(key)
        checksum.add(value)
        return checksum.valueWithoutBytes
    }

    static func totals(_ totals: CacheTotals) -> Int64 {
        var checksum = RowChecksum(.totals)
        checksum.add(totals.position)
        for total in [totals.metas, totals.devices, totals.assignments] { checksum.add(total) }
        return checksum.valueWithoutBytes
    }

    static func device(_ device: DeviceID, _ entry: DeviceEntry) -> Int64 {
        var checksum = RowChecksum(.devices)
        checksum.add(device.rawValue)
        checksum.add(optional: entry.sealed)
        checksum.add(optional: entry.latest?.microseconds)
        checksum.add(entry.chunks)
        checksum.add(entry.tail)
        checksum.add(entry.tailMessageCount)
        return checksum.valueWithoutBytes
    }

    static func assignment(_ key: AssignmentKey, _ entry: AssignmentEntry) -> Int64 {
        var checksum = RowChecksum(.assignments)
        checksum.add(key.device.rawValue)
        checksum.add(key.calculator.rawValue)
        checksum.add(optional: entry.cached?.calculatorRevision)
        if let cached = entry.cached {
            checksum.add(Int64(bitPattern: cached.deviceDigest))
            checksum.add(Int64(bitPattern: cached.geofenceDigest))
            checksum.add(cached.applied)
            checksum.add(optional: cached.timer?.microseconds)
            checksum.add(cached.isCalculated ? 1 : 0)
            checksum.add(cached.horizon)
        }
        checksum.add(entry.held)
        checksum.add(entry.states)
        return checksum.value(entry.pending)
    }

    /// Of a chunk, whose key is its first message, or of a batch of the tail, whose key is its position.
    static func messages(
        _ table: CacheTable, _ device: DeviceID, key: Int64, first: Int64, last: Int64, count: Int64, body: Int64
    ) -> Int64 {
        var checksum = RowChecksum(table)
        for field in [device.rawValue, key, first, last, count, body] { checksum.add(field) }
        return checksum.valueWithoutBytes
    }

    static func held(_ key: AssignmentKey, _ interval: HeldInterval) -> Int64 {
        var checksum = RowChecksum(.held)
        checksum.add(key.device.rawValue)
        checksum.add(key.calculator.rawValue)
        checksum.add(interval.firstOn)
        checksum.add(interval.id)
        checksum.add(interval.begin)
        checksum.add(interval.end)
        checksum.add(interval.isActive ? 1 : 0)
        checksum.add(Int64(bitPattern: interval.digest))
        return checksum.valueWithoutBytes
    }

    static func state(
        _ key: AssignmentKey, moment: Int64, pendingFrom: Int64?, isLast: Bool, count: Int64, body: Int64
    ) -> Int64 {
        var checksum = RowChecksum(.states)
        checksum.add(key.device.rawValue)
        checksum.add(key.calculator.rawValue)
        checksum.add(moment)
        checksum.add(optional: pendingFrom)
        checksum.add(isLast ? 1 : 0)
        checksum.add(count)
        checksum.add(body)
        return checksum.valueWithoutBytes
    }
}
