import Telemetry

/// How far a calc process has a device's messages, or an assignment's intervals, in its cache.
package enum SyncState: String, Sendable, CaseIterable {
    /// Nothing is there.
    case unsynced
    /// Chunks and log are being copied, or intervals being calculated for the first time.
    case synchronizing
    case synced
}

/// How fresh the intervals of an assignment are.
package struct AssignmentStatus: Sendable, Hashable {
    package var sync: SyncState
    /// The log position up to which its intervals take the device's messages into account.
    package var appliedPosition: Int64
    /// When the oldest change that is not calculated yet came; nil if there is none.
    package var pendingSince: Timestamp?
    /// Why it is not calculated, if it cannot be.
    package var failure: String?
    /// The job whose differences wait for somebody to decide; until then nothing of it is calculated.
    package var heldJob: Int64?
    /// Intervals that end before it are frozen; nil if none is.
    package var horizon: Timestamp?

    package init(
        sync: SyncState = .unsynced, appliedPosition: Int64 = 0, pendingSince: Timestamp? = nil,
        failure: String? = nil, heldJob: Int64? = nil, horizon: Timestamp? = nil
    ) {
        self.heldJob = heldJob
        self.horizon = horizon
        self.sync = sync
        self.appliedPosition = appliedPosition
        self.pendingSince = pendingSince
        self.failure = failure
    }
}

/// How far a device is in the calc process.
package struct DeviceStatus: Sendable, Hashable {
    package var sync: SyncState
    /// The log position up to which its messages are in the cache.
    package var position: Int64
    /// What is wrong with its messages; nil if nothing is known to be.
    package var failure: String?

    package init(sync: SyncState = .unsynced, position: Int64 = 0, failure: String? = nil) {
        self.sync = sync
        self.position = position
        self.failure = failure
    }
}
