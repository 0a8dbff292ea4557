import Telemetry

/// What the dashboard calls a vehicle, from its device's metadata.
struct VehicleLabels: Sendable {
    static let unassigned = "Unassigned"

    let imei: String
    let number: String
    /// What plates are compared by.
    let key: String
    let costCentre: String
    let city: String
    let icon: String?
    /// The plate alone, and the device's name, as they are compared; nil where there is none.
    let plateKey: String?
    let nameKey: String?

    init(_ device: DeviceEntity) {
        let metadata = device.settings["metadata"] ?? .null
        let plate = Self.text(metadata["vehicle_number"])
        let name = metadata["device_name"].flatMap(\.reportText) ?? (device.name.isEmpty ? nil : device.name)
        imei = device.ident
        number = plate?.present ?? name?.present ?? device.ident
        plateKey = plate.flatMap(PlateText.key)
        nameKey = name.flatMap(PlateText.key)
        key = plateKey ?? nameKey ?? device.ident
        costCentre = Self.text(metadata["cost_centre"])?.present ?? Self.unassigned
        city = Self.text(metadata["assigned_city"])?.present ?? Self.unassigned
        icon = Self.text(metadata["vehicle_icon"])
    }

    /// The members that every answer tells of a vehicle, with who drives it.
    func write(driver: String, to writer: inout JSONWriter) {
        writer.write(literal: "\"imei\":")
        writer.write(string: imei)
        writer.write(literal: ",\"vehicle_number\":")
        writer.write(string: number)
        writer.write(literal: ",\"driver_name\":")
        writer.write(string: driver)
        writer.write(literal: ",\"cost_centre\":")
        writer.write(string: costCentre)
        writer.write(literal: ",\"assigned_city\":")
        writer.write(string: city)
    }

    /// More of a text is not kept.
    private static let textLengthMax = 500

    private static func text(_ value: JSONValue?) -> String? {
        value?.reportText.map { String(String.UnicodeScalarView($0.unicodeScalars.prefix(textLengthMax))) }
    }
}

/// Plates as people write them.
enum PlateText {
    /// Letters and digits only, in upper case; nil where there are none.
    static func key(_ text: String) -> String? {
        var key = String.UnicodeScalarView()
        for scalar in text.unicodeScalars where scalar.properties.isAlphabetic || scalar.properties.numericType != nil {
            let upper = scalar.properties.uppercaseMapping.unicodeScalars
            // A letter that becomes two, such as ß, stays as it is.
            key.append(upper.count == 1 ? upper.first ?? scalar : scalar)
        }
        return key.isEmpty ? nil : String(key)
    }
}

extension JSONValue {
    /// A value as a text column shows it; nil for null.
    var reportText: String? {
        switch self {
        case .null: nil
        case .string(let text): text
        default: text
        }
    }
}

extension String {
    /// Without the spaces around it.
    var withoutSpaces: String {
        let tail = unicodeScalars.drop { $0 == " " }
        guard let last = tail.lastIndex(where: { $0 != " " }) else { return "" }
        return String(tail[...last])
    }

    /// The same; nil where nothing is left.
    var present: String? {
        let text = withoutSpaces
        return text.isEmpty ? nil : text
    }

    /// The order of code points, which is that of the bytes.
    func comesBefore(_ other: String) -> Bool { utf8.lexicographicallyPrecedes(other.utf8) }
}
