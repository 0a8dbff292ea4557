import Telemetry

/// What an operator would have noted about a vehicle of the demo: its plate, who drives it, where it belongs.
///
/// Everything follows from the vehicle's index, so that the demo started again makes no other fleet.
struct DemoIdentity {
    private static let costCentres = ["Field service", "Deliveries", "Sales", "Workshop"]
    private static let cities = ["Nairobi", "Kiambu", "Thika"]
    private static let drivers = [
        "Achieng", "Baraka", "Chebet", "Daudi", "Esther", "Faraji", "Grace", "Hamisi", "Imani", "Juma", "Kamau",
        "Leila", "Mwangi",
    ]

    let plate: String
    let driver: String
    let costCentre: String
    let city: String

    init(_ index: Int) {
        let letter = String(UnicodeScalar(UInt8(0x41 + index % 26)))
        let number = String(1_000 + index % 999 + 1).dropFirst()
        plate = "KD\(letter) \(number)\(letter)"
        let name = Self.drivers[index % Self.drivers.count]
        let round = index / Self.drivers.count
        driver = round == 0 ? name : "\(name) \(round + 1)"
        costCentre = Self.costCentres[index % Self.costCentres.count]
        city = Self.cities[index / 3 % Self.cities.count]
    }

    /// The `metadata` of the vehicle's device.
    var metadata: JSONValue {
        .object([
            .init("vehicle_number", .string(plate)), .init("driver_name", .string(driver)),
            .init("cost_centre", .string(costCentre)), .init("assigned_city", .string(city)),
        ])
    }
}
