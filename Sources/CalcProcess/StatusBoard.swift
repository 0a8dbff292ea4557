import PrimaryStore
import Synchronization
import Telemetry

/// What the workers say of their work, for everyone to read.
final class StatusBoard: Sendable {
    private struct State {
        var devices = PagedTable<DeviceID, DeviceStatus>()
        var assignments = PagedTable<AssignmentKey, AssignmentStatus>()
        var metrics = CalcMetrics()
        /// How often messages of a device went.
        var expiryCount = 0
        var replays = ReplayTally()
        var findings: [HealthFinding] = []
    }

    /// Findings that are kept; the oldest go.
    static let findingsMax = 100

    /// Where the workers are in the log. A worker tells what waits to be calculated before it goes on there.
    let log = LogBoard()
    private let state = Mutex(State())
    private let expiryObserver = Mutex<(@Sendable () -> Void)?>(nil)

    func status(of device: DeviceID) -> DeviceStatus { state.withLock { $0.devices[device] ?? DeviceStatus() } }

    /// How fresh an assignment of a worker is: with nothing pending, as fresh as the worker.
    func status(of key: AssignmentKey, worker: Int) -> AssignmentStatus {
        state.withLock { status(of: key, worker, $0) }
    }

    /// The same of several; messages of none of them may pass by meanwhile, which makes some look fresher.
    func statuses(of keys: [AssignmentKey], worker: (DeviceID) -> Int) -> [AssignmentStatus] {
        state.withLock { state in keys.map { status(of: $0, worker($0.device), state) } }
    }

    private func status(of key: AssignmentKey, _ worker: Int, _ state: State) -> AssignmentStatus {
        guard var status = state.assignments[key] else { return AssignmentStatus() }
        if status.pendingSince == nil, status.sync == .synced {
            status.appliedPosition = max(status.appliedPosition, log.position(of: worker))
        }
        return status
    }

    /// How often messages of a device went: its assets, maybe of another worker, have to follow.
    var expiryCount: Int { state.withLock { $0.expiryCount } }

    func noteExpiry() {
        state.withLock { $0.expiryCount += 1 }
        expiryObserver.withLock { $0 }?()
    }

    /// Sets what is called whenever messages of a device went.
    func observeExpiries(_ observer: @escaping @Sendable () -> Void) { expiryObserver.withLock { $0 = observer } }

    var metrics: CalcMetrics {
        state.withLock { state in
            var metrics = state.metrics
            metrics.pendingJobs = Int64(state.assignments.values.count { $0.pendingSince != nil })
            metrics.replaysPending = Int64(state.replays.openCount)
            metrics.replaysDone = state.replays.doneCount
            metrics.messagesReplayed = state.replays.messageCount
            return metrics
        }
    }

    func set(_ status: DeviceStatus?, of device: DeviceID) { state.withLock { $0.devices[device] = status } }

    func set(_ statuses: [(AssignmentKey, AssignmentStatus?)]) {
        state.withLock { state in
            for (key, status) in statuses {
                state.assignments[key] = status
                if status == nil { state.replays.note(key, .none, at: .distantPast) }
            }
        }
    }

    /// Forgets what was said of some slots beside what is there: a worker that begins anew knows nothing of what
    /// another registry, or another cache, had before.
    func keep(_ keys: Set<AssignmentKey>, _ devices: Set<DeviceID>, of slots: SlotSet, at now: Timestamp) {
        state.withLock { state in
            let gone = state.devices.keys.filter { !devices.contains($0) && slots.contains(Slot(device: $0)) }
            for device in gone { state.devices[device] = nil }
            let told = state.replays.openKeys.union(state.assignments.keys)
            for key in told.subtracting(keys) where slots.contains(Slot(device: key.device)) {
                state.assignments[key] = nil
                state.replays.note(key, .none, at: now)
            }
        }
    }

    func count(_ change: (inout CalcMetrics) -> Void) { state.withLock { change(&$0.metrics) } }

    /// Forgets what a worker has said of slots that it does not have any more.
    func forget(worker: Int, among workerCount: Int, but kept: SlotSet, at now: Timestamp) {
        func isGone(_ device: DeviceID) -> Bool {
            let slot = Slot(device: device)
            return Int(slot.rawValue) % workerCount == worker && !kept.contains(slot)
        }
        state.withLock { state in
            for device in state.devices.keys.filter(isGone) { state.devices[device] = nil }
            for key in state.assignments.keys.filter({ isGone($0.device) }) {
                state.assignments[key] = nil
                state.replays.note(key, .none, at: now)
            }
            if kept.isEmpty { log.leave(worker) } else { log.forgetSlots(of: worker) }
        }
    }

    // MARK: Replays

    func noteReplays(_ standings: [(AssignmentKey, ReplayTally.Standing)], at now: Timestamp) {
        state.withLock { state in
            for (key, standing) in standings { state.replays.note(key, standing, at: now) }
        }
    }

    func countReplayed(_ messages: Int, of calculator: CalculatorID, at now: Timestamp) {
        state.withLock { $0.replays.count(messages, of: calculator, at: now) }
    }

    func replayProgress(at now: Timestamp) -> [ReplayProgress] { state.withLock { $0.replays.progress(at: now) } }

    // MARK: Health

    var findings: [HealthFinding] { state.withLock { $0.findings } }

    func note(_ finding: HealthFinding) {
        state.withLock { state in
            state.findings.append(finding)
            if state.findings.count > Self.findingsMax { state.findings.removeFirst() }
        }
    }
}
