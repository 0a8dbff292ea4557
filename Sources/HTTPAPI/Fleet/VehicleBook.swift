import PrimaryStore
import Synchronization
import Telemetry

/// The labels of all vehicles, worked out once for each revision of a device.
final class VehicleBook: Sendable {
    private let known = Mutex<[DeviceID: (revision: Int64, labels: VehicleLabels)]>([:])

    /// A device with its labels.
    struct Vehicle: Sendable {
        let id: DeviceID
        let labels: VehicleLabels
    }

    /// All devices in the order of their ids.
    func vehicles(_ contents: EntityCatalog.Contents) -> [Vehicle] {
        known.withLock { known in
            if known.count > 2 * contents.devices.count { known = [:] }
            return contents.deviceIDs.compactMap { id in
                guard let device = contents.devices[id] else { return nil }
                if let held = known[id], held.revision == device.revision {
                    return Vehicle(id: id, labels: held.labels)
                }
                let labels = VehicleLabels(device)
                known[id] = (device.revision, labels)
                return Vehicle(id: id, labels: labels)
            }
        }
    }
}

extension [VehicleBook.Vehicle] {
    /// The vehicle that a text means: by its plate, else its ident, else its name; of several the least ident.
    func named(_ text: String) -> VehicleBook.Vehicle? {
        let key = PlateText.key(text)
        let ident = text.withoutSpaces
        let tests: [(VehicleLabels) -> Bool] = [
            { key != nil && $0.plateKey == key }, { $0.imei == ident }, { key != nil && $0.nameKey == key },
        ]
        for test in tests {
            let found = filter { test($0.labels) }.min { $0.labels.imei.comesBefore($1.labels.imei) }
            if let found { return found }
        }
        return nil
    }
}

/// Who drove which device when.
struct DriverBook: Sendable {
    /// In the order of time.
    private var drivers: [DeviceID: [DeviceDriver]]

    init(_ all: [DeviceDriver]) { drivers = Dictionary(grouping: all, by: \.device) }

    /// The driver at a moment; `Unassigned` where there is none.
    func name(_ device: DeviceID, at moment: Timestamp) -> String {
        drivers[device]?.last { $0.from <= moment }?.name ?? VehicleLabels.unassigned
    }

    /// The driver of all of time; nil where there were several.
    func onlyName(_ device: DeviceID) -> String? {
        guard let list = drivers[device], let first = list.first else { return VehicleLabels.unassigned }
        return list.count == 1 && first.from <= .distantPast ? first.name ?? VehicleLabels.unassigned : nil
    }
}
