import Telemetry

/// What an expression may read beside messages.
public struct ExpressionEnvironment: Sendable {
    /// The calculator's time zone, for the calendar functions.
    public var timeZone: TimeZoneTable
    /// The device's metadata, for `metadata()`.
    public var metadata: JSONValue
    /// A position that would need a higher speed (km/h) from the one before is an outlier to `mileage()`; 0 = off.
    public var mileageOutlierSpeed: Double
    /// How `mileage()`, `distance()` and `distance_to()` measure.
    public var mileageFormula: MileageFormula
    /// What `geofence()` and `geofences()` look for: those assigned to the calculator.
    public var geofences: GeofenceSet

    public init(
        timeZone: TimeZoneTable = .utc, metadata: JSONValue = .object([]), mileageOutlierSpeed: Double = 0,
        mileageFormula: MileageFormula = .haversine, geofences: GeofenceSet = .empty
    ) {
        self.timeZone = timeZone
        self.metadata = metadata
        self.mileageOutlierSpeed = mileageOutlierSpeed
        self.mileageFormula = mileageFormula
        self.geofences = geofences
    }
}

/// How a distance on the earth is measured.
public enum MileageFormula: String, CaseIterable, Sendable {
    /// On a sphere of 6371.0088 km; up to 0.5 % off, and fast.
    case haversine
    /// On the ellipsoid WGS84, as receivers of satellites see the earth.
    case geodesic
}
