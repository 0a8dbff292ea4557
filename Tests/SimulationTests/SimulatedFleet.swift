import PrimaryStore
import ReferenceEvaluator
import SeededRandom
import Telemetry

/// A device as its maker knows it, and what it has still to send.
struct SimulatedDevice {
    var id: DeviceID
    var ident: String
    /// Everything it ever sends, in order, without stamps of acceptance.
    var messages: MessageBatch
    /// The rows that it sends at once, in the order in which it sends them.
    var batches: [[Int]]
    /// The least `messages_ttl` that it ever had; nil: it never had one.
    var ttlMin: Double?
    /// Whether anything but time lets its messages expire.
    var rotates = false
    var isGone = false
    /// Whether its messages come with their stamps of acceptance.
    var hasStamps = false
}

extension SimulatedDevice {
    /// Deals rows into batches: nearly in order, some of them twice.
    static func batches(_ count: Int, _ rates: SwarmRates, _ random: inout SeededGenerator) -> [[Int]] {
        var order = (0..<count).map { ($0, $0 + random.below(rates.reach)) }
        order.sort { ($0.1, $0.0) < ($1.1, $1.0) }
        var rows = order.map(\.0)
        for _ in 0..<count * rates.duplicates / 100 {
            rows.insert(random.below(count), at: random.below(rows.count + 1))
        }
        var batches: [[Int]] = []
        while !rows.isEmpty {
            let size = min(rows.count, 1 + random.below(rates.batchMax))
            batches.append(Array(rows.prefix(size)))
            rows.removeFirst(size)
        }
        return batches
    }
}
