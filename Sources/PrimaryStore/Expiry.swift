import Telemetry

/// What of a device's past goes: messages, intervals, and how its assignments go on without them. One transaction,
/// under the fence.
package struct Expiry: Sendable {
    package var slot: Slot
    package var epoch: Int64
    package var device: DeviceID
    /// Messages before it go and are never read again; nil leaves the messages as they are. It never moves back.
    package var horizon: Timestamp?
    package var assignments: [AssignmentExpiry]
    /// The field `timestamp` of the feed rows that it makes.
    package var at: Timestamp

    package init(
        slot: Slot, epoch: Int64, device: DeviceID, horizon: Timestamp?, assignments: [AssignmentExpiry], at: Timestamp
    ) {
        self.slot = slot
        self.epoch = epoch
        self.device = device
        self.horizon = horizon
        self.assignments = assignments
        self.at = at
    }
}

/// The new horizon of one assignment: what ends before it is frozen, and what begins later goes on from `state`.
package struct AssignmentExpiry: Sendable {
    package var key: AssignmentKey
    /// The log position that the assignment's marks must have; another one makes the expiry stale.
    package var basePosition: Int64
    package var horizon: Timestamp
    /// The evaluation after all messages before the horizon; nil: what begins at the horizon begins from nothing.
    package var state: HorizonState?
    /// Intervals that end before it are deleted, and the feed says so; nil deletes none.
    package var intervalsBefore: Timestamp?

    package init(
        key: AssignmentKey, basePosition: Int64, horizon: Timestamp, state: HorizonState?, intervalsBefore: Timestamp?
    ) {
        self.key = key
        self.basePosition = basePosition
        self.horizon = horizon
        self.state = state
        self.intervalsBefore = intervalsBefore
    }
}

/// An evaluation as it stood at the horizon of an assignment.
package struct HorizonState: Sendable, Hashable {
    /// The calculator's revision that it was made with: of use for that one only.
    package var calculatorRevision: Int64
    package var bytes: [UInt8]

    package init(calculatorRevision: Int64, bytes: [UInt8]) {
        self.calculatorRevision = calculatorRevision
        self.bytes = bytes
    }
}

/// What an expiry did.
package struct ExpiryReceipt: Sendable, Hashable {
    package var chunkCount: Int
    package var messageCount: Int
    /// The intervals that were deleted, by assignment.
    package var deletedIntervals: [AssignmentKey: [Int64]]

    package init(chunkCount: Int = 0, messageCount: Int = 0, deletedIntervals: [AssignmentKey: [Int64]] = [:]) {
        self.chunkCount = chunkCount
        self.messageCount = messageCount
        self.deletedIntervals = deletedIntervals
    }
}
