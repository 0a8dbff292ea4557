import Calculators
import Expressions
import LocalCache
import Logging
import PrimaryStore
import Recalculation
import Telemetry

extension Worker {
    /// Takes up what the cache holds from the last run, as far as it still fits the primary store.
    func restore() throws {
        try takeUpCache()
        position = try cache.position()
        setup.board.log.begin(at: position, setup.index)
        picture = try setup.mirror.current()
        let kept = try restoreDevices()
        var pending: [AssignmentKey: [Invalidation]] = [:]
        for (key, items) in try cache.invalidations() { pending[key] = items }
        for cached in try cache.assignments() where kept.contains(cached.key.device) {
            let all = pending[cached.key] ?? []
            assignments[cached.key] = AssignmentWork(
                cached: cached, pending: InvalidationList(all.filter { !$0.isHeld }), held: all.filter(\.isHeld))
        }
        try restoreHeldJobs()
        try restoreDamage()
        try compareMarks()
        // Positions count up for ever: a cache that is ahead of the log belongs to another past.
        if position > store.lastPosition { throw CacheError.corrupt("its log position is ahead of the store's") }
        try adoptAll()
        for key in assignments.keys.sorted() { schedule(key) }
    }

    /// Drops the devices of slots that were last owned with another cache than this, and notes that they are with it
    /// now.
    ///
    /// Each ownership gives a slot an epoch one greater. A store that was put back, or has had other owners meanwhile,
    /// has another epoch than the one noted; so has one whose last owner ended before it came here, where copying anew
    /// costs time only. The epoch that is noted already is that of a worker that begins anew in its own ownership.
    private func takeUpCache() throws {
        let epochs = setup.epochs.filter { setup.slots.contains($0.key) }
        let noted = try cache.epochs()
        let devices = Self.takesAnyCache ? [] : try cache.devices().map(\.device).sorted()
        for device in devices {
            let slot = Slot(device: device)
            if let epoch = epochs[slot], let known = noted[slot], known == epoch || known == epoch - 1 { continue }
            try cache.transaction { try cache.removeDevice(device) }
        }
        if noted != epochs { try cache.setEpochs(epochs) }
    }

    private static var takesAnyCache: Bool {
        SeededBug.staleCacheAfterTakeOver.isOn || SeededBug.oldEpochClearsNewState.isOn
    }

    /// Keeps the devices of this worker whose archive was sealed by this very cache.
    private func restoreDevices() throws -> Set<DeviceID> {
        var kept: Set<DeviceID> = []
        for cached in try cache.devices().sorted(by: { $0.device < $1.device }) {
            let isOurs = setup.slots.contains(Slot(device: cached.device)) && picture.devices[cached.device] != nil
            if isOurs, try isSealedAsCached(cached) {
                devices[cached.device] = DeviceWork(sync: .synced, cached: cached)
                kept.insert(cached.device)
            } else {
                try cache.transaction { try cache.removeDevice(cached.device) }
            }
        }
        return kept
    }

    private func isSealedAsCached(_ cached: CachedDevice) throws -> Bool {
        if let asset = picture.devices[cached.device], asset.isAsset { return try isCurrent(cached, asset) }
        return try store.archiveMark(device: cached.device) == cached.sealed
    }

    private func compareMarks() throws {
        let noted = try cache.feedRevisions()
        let present = zip(SlotSet.all.slots, try store.slotRevisions()).filter { setup.slots.contains($0.0) }
        let others = present.filter { slot, revision in revision != noted[slot] ?? 0 }
        let slots = Self.takesAnyCache ? SlotSet() : SlotSet(others.map(\.0))
        for key in assignments.keys.sorted() {
            try compareMarks(key, isSuspect: slots.contains(Slot(device: key.device)))
        }
        try cache.transaction { for (slot, revision) in others { try cache.setFeedRevision(revision, of: slot) } }
    }

    /// Where a push may not have been settled, what is held is loaded anew; where it was not, everything is calculated
    /// again.
    ///
    /// A loss of power may take the last transactions of the cache, but none of the primary store: then marks may be
    /// alike, with nothing pending, and yet other intervals be held. Where the feed has gone on they are compared.
    private func compareMarks(_ key: AssignmentKey, isSuspect: Bool) throws {
        guard let work = assignments[key], picture.assignments[key] != nil else { return }
        let isBehind = try isBehind(work.cached) || isSuspect && holdsOthers(key)
        let isUnfinished = !work.cached.isCalculated && work.pending.isEmpty && work.held.isEmpty
        guard isBehind || isUnfinished || !work.pending.isEmpty, !SeededBug.staleCacheAfterTakeOver.isOn else { return }
        // A push that was not settled has not told those that read its intervals.
        try invalidateDependants(of: key, [.all], cause: "recovery")
        guard try loadHeld(key) else { return }
        if isBehind || isUnfinished {
            try calculateAnew(key, Invalidation(range: .all, since: now, due: now, cause: "recovery"))
        }
    }

    /// The picture may be older than what this process has pushed, or let go of, itself: the store is asked.
    private func isBehind(_ cached: CachedAssignment) throws(StoreError) -> Bool {
        guard let marks = try store.assignment(cached.key)?.marks else { return true }
        return marks.logPosition != cached.applied || marks.horizon != cached.horizon
    }

    /// Whether the store holds other intervals of an assignment than the cache, or may hold other fields of them that
    /// are read.
    private func holdsOthers(_ key: AssignmentKey) throws -> Bool {
        if readsPrevious(key) { return true }
        do {
            return try store.heldIntervals(key).sorted { $0.firstOn < $1.firstOn } != cache.held(key, firstOnIn: .all)
        } catch StoreError.corrupt { return true }
    }

    /// Follows the registry to its present revision.
    func reconcile() throws {
        guard store.registryRevision != picture.revision else { return }
        let fresh = try setup.mirror.current()
        guard fresh.revision != picture.revision else { return }
        let changed = setup.mirror.changes(from: picture, to: fresh)
        geofencesBefore = picture.geofences.mapValues(\.set)
        picture = fresh
        if let changed { try adopt(changed) } else { try adoptAll() }
        geofencesBefore = [:]
    }

    private func adoptAll() throws {
        watchedSlots = picture.slotsBehindAssets(of: setup.slots)
        // What has passed by was of none of the slots watched before: what of it is of others now is copied.
        position = max(position, setup.board.log.watch(watchedSlots, setup.index))
        logPace.follow(updateIntervals: picture.calculators.values.lazy.map(\.calculator.updateInterval))
        for key in assignments.keys.sorted() where picture.assignments[key] == nil { try drop(key) }
        for device in devices.keys.sorted() { try followAsset(device) }
        for (key, record) in picture.assignments where setup.slots.contains(Slot(device: key.device)) {
            try follow(key, record)
        }
        for device in devices.keys.sorted() where devices[device]?.keys.isEmpty == true { try drop(device) }
        publishAll()
    }

    /// The same where nothing else than some assignments and their devices has changed.
    private func adopt(_ changed: [AssignmentKey]) throws {
        let ours = changed.filter { setup.slots.contains(Slot(device: $0.device)) }
        for key in ours where assignments[key] != nil && picture.assignments[key] == nil { try drop(key) }
        for key in ours { if let record = picture.assignments[key] { try follow(key, record) } }
        let touched = Set(ours.map(\.device)).sorted()
        for device in touched where devices[device]?.keys.isEmpty == true { try drop(device) }
        publish(ours.filter { assignments[$0] != nil })
        for device in touched { publish(device) }
    }

    private func drop(_ key: AssignmentKey) throws {
        assignments[key] = nil
        running[key] = nil
        heldJobs[key] = nil
        preparedJobs.forget(key)
        devices[key.device]?.keys.removeAll { $0 == key }
        geofenceChanges[key] = nil
        // In one transaction: what is not there any more tells nobody after a crash.
        try cache.transaction {
            try invalidateDependants(of: key, [.all], cause: "source")
            try cache.removeAssignment(key)
        }
        setup.board.set([(key, nil)])
    }

    private func drop(_ device: DeviceID) throws {
        devices[device] = nil
        damage[device] = nil
        try cache.transaction { try cache.removeDevice(device) }
        setup.board.set(nil, of: device)
    }

    private func follow(_ key: AssignmentKey, _ record: AssignmentRecord) throws {
        if devices[key.device] == nil {
            devices[key.device] = DeviceWork()
            unsynced.append(key.device)
        }
        if devices[key.device]?.keys.contains(key) == false { devices[key.device]?.keys.append(key) }
        guard let work = assignments[key] else { return try add(key, record) }
        if work.isEnabled != record.isEnabled {
            assignments[key]?.isEnabled = record.isEnabled
            if record.isEnabled { try restart(key, cause: "enabled") }
        }
        try followIdentity(key, record)
        try followDefinition(key)
        if isForgotten(key) { try begin(key) }
    }

    /// Whether an assignment was never begun, because it had just been ended when that was tried, and was made again.
    private func isForgotten(_ key: AssignmentKey) -> Bool {
        guard let work = assignments[key], work.isEnabled, !work.cached.isCalculated, work.failure == nil else {
            return false
        }
        return work.pending.isEmpty && work.held.isEmpty && running[key] == nil
            && devices[key.device]?.sync == .synced
    }

    /// An assignment that was ended and made again has none of the intervals that are held here: its marks are behind.
    private func followIdentity(_ key: AssignmentKey, _ record: AssignmentRecord) throws {
        guard let work = assignments[key], record.marks.logPosition < work.cached.applied,
            // The picture may be older than this worker's own pushes.
            let present = try store.assignment(key), present.marks.logPosition < work.cached.applied
        else { return }
        giveUp(key)
        assignments[key]?.customFields = nil
        // First, so that after a crash between the two it is done again.
        try invalidateDependants(of: key, [.all], cause: "source")
        try begin(key)
    }

    private func add(_ key: AssignmentKey, _ record: AssignmentRecord) throws {
        let cached = CachedAssignment(
            key: key, calculatorRevision: picture.calculators[key.calculator]?.revision ?? 0, deviceDigest: digest(key),
            geofenceDigest: picture.geofences[key.calculator]?.set.digest ?? 0, applied: 0, timer: nil,
            isCalculated: false)
        assignments[key] = AssignmentWork(cached: cached, isEnabled: record.isEnabled)
        assignments[key]?.failure = picture.failures[key.calculator]
        if devices[key.device]?.sync == .synced { try begin(key) }
    }

    /// A changed calculator, or a change of what it reads of the device, calculates history anew.
    private func followDefinition(_ key: AssignmentKey) throws {
        guard var work = assignments[key] else { return }
        work.failure = picture.failures[key.calculator]
        assignments[key] = work
        guard let compiled = picture.calculators[key.calculator] else { return }
        if compiled.revision == work.cached.calculatorRevision { noteGeofences(key, work.cached) }
        let hasNewRevision = compiled.revision != work.cached.calculatorRevision
        let digest = digest(key)
        guard hasNewRevision || digest != work.cached.deviceDigest else { return }
        assignments[key]?.cached.calculatorRevision = compiled.revision
        assignments[key]?.cached.deviceDigest = digest
        try restart(
            key, cause: hasNewRevision ? "calculator" : "device", isWaiting: !compiled.calculator.updatesOnChange)
    }

    private func digest(_ key: AssignmentKey) -> UInt64 {
        guard let compiled = picture.calculators[key.calculator], let device = picture.devices[key.device] else {
            return 0
        }
        return compiled.deviceDigest(device)
    }

    /// Drops the saved states of an assignment and calculates everything anew, at once or with the next message.
    private func restart(_ key: AssignmentKey, cause: String, isWaiting: Bool = false) throws {
        guard assignments[key] != nil, devices[key.device]?.sync == .synced else { return }
        if !SeededBug.settlingClearsNewerGeneration.isOn { giveUp(key) }
        let delay = picture.calculators[key.calculator]?.calculator.updateInterval ?? 0
        let due = now.advanced(bySeconds: min(delay, 1))
        try calculateAnew(
            key,
            isWaiting ? nil : Invalidation(range: .all, since: now, due: due, cause: cause, isConfigured: true))
    }

    /// Drops the saved states and makes what is given pending, in one transaction: no crash comes between the two.
    ///
    /// What waits for a decision is pending like everything else: without states nobody could decide about it alone.
    /// The job that was held is superseded by the one that then runs.
    func calculateAnew(_ key: AssignmentKey, _ invalidation: Invalidation?) throws {
        takeBack(key, isConfigured: invalidation?.isConfigured ?? false)
        if let invalidation { assignments[key]?.pending.add(invalidation) }
        // All will be calculated with the geofences there are now: only what changes from here on is looked for.
        assignments[key]?.cached.geofenceDigest = picture.geofences[key.calculator]?.set.digest ?? 0
        geofenceChanges[key] = nil
        guard let work = assignments[key] else { return }
        try cache.transaction {
            try cache.removeStates(key, in: .all)
            try cache.setAssignment(work.cached)
            try storePending(key)
        }
        schedule(key)
        publish([key])
    }

    /// Ends a job whose result would be of an old definition; what it had taken is pending again.
    func giveUp(_ key: AssignmentKey) {
        guard let job = running.removeValue(forKey: key) else { return }
        for invalidation in job.taken { assignments[key]?.pending.add(invalidation) }
        schedule(key)
    }

    /// Loads what the primary store holds of an assignment, as what new results are compared with; false if it cannot
    /// be read, which the assignment then says.
    func loadHeld(_ key: AssignmentKey) throws -> Bool {
        let held: [HeldInterval]
        do {
            guard let record = try store.assignment(key) else { return false }
            held = try store.heldIntervals(key)
            assignments[key]?.cached.applied = record.marks.logPosition
            assignments[key]?.cached.horizon = record.marks.horizon
        } catch StoreError.corrupt(let reason) {
            setup.logger.error("intervals cannot be read", metadata: ["reason": "\(reason)"])
            assignments[key]?.failure = reason
            return false
        }
        try cache.transaction {
            try cache.removeAllHeld(key)
            for interval in held { try cache.setHeld(key, interval) }
            if let cached = assignments[key]?.cached { try cache.setAssignment(cached) }
        }
        return true
    }
}
