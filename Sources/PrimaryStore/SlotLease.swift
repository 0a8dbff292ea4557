import Telemetry

/// Who owns a slot, since when, and how far its feed has come.
package struct SlotLease: Sendable, Hashable {
    package var slot: Slot
    /// Nil if nobody owns it.
    package var owner: String?
    /// Counts the ownerships; every fenced write carries it.
    package var epoch: Int64
    /// The number of the last row of the slot's change feed.
    package var revision: Int64
    package var heartBeat: Timestamp?
    /// The slot time: the greatest acceptance stamp of its log, or tick.
    package var time: Timestamp

    package init(
        slot: Slot, owner: String?, epoch: Int64, revision: Int64, heartBeat: Timestamp?,
        time: Timestamp = .distantPast
    ) {
        self.slot = slot
        self.owner = owner
        self.epoch = epoch
        self.revision = revision
        self.heartBeat = heartBeat
        self.time = time
    }
}
