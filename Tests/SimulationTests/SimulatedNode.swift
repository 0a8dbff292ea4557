import FaultDisk
import LocalCache
import Logging
import PrimaryStore
import Recalculation
import StoreSupport
import Synchronization
import Telemetry
import TimeZones

@testable import CalcProcess

/// One machine with a calc process: its slots, its workers with their caches, its clock.
final class SimulatedNode {
    private static let timeZones = TimeZoneDatabase()
    /// The slots of all devices and assets that there may be: to move more would take time only.
    private static let slots = Set((1...16).map { Slot(device: DeviceID($0)) } + [Slot(device: DeviceID(asset: 1))])
        .sorted()

    let index: Int
    let clock: SkewedClock
    let disk = SimulatedDisk()
    private(set) var process: CalcNode?
    private var startCount = 0
    /// The process is gone: it ends as soon as it comes back from what it does.
    var isDying = false
    /// What it asks is not answered until then.
    var cutOffUntil = Timestamp.distantPast
    /// It stands still until then.
    var pausedUntil = Timestamp.distantPast

    init(index: Int, clock: SimulatedClock) {
        self.index = index
        self.clock = SkewedClock(clock)
    }

    var isUp: Bool { process != nil }

    /// How its replays are to be worked on.
    var replays: ReplayControl? { process?.seats.first?.template.replays }

    /// Starts a process on the caches that are there.
    func start(_ store: SQLitePrimaryStore, _ hooks: StoreHooks, _ rates: SwarmRates, _ troubles: TroubleRates) {
        stop()
        startCount += 1
        let settings = ReplaySettings(isPaused: false, share: rates.replayShare)
        let kept = troubles.replays > 0 ? try? ReplaySettings(store) : nil
        let store = HookedStore(store, hooks, user: index)
        var logger = Logger(label: "simulation")
        logger.logLevel = .critical
        var setup = Worker.Setup(
            index: 0, slots: SlotSet(), workerCount: rates.workerCount, epochs: [:], store: store,
            mirror: RegistryMirror(store: store, timeZones: Self.timeZones), board: StatusBoard(), cachePath: "",
            sealSeconds: rates.sealSeconds, sealCount: rates.sealCount, stateSpacing: rates.stateSpacing,
            now: { [clock] in clock.now }, logger: logger)
        let processor = SimulatedProcessor(nanosecondsPerLook: rates.processorNanoseconds)
        setup.processorTime = { processor.look() }
        setup.sliceMessageCount = rates.sliceMessageCount
        setup.coldSeconds = rates.coldSeconds
        setup.expirySeconds = rates.expirySeconds
        setup.expirySlackSeconds = rates.expirySlackSeconds
        setup.replays = ReplayControl(kept ?? settings)
        setup.scrubSeconds = troubles.scrubSeconds
        var wanted = Self.slots
        if rates.hasFixedSlots { wanted = wanted.filter { Int($0.rawValue) / 2 % rates.nodeCount == index } }
        let terms = SlotOwnership.Terms(
            owner: "node-\(index)-\(startCount)", leaseSeconds: 10, wanted: SlotSet(wanted),
            isAlone: rates.nodeCount == 1 && rates.isAlone)
        process = CalcNode(setup, terms: terms) { [folder = disk.folder] in "\(folder)/worker-\($0).db" }
    }

    /// Ends it as a crash does; its disk works again for the next start.
    func stop() {
        process = nil
        isDying = false
        if disk.disk.isDead { disk.disk.restart() }
    }

    /// The worker that has a device, if its slot is here.
    func seat(of device: DeviceID) -> Int? {
        guard let process, process.keeper.slots.contains(Slot(device: device)) else { return nil }
        return Int(Slot(device: device).rawValue) % process.seats.count
    }

    /// What is left to be done, by what its workers say; nil if nothing is.
    func unrest(_ lastPosition: Int64) -> String? {
        // A node that has lost all its slots keeps its workers as they were.
        guard let process, process.keeper.mayWork else { return nil }
        for worker in process.seats.compactMap(\.worker) {
            if worker.position < lastPosition { return "worker \(worker.setup.index) is at \(worker.position)" }
            if !worker.running.isEmpty { return "jobs run" }
            if !worker.unsynced.isEmpty || !worker.setBackUntil.isEmpty { return "devices are not copied" }
            if let job = worker.heldJobs.values.min() { return "job \(job) is held" }
            for (key, work) in worker.assignments.sorted(by: { $0.key < $1.key }) where work.isEnabled {
                if let failure = work.failure { return "\(key) fails: \(failure)" }
                if !work.pending.isEmpty {
                    let all = worker.assignments.filter { $0.key.device == key.device }.sorted { $0.key < $1.key }
                    return """
                        \(key) is pending: \(work.pending.items), now \(clock.now), \(worker.waitingForSources), \
                        \(worker.replays), \(String(describing: worker.due.first)), \
                        \(all.map { ($0.key.calculator, $0.value) })
                        """
                }
                if !work.cached.isCalculated { return "\(key) is not calculated: \(work)" }
            }
        }
        return nil
    }
}

/// Processor time that passes by being looked at.
private final class SimulatedProcessor: Sendable {
    private let nanoseconds = Mutex<UInt64>(0)
    private let nanosecondsPerLook: UInt64

    init(nanosecondsPerLook: UInt64) { self.nanosecondsPerLook = nanosecondsPerLook }

    func look() -> UInt64 {
        nanoseconds.withLock { nanoseconds in
            nanoseconds += nanosecondsPerLook
            return nanoseconds
        }
    }
}
