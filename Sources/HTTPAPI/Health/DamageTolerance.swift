import PrimaryStore
import Telemetry

/// Reads messages; where some are damaged, reads what is left and says what is missing.
enum DamageTolerance {
    /// Has a body read, first strictly; where that meets damage, once more passing over it. The errors name the device
    /// and the range of what was passed over, and so are never empty then. Blocks.
    static func read<Value>(
        _ device: DeviceID, _ range: TimeRange, from store: any PrimaryStore,
        _ body: (_ passesOver: Bool) throws(StoreError) -> Value
    ) throws(StoreError) -> (value: Value, errors: [ErrorItem]) {
        do throws(StoreError) {
            return (try body(false), [])
        } catch {
            guard case .corrupt = error else { throw error }
            let damaged = try store.damagedChunks(device: device).filter { $0.overlaps(range) }
            guard !damaged.isEmpty else { throw error }
            return (try body(true), damaged.map(\.notice))
        }
    }
}

extension DamageTolerance {
    /// What of a device may be missing among the latest values: what was set apart that is not older than all of them.
    static func notices(
        _ device: DeviceID, latest moments: [Timestamp], from store: any PrimaryStore
    ) throws(StoreError) -> [ErrorItem] {
        let oldest = moments.min() ?? .distantPast
        return try store.damagedChunks(device: nil).filter { $0.device == device && $0.last >= oldest }.map(\.notice)
    }
}

extension DamagedChunk {
    fileprivate func overlaps(_ range: TimeRange) -> Bool { first < range.upper && last >= range.lower }
}
