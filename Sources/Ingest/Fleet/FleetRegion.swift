/// Where a made-up fleet drives.
package struct FleetRegion: Sendable {
    package var latitude: Double
    package var longitude: Double
    package var altitude: Double
    /// The local time of the working day; the region keeps it the whole year.
    package var secondsEastOfUTC: Int

    package init(latitude: Double, longitude: Double, altitude: Double, secondsEastOfUTC: Int) {
        self.latitude = latitude
        self.longitude = longitude
        self.altitude = altitude
        self.secondsEastOfUTC = secondsEastOfUTC
    }

    package static let nairobi = FleetRegion(
        latitude: -1.2921, longitude: 36.8219, altitude: 1660, secondsEastOfUTC: 10_800)

    /// Homes lie within this distance of the middle, in metres.
    static let radius = 15_000.0
    static let metersPerDegree = 111_194.926_644_558_73
}
