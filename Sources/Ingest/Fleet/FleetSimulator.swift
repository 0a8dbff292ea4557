/// A made-up fleet whose every message follows from a seed.
///
/// A vehicle is known by its index; its days do not depend on other vehicles, nor on how they are asked for.
package struct FleetSimulator: Sendable {
    package static let vehicleCountMax = 1_000_000

    private let seed: UInt64
    private let region: FleetRegion
    package let vehicleCount: Int

    package init(seed: UInt64, vehicleCount: Int, region: FleetRegion = .nairobi) {
        precondition(1...Self.vehicleCountMax ~= vehicleCount, "a fleet has 1 to \(Self.vehicleCountMax) vehicles")
        self.seed = seed
        self.vehicleCount = vehicleCount
        self.region = region
    }

    /// The vehicle of an index, from 0.
    package func vehicle(_ index: Int) -> FleetVehicle {
        precondition(0..<vehicleCount ~= index, "the fleet has no such vehicle")
        return FleetVehicle(
            ident: ident(index), name: "Vehicle \(index + 1)",
            profile: VehicleProfile(seed: seed, index: index, region: region), region: region)
    }

    /// An ident that looks like the serial number of a tracker.
    package func ident(_ index: Int) -> String { String(860_000_000_000_000 + index + 1) }
}
