import Telemetry

/// What the cache knows of an assignment.
package struct CachedAssignment: Sendable, Hashable {
    package var key: AssignmentKey
    package var calculatorRevision: Int64
    /// A digest of the device's facts and metadata, as far as the calculator may read them.
    package var deviceDigest: UInt64
    /// A digest of the geofences that the calculator looks at; 0 if it looks at none.
    package var geofenceDigest: UInt64
    /// The log position that its intervals take into account.
    package var applied: Int64
    /// When time alone changes its open interval.
    package var timer: Timestamp?
    /// Whether its intervals have been calculated once from all messages.
    package var isCalculated: Bool
    /// The horizon that its intervals were calculated with.
    package var horizon: Timestamp

    package init(
        key: AssignmentKey, calculatorRevision: Int64, deviceDigest: UInt64, geofenceDigest: UInt64 = 0,
        applied: Int64, timer: Timestamp?, isCalculated: Bool, horizon: Timestamp = .distantPast
    ) {
        self.horizon = horizon
        self.key = key
        self.calculatorRevision = calculatorRevision
        self.deviceDigest = deviceDigest
        self.geofenceDigest = geofenceDigest
        self.applied = applied
        self.timer = timer
        self.isCalculated = isCalculated
    }
}
