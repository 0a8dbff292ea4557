import Telemetry

/// What clients have sent, and what of it was acknowledged.
struct Journal {
    struct Name: Hashable, Comparable {
        var timestamp: Int64
        var hash: UInt64

        static func < (left: Name, right: Name) -> Bool {
            (left.timestamp, left.hash) < (right.timestamp, right.hash)
        }
    }

    struct Entry {
        /// Every stamp it was sent with.
        var stamps: Set<Int64> = []
        /// The smallest stamp that was acknowledged; nil if none was.
        var acknowledged: Int64?
        /// Whether it lay in what was damaged since it was acknowledged.
        var mayBeLost = false
    }

    private var entries: [DeviceID: [Name: Entry]] = [:]

    mutating func noteSent(_ batch: MessageBatch, to device: DeviceID) {
        for row in batch.timestamps.indices {
            entries[device, default: [:]][Self.name(batch, row), default: Entry()].stamps.insert(batch.acceptances[row])
        }
    }

    mutating func noteAcknowledged(_ batch: MessageBatch, of device: DeviceID) {
        for row in batch.timestamps.indices {
            let name = Self.name(batch, row)
            let entry = entries[device]?[name] ?? Entry()
            let known = entry.mayBeLost ? nil : entry.acknowledged
            entries[device]?[name]?.acknowledged = min(known ?? .max, batch.acceptances[row])
            entries[device]?[name]?.mayBeLost = false
        }
    }

    /// Notes that messages lay in what has been damaged.
    mutating func noteDamaged(_ batch: MessageBatch, of device: DeviceID) {
        for row in batch.timestamps.indices { entries[device]?[Self.name(batch, row)]?.mayBeLost = true }
    }

    static func name(_ batch: MessageBatch, _ row: Int) -> Name {
        Name(timestamp: batch.timestamps[row], hash: batch.hashes[row])
    }

    /// Why what is read of a device is not what was sent and acknowledged; nil if it is. `isTold`: the reader was told
    /// that what was damaged is missing.
    func difference(
        _ device: DeviceID, read blocks: [MessageBatch], horizon: Timestamp, isTold: Bool
    ) -> String? {
        var seen: Set<Name> = []
        let sent = entries[device] ?? [:]
        for block in blocks {
            for row in block.timestamps.indices {
                let name = Self.name(block, row)
                let stamp = block.acceptances[row]
                guard let entry = sent[name] else { return "a message at \(name.timestamp) was never sent" }
                guard seen.insert(name).inserted else { return "the message at \(name.timestamp) is there twice" }
                guard entry.stamps.contains(stamp) else { return "the message at \(name.timestamp) has another stamp" }
                if let first = entry.acknowledged, stamp > first, !entry.mayBeLost {
                    return "the message at \(name.timestamp) was accepted at \(first), \(stamp) is told"
                }
            }
        }
        for (name, entry) in sent.sorted(by: { $0.key < $1.key })
        where entry.acknowledged != nil && name.timestamp >= horizon.microseconds && !seen.contains(name) {
            if entry.mayBeLost, isTold { continue }
            return "the acknowledged message at \(name.timestamp) is lost\(entry.mayBeLost ? " and nobody told" : "")"
        }
        return nil
    }

    var acknowledgedCount: Int { entries.values.reduce(0) { $0 + $1.values.count { $0.acknowledged != nil } } }
}
