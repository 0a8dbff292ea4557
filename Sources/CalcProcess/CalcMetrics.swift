/// What the calc process has done since it started, over all workers.
package struct CalcMetrics: Sendable, Hashable {
    package var messagesTaken: Int64 = 0
    package var messagesEvaluated: Int64 = 0
    package var jobsRun: Int64 = 0
    package var intervalsCreated: Int64 = 0
    package var intervalsUpdated: Int64 = 0
    package var intervalsDeleted: Int64 = 0
    package var chunksSealed: Int64 = 0
    /// Archive chunks that were stored for the long run.
    package var chunksCooled: Int64 = 0
    package var devicesSynced: Int64 = 0
    package var pendingJobs: Int64 = 0
    /// Whole histories that wait to be calculated or are being calculated, and those that have been.
    package var replaysPending: Int64 = 0
    package var replaysDone: Int64 = 0
    /// Messages evaluated by replays.
    package var messagesReplayed: Int64 = 0
    /// Messages that were older than the horizon of their device.
    package var messagesExpired: Int64 = 0
    /// Intervals that were older than they are kept.
    package var intervalsExpired: Int64 = 0
    /// Jobs whose differences waited for somebody to decide.
    package var jobsHeld: Int64 = 0
    /// Archive chunks that were found damaged, and those of them that were put right.
    package var chunksDamaged: Int64 = 0
    package var chunksRepaired: Int64 = 0
    /// Batches of the log that were found damaged.
    package var logBatchesDamaged: Int64 = 0
    /// Times that a write was refused because the slot was another owner's.
    package var fencedPushes: Int64 = 0

    package init() {}
}
