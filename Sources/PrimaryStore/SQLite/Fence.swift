import Telemetry

/// What a fenced write must find: the slot of its device with the epoch of its maker.
struct Fence: Sendable {
    let slot: Slot
    let epoch: Int64
    /// Nil where the write is of the slot as a whole.
    let device: DeviceID?
    /// Made on the thread of whoever asks, where the bugs that a test has switched on are known.
    private let isIgnored: Bool

    init(_ slot: Slot, epoch: Int64, device: DeviceID?) {
        self.slot = slot
        self.epoch = epoch
        self.device = device
        isIgnored = SeededBug.noFence.isOn
    }

    /// Refuses a slot with another epoch, and a device of another slot.
    func check(_ row: SlotRow) throws {
        if let device, slot != Slot(device: device) {
            throw StoreError.invalid("device \(device) is not in slot \(slot.rawValue)")
        }
        guard row.epoch == epoch || isIgnored else {
            throw StoreError.fenced(slot: slot, epoch: epoch, current: row.epoch)
        }
    }
}
