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
        let (known, unknown) = knownHorizons(of: devices, at: moment)
        guard !unknown.isEmpty else { return known }
        let read = try await stored { store throws(StoreError) in
            var read: [Timestamp] = []
            for id in unknown { read.append(try store.horizon(device: id)) }
            return read
        }
        var found = known
        for (id, horizon) in zip(unknown, read) {
            horizons.note(id, horizon, at: moment)
            found[id] = horizon
        }
        return found
    }

    /// The same without asking the store, and the devices for which it must be asked.
    func knownHorizons(
        of devices: [DeviceEntity], at moment: Timestamp
    ) -> (known: [DeviceID: Timestamp], unknown: [DeviceID]) {
        var known: [DeviceID: Timestamp] = [:]
        var unknown: [DeviceID] = []
        for device in devices {
            if let horizon = horizons.horizon(of: device, at: moment) {
                known[device.id] = horizon
            } else {
                unknown.append(device.id)
            }
        }
        return (known, unknown)
    }
}
