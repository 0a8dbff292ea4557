import PrimaryStore
import Telemetry

/// Rows of several slots on their way into one delivery.
struct FeedBatch {
    private(set) var rows: [FeedRow] = []
    /// The last row of each slot.
    private(set) var reached: [Slot: Int64] = [:]
    private(set) var countLeft: Int
    private(set) var bytesLeft: Int

    init(_ limits: DeliveryLimits) {
        countLeft = limits.rowCountMax
        bytesLeft = limits.byteCountMax
    }

    var isFull: Bool { countLeft <= 0 || bytesLeft <= 0 }

    mutating func add(_ more: [FeedRow]) {
        for row in more {
            reached[row.slot] = row.revision
            countLeft -= 1
            bytesLeft -= row.json?.count ?? 0
        }
        rows += more
    }
}
