import Logging
import PrimaryStore
import ServiceLifecycle
import Telemetry
import TimeZones

/// The part that calculates: tails the log, keeps the caches, runs recalculation jobs, seals the archive.
package final class CalcProcess: Service, Sendable {
    package struct Configuration: Sendable {
        /// The data folder; caches lie in `cache/` below it.
        package var folder: String
        package var workerCount: Int

        package init(folder: String, workerCount: Int) {
            self.folder = folder
            self.workerCount = workerCount
        }
    }

    package init(
        store: any PrimaryStore, timeZones: TimeZoneDatabase, configuration: Configuration,
        now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) throws {
    }

    package func run() async throws {}

    /// How far a device is.
    package func status(of device: DeviceID) -> DeviceStatus { DeviceStatus() }

    /// How fresh an assignment's intervals are.
    package func status(of key: AssignmentKey) -> AssignmentStatus { AssignmentStatus() }

    /// Asks for a range of an assignment to be calculated again, at once; nil: all that is not frozen.
    package func recalculate(_ key: AssignmentKey, range: TimeRange?) throws(StoreError) {}

    /// Counts of what has been done since the start, for `/metrics`.
    package var metrics: CalcMetrics { CalcMetrics() }
}

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
