import PrimaryStore
import Synchronization
import Telemetry

/// The horizons of devices, held in memory so that a request does not ask the store each time.
///
/// A horizon moves at most by the hour, and only where messages expire; what slips through is dropped and counted by
/// the part that calculates.
final class DeviceHorizons: Sendable {
    /// Seconds after which a horizon that may move is read again.
    static let secondsMax = 5.0

    private struct Known {
        var horizon: Timestamp
        var checked: Timestamp
    }

    private let known = Mutex<[DeviceID: Known]>([:])

    /// The horizon of a device; nil if it must be read.
    func horizon(of device: DeviceEntity, at moment: Timestamp) -> Timestamp? {
        known.withLock { known in
            guard let entry = known[device.id] else { return nil }
            let isFresh = moment >= entry.checked && moment < entry.checked.advanced(bySeconds: Self.secondsMax)
            return isFresh || !device.expires ? entry.horizon : nil
        }
    }

    func note(_ device: DeviceID, _ horizon: Timestamp, at moment: Timestamp) {
        known.withLock { $0[device] = Known(horizon: horizon, checked: moment) }
    }

    func forget(_ device: DeviceID) { known.withLock { $0[device] = nil } }
}

extension API {
    /// Before which moment the messages of devices are gone; `distantPast` where none ever went.
    func horizons(of devices: [DeviceEntity]) async throws(APIFailure) -> [DeviceID: Timestamp] {
        let moment = now()
        var found: [DeviceID: Timestamp] = [:]
        var unknown: [DeviceID] = []
        for device in devices {
            if let horizon = horizons.horizon(of: device, at: moment) {
                found[device.id] = horizon
            } else {
                unknown.append(device.id)
            }
        }
        guard !unknown.isEmpty else { return found }
        let ids = unknown
        let read = try await stored { store throws(StoreError) in
            var read: [Timestamp] = []
            for id in ids { read.append(try store.horizon(device: id)) }
            return read
        }
        for (id, horizon) in zip(ids, read) {
            horizons.note(id, horizon, at: moment)
            found[id] = horizon
        }
        return found
    }

    /// The same without asking the store; nil if one has to be read.
    func knownHorizons(of devices: [DeviceEntity]) -> [DeviceID: Timestamp]? {
        let moment = now()
        var found: [DeviceID: Timestamp] = [:]
        for device in devices {
            guard let horizon = horizons.horizon(of: device, at: moment) else { return nil }
            found[device.id] = horizon
        }
        return found
    }
}
