import FoundationEssentials
import LocalCache
import Logging
import PrimaryStore
import ServiceLifecycle
import Synchronization
import Telemetry
import TimeZones

/// The part that calculates: tails the log, keeps the caches, runs recalculation jobs, seals the archive.
///
/// It owns every slot of an embedded store and spreads them over its workers, each a thread with a cache file of its
/// own. Devices stay with a worker for as long as the number of workers stays.
package final class CalcProcess: Service, Sendable {
    package struct Configuration: Sendable {
        /// The data folder; caches lie in `cache/` below it.
        package var folder: String
        package var workerCount: Int
        /// Seconds for which a device's tail may wait before it is sealed.
        package var sealSeconds: Double = 60
        /// Messages of a device's tail that are sealed at once.
        package var sealCount = 4_096

        package init(folder: String, workerCount: Int) {
            self.folder = folder
            self.workerCount = workerCount
        }
    }

    /// The most workers that make sense on one machine.
    package static let workerCountMax = 64

    private let store: any PrimaryStore
    private let board = StatusBoard()
    private let workers: [WorkerHandle]
    private let logger: Logger
    private let now: @Sendable () -> Timestamp

    package init(
        store: any PrimaryStore, timeZones: TimeZoneDatabase, configuration: Configuration,
        now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) throws {
        self.store = store
        self.logger = logger
        self.now = now
        let folder = configuration.folder + "/cache"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let count = max(1, min(configuration.workerCount, Self.workerCountMax))
        let mirror = RegistryMirror(store: store, timeZones: timeZones)
        let epochs = try store.claimAllSlots(owner: "embedded", at: now())
        let board = board
        workers = (0..<count).map { index in
            WorkerHandle(
                Worker.Setup(
                    index: index, slots: Self.slots(of: index, among: count), workerCount: count, epochs: epochs,
                    store: store,
                    mirror: mirror, board: board, cachePath: "\(folder)/worker-\(index).db",
                    sealSeconds: configuration.sealSeconds, sealCount: configuration.sealCount, now: now,
                    logger: logger))
        }
        Self.deleteOtherCaches(in: folder, keeping: count)
        let wake = workers
        store.addCommitObserver { _ in for worker in wake { worker.wake() } }
    }

    /// Works until the service is shut down.
    package func run() async throws {
        let threads = workers.map { worker in
            AsyncThread { [workers] in
                worker.run()
                // One that ends, ends all: devices of a dead worker would silently stand still.
                for other in workers { other.stop() }
            }
        }
        await withTaskCancellationOrGracefulShutdownHandler {
            for thread in threads { await thread.join() }
        } onCancelOrGracefulShutdown: { [workers] in
            for worker in workers { worker.stop() }
        }
        if let failure = workers.lazy.compactMap(\.failure).first { throw CalcProcessError(reason: failure) }
    }

    /// How far a device is.
    package func status(of device: DeviceID) -> DeviceStatus { board.status(of: device) }

    /// How fresh an assignment's intervals are.
    package func status(of key: AssignmentKey) -> AssignmentStatus {
        var status = board.status(of: key, worker: worker(of: key.device))
        // What is in the log and has not been looked at yet may concern it.
        if status.appliedPosition < store.lastPosition, status.pendingSince == nil { status.pendingSince = now() }
        return status
    }

    /// Asks for a range of an assignment to be calculated again, at once; nil: all that is not frozen.
    package func recalculate(_ key: AssignmentKey, range: TimeRange?) throws(StoreError) {
        workers[worker(of: key.device)].ask(.recalculate(key, range ?? .all))
    }

    /// Adds fields to an interval, beside its counters; null removes one.
    package func setIntervalFields(
        _ key: AssignmentKey, id: Int64, fields: [JSONValue.Member]
    ) async throws(StoreError) {
        let worker = workers[worker(of: key.device)]
        let result = await withCheckedContinuation { continuation in
            worker.ask(
                .setFields(
                    FieldsChange(key: key, id: id, fields: fields) { result in continuation.resume(returning: result) })
            )
        }
        try result.get()
    }

    private func worker(of device: DeviceID) -> Int { Int(Slot(device: device).rawValue) % workers.count }

    /// Counts of what has been done since the start, for `/metrics`.
    package var metrics: CalcMetrics { board.metrics }

    private static func slots(of index: Int, among count: Int) -> SlotSet {
        SlotSet((0..<Slot.count).filter { $0 % count == index }.map { Slot(rawValue: UInt8($0)) })
    }

    /// Caches of workers that are no more: their devices are with other workers now.
    private static func deleteOtherCaches(in folder: String, keeping count: Int) {
        for index in count..<(workerCountMax * 2) { WorkerCache.delete(path: "\(folder)/worker-\(index).db") }
    }
}

/// A worker that could not go on.
package struct CalcProcessError: Error, CustomStringConvertible {
    package var reason: String
    package var description: String { "a worker has stopped: \(reason)" }
}
