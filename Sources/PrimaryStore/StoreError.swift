import Telemetry

/// Why the primary store could not do what it was asked.
package enum StoreError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The slot has another epoch by now: whoever asked is not its owner any more.
    case fenced(slot: Slot, epoch: Int64, current: Int64)
    /// What a push was made from is not what the store holds any more.
    case stale(AssignmentKey, reason: String)
    /// Another entity has this ident.
    case identInUse(String)
    /// The entity was changed since the revision the change was made from.
    case revisionConflict(String, expected: Int64, current: Int64)
    case notFound(String)
    /// The feed row that was read last was dropped since: begin anew with the intervals as they are, and go on after
    /// this revision.
    case cursorTooOld(slot: Slot, snapshotRevision: Int64)
    /// Bytes in the store are not what was written; it names which.
    case corrupt(String)
    case diskFull
    /// A write or sync failed earlier: nothing more is written until the store is opened anew.
    case failed(String)
    /// The store is closed, or was opened for reading only.
    case notWritable(String)
    /// Another process holds the data folder.
    case locked(String)
    /// The request contradicts itself.
    case invalid(String)
    /// Any other error of the backend.
    case database(String)

    /// Whether the same call may succeed later.
    package var isRetryable: Bool {
        switch self {
        case .diskFull, .locked, .database: true
        default: false
        }
    }

    package var description: String {
        switch self {
        case .fenced(let slot, let epoch, let current):
            "slot \(slot.rawValue) is fenced: epoch \(epoch), now \(current)"
        case .stale(let key, let reason):
            "stale push for calculator \(key.calculator) on device \(key.device): \(reason)"
        case .identInUse(let ident): "ident \"\(ident)\" is in use"
        case .revisionConflict(let what, let expected, let current):
            "\(what) was changed: revision \(expected) expected, now \(current)"
        case .notFound(let what): "\(what) not found"
        case .cursorTooOld(let slot, let revision):
            "the feed of slot \(slot.rawValue) has been shortened: read the intervals anew and go on after \(revision)"
        case .corrupt(let what): "corrupt: \(what)"
        case .diskFull: "the disk is full"
        case .failed(let reason): "the store has failed and must be opened anew: \(reason)"
        case .notWritable(let reason): "the store is not writable: \(reason)"
        case .locked(let path): "\(path) is locked by another process"
        case .invalid(let reason): "invalid request: \(reason)"
        case .database(let reason): reason
        }
    }
}
