import Telemetry

/// What the open transaction has done to the log, to be told to its index once it is committed.
struct LogChanges {
    private(set) var all: [LogIndex.Change] = []
    /// How many there were when the part began that runs.
    private var partStart = 0

    mutating func append(_ change: LogIndex.Change) { all.append(change) }

    /// The positions of a device that were appended.
    func appended(_ device: DeviceID, upTo: Int64) -> [Int64] {
        all.compactMap { change in
            guard case .appended(device, let position, _) = change, position <= upTo else { return nil }
            return position
        }
    }

    /// Begins a part that can be undone.
    mutating func beginPart() { partStart = all.count }

    mutating func undoPart() { all.removeSubrange(partStart...) }

    /// Ends a transaction, whichever way.
    mutating func end() {
        all.removeAll(keepingCapacity: true)
        partStart = 0
    }
}
