import Telemetry

/// Who drives a device from a moment on, until the next of the same device.
///
/// It is `driver_name` of the device's metadata, kept so that what happened yesterday keeps yesterday's driver. The
/// first name that a device ever has counts for the time before it, too.
package struct DeviceDriver: Sendable, Hashable {
    package var device: DeviceID
    /// `distantPast` of the first.
    package var from: Timestamp
    /// Nil: nobody.
    package var name: String?

    package init(device: DeviceID, from: Timestamp, name: String?) {
        self.device = device
        self.from = from
        self.name = name
    }

    /// The name that a device's entity gives; nil where it is absent, null or blank.
    static func name(in entity: String) -> String? {
        guard let value = (try? JSONValue(parsing: entity))?["metadata"]?["driver_name"], value != .null else {
            return nil
        }
        let text = (value.stringValue ?? value.text).drop { $0 == " " }
        let end = text.lastIndex { $0 != " " }
        return end.map { String(text[...$0]) }
    }
}
