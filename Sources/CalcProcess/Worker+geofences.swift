import Calculators
import Expressions
import LocalCache
import PrimaryStore
import Recalculation
import Telemetry

extension Worker {
    /// Nanoseconds spent on finding what changed geofences touch between two looks at the log.
    private static let geofenceNanosecondsMax: UInt64 = 50_000_000

    /// Notes that an assignment's geofences are others than those that its intervals were calculated with.
    func noteGeofences(_ key: AssignmentKey, _ cached: CachedAssignment) {
        let present = picture.geofences[key.calculator]?.set ?? .empty
        let digest = picture.geofences[key.calculator] == nil ? 0 : present.digest
        guard digest != cached.geofenceDigest else { return geofenceChanges[key] = nil }
        guard geofenceChanges[key] == nil else { return }
        let before = geofencesBefore[key.calculator] ?? .empty
        // Of a set that nobody remembers, an empty one stands for "anything may have been touched".
        geofenceChanges[key] = before.digest == cached.geofenceDigest ? before : .empty
    }

    /// Finds, for some assignments, the stretches in which a changed geofence is entered, before or after the change,
    /// and makes them pending; false if there is nothing to find.
    func findTouchedByGeofences() throws -> Bool {
        guard !geofenceChanges.isEmpty else { return false }
        let limit = setup.processorTime() + Self.geofenceNanosecondsMax
        for key in geofenceChanges.keys.sorted() where setup.processorTime() < limit {
            guard devices[key.device]?.sync == .synced else {
                geofenceChanges[key] = nil
                continue
            }
            try findTouched(key)
        }
        return true
    }

    private func findTouched(_ key: AssignmentKey) throws {
        guard let before = geofenceChanges.removeValue(forKey: key), let compiled = picture.calculators[key.calculator],
            let work = assignments[key]
        else { return }
        let present = picture.geofences[key.calculator]?.set ?? .empty
        let isKnown = before.digest == work.cached.geofenceDigest
        let ranges = isKnown ? try touched(key, compiled.calculator, before, present) : [.all]
        assignments[key]?.cached.geofenceDigest = present.digest
        for range in ranges {
            assignments[key]?.pending.add(
                Invalidation(
                    range: range, since: now, due: now.advanced(bySeconds: 1), cause: "geofence", isConfigured: true))
        }
        try cache.transaction {
            if let cached = assignments[key]?.cached { try cache.setAssignment(cached) }
            try storePending(key)
        }
        schedule(key)
        publish([key])
    }

    /// The stretches of messages that a changed geofence touches.
    private func touched(
        _ key: AssignmentKey, _ calculator: Calculator, _ before: GeofenceSet, _ after: GeofenceSet
    ) throws -> [TimeRange] {
        if calculator.messagesSource != nil || calculator.hidesLegs { return [.all] }
        let touch = GeofenceTouch(
            changedBetween: before, and: after, detectsCrossing: calculator.detectsCrossing)
        return try touch.ranges(of: key.device, store.parameters, cache)
    }
}

extension Calculator {
    /// Whether a leg that counts may lie between messages that are no neighbours: others are hidden from the selector.
    fileprivate var hidesLegs: Bool {
        guard detectsCrossing else { return false }
        return validateMessage != nil || updatePeriod > 0 || selectors.contains { $0.validateMessage != nil }
    }

    /// Whether a leg that crosses a geofence between two messages counts.
    fileprivate var detectsCrossing: Bool {
        selectors.contains { if case .geofence(let geofence) = $0.kind { geofence.detectsCrossing } else { false } }
    }
}
