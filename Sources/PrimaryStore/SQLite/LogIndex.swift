import SQLiteClient
import Synchronization
import Telemetry

/// Where in the log the batches of each device stand.
///
/// It is kept in memory and made anew when the store is opened: an index in the file costs each append a page for every
/// device. It follows the commits, and is told of them before anybody else is. So it has every batch up to the last
/// position, and for a moment some that are sealed already: whoever reads by it finds them gone.
final class LogIndex: Sendable {
    /// What a transaction does to the log.
    enum Change: Sendable {
        case appended(DeviceID, position: Int64, count: Int64)
        case trimmed(DeviceID, upTo: Int64)
    }

    /// The batches of a device: where they stand, ascending, and how many messages each has.
    fileprivate struct Batches {
        var positions: [Int64] = []
        var counts: [Int64] = []

        mutating func append(_ position: Int64, _ count: Int64) {
            positions.append(position)
            counts.append(count)
        }

        mutating func trim(upTo position: Int64) {
            let end = positions.firstIndex(after: position)
            positions.removeFirst(end)
            counts.removeFirst(end)
        }
    }

    private let batches: Mutex<[DeviceID: Batches]>

    init(_ connection: Connection) throws {
        var found: [DeviceID: Batches] = [:]
        try connection.statement("SELECT position, device, count FROM log ORDER BY position").forEachRow { row in
            found[DeviceID(row.int64(1)), default: Batches()].append(row.int64(0), row.int64(2))
        }
        batches = Mutex(found)
    }

    /// The positions of a device's batches after one and up to another.
    func positions(of device: DeviceID, after: Int64 = .min, upTo: Int64 = .max) -> ArraySlice<Int64> {
        let all = batches.withLock { $0[device]?.positions } ?? []
        let first = all.firstIndex(after: after)
        return all[first..<max(first, all.firstIndex(after: upTo))]
    }

    /// What waits of the devices of some slots, in the order of the devices.
    func pending(in slots: SlotSet) -> [PendingLog] {
        let pending = batches.withLock { batches in
            batches.compactMap { device, batches in
                slots.contains(Slot(device: device)) ? PendingLog(device, batches) : nil
            }
        }
        return pending.sorted { $0.device < $1.device }
    }

    /// Follows a transaction that was committed.
    func apply(_ changes: [Change]) {
        guard !changes.isEmpty else { return }
        batches.withLock { batches in
            for change in changes {
                switch change {
                case .appended(let device, let position, let count):
                    batches[device, default: Batches()].append(position, count)
                case .trimmed(let device, let upTo):
                    batches[device]?.trim(upTo: upTo)
                    if batches[device]?.positions.isEmpty ?? false { batches[device] = nil }
                }
            }
        }
    }
}

extension PendingLog {
    fileprivate init?(_ device: DeviceID, _ batches: LogIndex.Batches) {
        guard let first = batches.positions.first, let last = batches.positions.last else { return nil }
        self.init(
            device: device, entryCount: batches.positions.count, messageCount: Int(batches.counts.reduce(0, +)),
            firstPosition: first, lastPosition: last)
    }
}
