import SQLiteClient
import Synchronization
import Telemetry

/// Where in the log the batches of each device stand.
///
/// It is kept in memory and made anew when the store is opened: an index in the file costs each append a page for every
/// device. It follows the commits, and is told of them before anybody else is. So it has every batch up to the last
/// position, and for a moment some that are sealed already: whoever reads by it finds them gone.
final class LogIndex: Sendable {
    /// Where a batch stands and how many messages it has.
    struct Place: Sendable, Hashable {
        var position: Int64
        var count: Int64
    }

    /// What a transaction does to the log.
    enum Change: Sendable {
        case appended(DeviceID, Place)
        case trimmed(DeviceID, upTo: Int64)
    }

    /// The places of each device, ascending.
    private let places: Mutex<[DeviceID: [Place]]>

    init(_ connection: Connection) throws {
        var found: [DeviceID: [Place]] = [:]
        try connection.statement("SELECT position, device, count FROM log ORDER BY position").forEachRow { row in
            found[DeviceID(row.int64(1)), default: []].append(Place(position: row.int64(0), count: row.int64(2)))
        }
        places = Mutex(found)
    }

    /// The places of a device after one position and up to another.
    func places(of device: DeviceID, after: Int64 = .min, upTo: Int64 = .max) -> ArraySlice<Place> {
        let all = places.withLock { $0[device] } ?? []
        let first = all.partitioningIndex { $0.position > after }
        let end = all.partitioningIndex { $0.position > upTo }
        return all[first..<max(first, end)]
    }

    /// What waits of the devices of some slots, in the order of the devices.
    func pending(in slots: SlotSet) -> [PendingLog] {
        let pending = places.withLock { places in
            places.compactMap { device, places in
                slots.contains(Slot(device: device)) ? PendingLog(device, places) : nil
            }
        }
        return pending.sorted { $0.device < $1.device }
    }

    /// Follows a transaction that was committed.
    func apply(_ changes: [Change]) {
        guard !changes.isEmpty else { return }
        places.withLock { places in
            for change in changes {
                switch change {
                case .appended(let device, let place): places[device, default: []].append(place)
                case .trimmed(let device, let upTo):
                    places[device]?.removeFirst(while: { $0.position <= upTo })
                    if places[device]?.isEmpty ?? false { places[device] = nil }
                }
            }
        }
    }
}

extension PendingLog {
    fileprivate init?(_ device: DeviceID, _ places: [LogIndex.Place]) {
        guard let first = places.first, let last = places.last else { return nil }
        self.init(
            device: device, entryCount: places.count, messageCount: places.reduce(0) { $0 + Int($1.count) },
            firstPosition: first.position, lastPosition: last.position)
    }
}

extension Array {
    /// The first index from which on the elements are what is asked for, where all of them stand behind the others.
    fileprivate func partitioningIndex(where isBehind: (Element) -> Bool) -> Int {
        var (lower, upper) = (startIndex, endIndex)
        while lower < upper {
            let middle = lower + (upper - lower) / 2
            if isBehind(self[middle]) { upper = middle } else { lower = middle + 1 }
        }
        return lower
    }

    /// Removes the elements from the beginning up to the first that is not what is asked for.
    fileprivate mutating func removeFirst(while isGone: (Element) -> Bool) {
        removeFirst(partitioningIndex { !isGone($0) })
    }
}
