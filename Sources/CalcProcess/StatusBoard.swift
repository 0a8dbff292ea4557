import Synchronization
import Telemetry

/// What the workers say of their work, for everyone to read.
final class StatusBoard: Sendable {
    private struct State {
        var devices: [DeviceID: DeviceStatus] = [:]
        var assignments: [AssignmentKey: AssignmentStatus] = [:]
        var metrics = CalcMetrics()
        /// The log position of each worker.
        var positions: [Int: Int64] = [:]
    }

    private let state = Mutex(State())

    func status(of device: DeviceID) -> DeviceStatus { state.withLock { $0.devices[device] ?? DeviceStatus() } }

    /// How fresh an assignment of a worker is: with nothing pending, as fresh as the worker.
    func status(of key: AssignmentKey, worker: Int) -> AssignmentStatus {
        state.withLock { state in
            guard var status = state.assignments[key] else { return AssignmentStatus() }
            if status.pendingSince == nil, status.sync == .synced {
                status.appliedPosition = max(status.appliedPosition, state.positions[worker] ?? 0)
            }
            return status
        }
    }

    func setPosition(_ position: Int64, of worker: Int) { state.withLock { $0.positions[worker] = position } }

    /// The log position that all workers have reached.
    func leastPosition(among workerCount: Int) -> Int64 {
        state.withLock { state in (0..<workerCount).map { state.positions[$0] ?? 0 }.min() ?? 0 }
    }

    var metrics: CalcMetrics {
        state.withLock { state in
            var metrics = state.metrics
            metrics.pendingJobs = Int64(state.assignments.values.count { $0.pendingSince != nil })
            return metrics
        }
    }

    func set(_ status: DeviceStatus?, of device: DeviceID) { state.withLock { $0.devices[device] = status } }

    func set(_ statuses: [(AssignmentKey, AssignmentStatus?)]) {
        state.withLock { state in
            for (key, status) in statuses { state.assignments[key] = status }
        }
    }

    func count(_ change: (inout CalcMetrics) -> Void) { state.withLock { change(&$0.metrics) } }
}
