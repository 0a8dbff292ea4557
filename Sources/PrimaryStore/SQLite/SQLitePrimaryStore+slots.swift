import SQLiteClient
import Telemetry

extension SQLitePrimaryStore {
    package func claimAllSlots(owner: String, at moment: Timestamp) throws(StoreError) -> [Slot: Int64] {
        try write { writer in
            try writer.connection.run(
                "UPDATE slots SET owner = ?, epoch = epoch + 1, heart_beat = ?", owner, moment.microseconds)
            var epochs: [Slot: Int64] = [:]
            try writer.connection.statement("SELECT slot, epoch FROM slots").forEachRow { row in
                epochs[Slot(rawValue: UInt8(truncatingIfNeeded: row.int64(0)))] = row.int64(1)
            }
            return epochs
        }
    }

    package func heartBeat(owner: String, at moment: Timestamp) throws(StoreError) -> SlotSet {
        try write { writer in
            try writer.connection.run("UPDATE slots SET heart_beat = ? WHERE owner = ?", moment.microseconds, owner)
            var owned = SlotSet()
            try writer.connection.statement("SELECT slot FROM slots WHERE owner = ?", owner).forEachRow { row in
                owned.insert(Slot(rawValue: UInt8(truncatingIfNeeded: row.int64(0))))
            }
            return owned
        }
    }

    package func releaseSlots(_ slots: SlotSet, owner: String) throws(StoreError) {
        try write { writer in
            for slot in slots.slots {
                try writer.connection.run(
                    """
                    UPDATE slots SET owner = NULL, epoch = epoch + 1, heart_beat = NULL WHERE slot = ? AND owner = ?
                    """, Int(slot.rawValue), owner)
            }
        }
    }

    package func slotLeases() throws(StoreError) -> [SlotLease] {
        try read { connection in
            var leases: [SlotLease] = []
            let statement = try connection.statement(
                "SELECT slot, owner, epoch, rev, heart_beat FROM slots ORDER BY slot")
            try statement.forEachRow { row in
                leases.append(
                    SlotLease(
                        slot: Slot(rawValue: UInt8(truncatingIfNeeded: row.int64(0))), owner: row.optionalText(1),
                        epoch: row.int64(2), revision: row.int64(3),
                        heartBeat: row.optionalInt64(4).map(Timestamp.init(microseconds:))))
            }
            return leases
        }
    }

    package func slotRevisions() throws(StoreError) -> [Int64] { try slotLeases().map(\.revision) }
}
