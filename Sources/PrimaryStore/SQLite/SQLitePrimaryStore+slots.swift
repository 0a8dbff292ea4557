import SQLiteClient
import Telemetry

extension SQLitePrimaryStore {
    package func claimAllSlots(owner: String, at moment: Timestamp) throws(StoreError) -> [Slot: Int64] {
        try write { writer in try writer.claim(SlotSet.all.slots, owner, moment) { _ in true } }
    }

    package func claimSlots(
        _ slots: SlotSet, owner: String, at moment: Timestamp, leaseSeconds: Double
    ) throws(StoreError) -> [Slot: Int64] {
        try write { writer in
            try writer.claim(slots.slots, owner, moment) { row in
                guard let holder = row.owner, holder != owner, let heartBeat = row.heartBeat else { return true }
                return Double(moment.microseconds - heartBeat.microseconds) >= leaseSeconds * 1_000_000
            }
        }
    }

    package func heartBeat(owner: String, at moment: Timestamp) throws(StoreError) -> SlotSet {
        try write { writer in
            var owned = SlotSet()
            for slot in SlotSet.all.slots where try writer.slot(slot).owner == owner {
                try writer.changeSlot(slot) { $0.heartBeat = moment }
                owned.insert(slot)
            }
            return owned
        }
    }

    package func releaseSlots(_ slots: SlotSet, owner: String) throws(StoreError) {
        try write { writer in
            for slot in slots.slots where try writer.slot(slot).owner == owner {
                try writer.changeSlot(slot) { row in
                    row.owner = nil
                    row.heartBeat = nil
                    row.epoch += 1
                }
            }
        }
    }

    package func slotLeases() throws(StoreError) -> [SlotLease] {
        try read { connection in
            try connection.transaction(isWriting: false) {
                try zip(SlotTable.all(connection), LogTotals.load(connection)).map { row, log in row.lease(log) }
            }
        }
    }

    package func slotTimes() throws(StoreError) -> [Timestamp] { try slotLeases().map(\.time) }

    package func tick(_ epochs: [Slot: Int64], at moment: Timestamp) throws(StoreError) {
        let fences = epochs.map { slot, epoch in Fence(slot, epoch: epoch, device: nil) }
        try write { writer in
            for fence in fences {
                try writer.check(fence)
                writer.book.changeLog(fence.slot) { $0.time = max($0.time, moment) }
            }
        }
    }
}

extension Writer {
    /// Gives slots that may be taken to an owner, and returns their new epochs.
    fileprivate func claim(
        _ slots: [Slot], _ owner: String, _ moment: Timestamp, where isFree: (SlotRow) -> Bool
    ) throws -> [Slot: Int64] {
        var epochs: [Slot: Int64] = [:]
        for slot in slots where isFree(try self.slot(slot)) {
            try changeSlot(slot) { row in
                row.owner = owner
                row.epoch += 1
                row.heartBeat = moment
                epochs[slot] = row.epoch
            }
        }
        return epochs
    }
}
