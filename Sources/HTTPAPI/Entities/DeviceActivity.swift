import Synchronization
import Telemetry

/// When each device was last heard: the greatest acceptance of its messages, as far as it is known.
final class DeviceActivity: Sendable {
    private let last = Mutex<[DeviceID: Timestamp?]>([:])

    /// The last moment, nil inside if there is none; nil outside if it has not been looked up.
    subscript(_ device: DeviceID) -> Timestamp?? {
        last.withLock { $0[device] }
    }

    /// Notes messages; an earlier moment than the known one changes nothing.
    func note(_ device: DeviceID, _ moment: Timestamp?) {
        last.withLock { last in
            guard let known = last[device], let known else { return last[device] = .some(moment) }
            if let moment, moment > known { last[device] = .some(moment) }
        }
    }

    func forget(_ device: DeviceID) { last.withLock { $0[device] = nil } }
}
