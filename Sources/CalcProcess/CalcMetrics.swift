/// What the calc process has done since it started, over all workers.
package struct CalcMetrics: Sendable, Hashable {
    package var messagesTaken: Int64 = 0
    package var messagesEvaluated: Int64 = 0
    package var jobsRun: Int64 = 0
    package var intervalsCreated: Int64 = 0
    package var intervalsUpdated: Int64 = 0
    package var intervalsDeleted: Int64 = 0
    package var chunksSealed: Int64 = 0
    package var devicesSynced: Int64 = 0
    package var pendingJobs: Int64 = 0

    package init() {}
}
