import Evaluation
import LocalCache
import Logging
import PrimaryStore
import Recalculation
import Telemetry

// What of a device's past goes, and how its assignments go on without it.

/// What a worker knows of expiry between two rounds.
struct ExpirySchedule {
    /// When the devices are looked at next.
    var nextPass = Timestamp.distantPast
    /// When the slot times are looked at next.
    var nextTick = Timestamp.distantPast
    /// The devices that are still to be looked at in this pass.
    var devices: ArraySlice<DeviceID> = []
    /// The one whose states are being computed.
    var underway: DeviceExpiry?
    /// The count of the board up to which assets have followed their devices.
    var followedCount = 0
    /// Whether an asset may be behind its devices.
    var isFollowing = true
    /// Messages of a device before it are gone; only this worker moves it.
    var horizons = PagedTable<DeviceID, Timestamp>()
    /// The horizons that assignments are marked with, where a job has asked; of the registry's revision beside them.
    private var marks = PagedTable<AssignmentKey, Timestamp>()
    private var marksRevision: Int64 = -1

    /// Forgets the marks: something was let go of, or nobody knows.
    mutating func forgetMarks() { marks = PagedTable() }

    /// The horizon that an assignment is marked with, read once a revision of the registry: an expiry alone moves it.
    mutating func mark(
        of key: AssignmentKey, revision: Int64, reading read: () throws(StoreError) -> Timestamp
    ) throws(StoreError) -> Timestamp {
        if marksRevision != revision { marks = PagedTable() }
        marksRevision = revision
        if let known = marks[key] { return known }
        let mark = try read()
        marks[key] = mark
        return mark
    }
}

extension Worker {
    /// Seconds after the slot time at which its owner says that time has passed without messages.
    static let tickSeconds = 3_600.0
    /// Seconds between two looks at the slot times.
    private static let tickLookSeconds = 60.0
    /// Devices that are looked at between two looks at the log.
    private static let expiriesPerRoundMax = 64

    /// Lets go of what has expired of some devices; false if there was nothing to do.
    func expireSome() throws -> Bool {
        try tick()
        if let device = expiry.underway?.device { return try goOn(device) }
        if expiry.devices.isEmpty, now >= expiry.nextPass {
            expiry.nextPass = now.advanced(bySeconds: setup.expirySeconds)
            expiry.devices = expiringDevices()[...]
        }
        if expiry.devices.isEmpty { try followDevices() }
        guard !expiry.devices.isEmpty, store.registryRevision == picture.revision else { return false }
        let times = try store.slotTimes()
        for _ in 0..<Self.expiriesPerRoundMax {
            guard let device = expiry.devices.popFirst() else { return false }
            if try expire(device, slotTimes: times) { return true }
        }
        return false
    }

    /// Has the assets looked at at once when messages of a device went: what they were calculated from may be among
    /// them.
    private func followDevices() throws(StoreError) {
        let count = setup.board.expiryCount
        guard count != expiry.followedCount || expiry.isFollowing else { return }
        let assets = expiringDevices().filter { picture.devices[$0]?.isAsset ?? false }
        var behind: [DeviceID] = []
        for asset in assets where try isBehindDevices(asset) { behind.append(asset) }
        expiry.followedCount = count
        expiry.isFollowing = !behind.isEmpty
        expiry.devices = behind[...]
    }

    /// Whether messages are gone that the intervals of an asset were calculated from.
    private func isBehindDevices(_ asset: DeviceID) throws(StoreError) -> Bool {
        let lost = try lostBefore(asset)
        return devices[asset]?.keys.contains { assignments[$0].map { $0.cached.horizon < lost } ?? false } ?? false
    }

    /// Begins to let go of what has expired of a device; what cannot be read waits for the next time.
    private func expire(_ device: DeviceID, slotTimes: [Timestamp]) throws -> Bool {
        do {
            guard let found = try candidates(device, slotTimes: slotTimes) else { return false }
            for key in found.keys { assignments[key]?.pending.forgetLowest() }
            expiry.underway = found
        } catch let error as StoreError where !error.endsWorker {
            putOff(device, error)
            return false
        }
        return try goOn(device)
    }

    private func goOn(_ device: DeviceID) throws -> Bool {
        do {
            return try goOnExpiring()
        } catch let error as StoreError where !error.endsWorker {
            putOff(device, error)
            return false
        }
    }

    private func putOff(_ device: DeviceID, _ error: StoreError) {
        setup.logger.error("expiry is put off", metadata: ["device": "\(device)", "reason": "\(error)"])
        expiry.underway = nil
    }

    /// Raises the slot time of slots in which no message has come for long: what expires goes by it alone.
    private func tick() throws {
        let moment = now
        guard moment >= expiry.nextTick else { return }
        expiry.nextTick = moment.advanced(bySeconds: min(Self.tickLookSeconds, setup.expirySeconds))
        let times = try store.slotTimes()
        let silent = setup.epochs.filter { slot, _ in
            setup.slots.contains(slot)
                && times[Int(slot.rawValue)].advanced(bySeconds: Self.tickSeconds) <= moment
        }
        if !silent.isEmpty { try store.tick(silent, at: moment) }
    }

    /// The devices and assets of this worker of which anything may expire.
    private func expiringDevices() -> [DeviceID] {
        let limited = Set(
            picture.calculators.values.filter { $0.calculator.limitsIntervals }.map(\.id))
        let devicesOfLimited = Set(
            picture.assignments.keys.filter { limited.contains($0.calculator) }.map(\.device))
        return picture.devices.values.filter { device in
            guard setup.slots.contains(Slot(device: device.facts.id)) else { return false }
            return device.limitsMessages || devicesOfLimited.contains(device.facts.id)
                || device.stretches.contains { picture.devices[$0.facts.id]?.limitsMessages ?? false }
        }.map(\.facts.id).sorted()
    }

    // MARK: States

    /// Computes the states that are still missing, a slice at a time, and lets go once all are there.
    private func goOnExpiring() throws -> Bool {
        guard var underway = expiry.underway else { return false }
        expiry.underway = nil
        guard isUndisturbed(underway) else { return false }
        while let index = underway.assignments.firstIndex(where: { $0.needsState && $0.state == nil }) {
            var job = try underway.job ?? stateJob(underway.assignments[index])
            guard try job.run(messageCountMax: setup.sliceMessageCount, cache) else {
                underway.job = job
                expiry.underway = underway
                return true
            }
            guard let bytes = job.outcome.state else { return false }
            underway.job = nil
            underway.assignments[index].state = bytes
        }
        return try expire(underway)
    }

    private func stateJob(_ expiring: ExpiringAssignment) throws -> RecalculationJob {
        let key = expiring.key
        guard var work = assignments[key], let compiled = picture.calculators[key.calculator],
            let device = picture.devices[key.device]
        else { throw StoreError.notFound("assignment of calculator \(key.calculator) on device \(key.device)") }
        let inputs = try inputs(key, compiled, device, &work)
        return RecalculationJob(
            stateAt: expiring.horizon, key: key, inputs: inputs, now: now)
    }

    /// Whether nothing came that touches what lies before the horizons, and nothing is being calculated.
    private func isUndisturbed(_ expiring: DeviceExpiry) -> Bool {
        guard store.registryRevision == picture.revision else { return false }
        return expiring.keys.allSatisfy { key in
            guard let work = assignments[key], running[key] == nil else { return false }
            let next = work.pending.ranges.first?.lower ?? .distantFuture
            return min(work.pending.lowest, next) > expiring.last
        }
    }

    // MARK: Letting go

    private func expire(_ expiring: DeviceExpiry) throws -> Bool {
        let slot = Slot(device: expiring.device)
        let expiry = Expiry(
            slot: slot, epoch: setup.epochs[slot] ?? 0, device: expiring.device, horizon: expiring.horizon,
            assignments: expiring.assignments.map(\.asExpiry), at: now)
        self.expiry.forgetMarks()
        guard let result = store.expire([expiry]).first else { return false }
        switch result {
        case .success(let receipt):
            if let horizon = expiring.horizon {
                self.expiry.horizons[expiring.device] = horizon
                setup.board.noteExpiry()
            }
            try cache.transaction { try settle(expiring, receipt) }
            publish(expiring.keys)
            return true
        case .failure(let error):
            // It may have been written all the same.
            self.expiry.horizons[expiring.device] = nil
            if error.endsWorker { throw error }
            setup.logger.error("expiry failed and is repeated", metadata: ["error": "\(error)"])
            return false
        }
    }

    private func settle(_ expiring: DeviceExpiry, _ receipt: ExpiryReceipt) throws {
        if let horizon = expiring.horizon { try removeChunks(of: expiring.device, before: horizon) }
        for assignment in expiring.assignments {
            try settle(assignment, Set(receipt.deletedIntervals[assignment.key] ?? []))
        }
        if picture.devices[expiring.device]?.isAsset ?? false {
            let horizons = (devices[expiring.device]?.keys ?? []).compactMap { assignments[$0]?.cached.horizon }
            try removeChunks(of: expiring.device, before: horizons.min() ?? .distantPast)
        }
        let count = receipt.deletedIntervals.values.reduce(0) { $0 + $1.count }
        setup.board.count { $0.intervalsExpired += Int64(count) }
    }

    private func removeChunks(of device: DeviceID, before horizon: Timestamp) throws {
        guard let cached = devices[device]?.cached, devices[device]?.sync == .synced else { return }
        let gone = try cache.chunks(device, endingAfter: .distantPast, beginningBefore: horizon)
            .filter { $0.last < horizon }
        guard !gone.isEmpty else { return }
        try cache.settleSeal(device, replaced: gone.map(\.first), upTo: .min)
        try cache.setDevice(cached)
    }

    private func settle(_ expiring: ExpiringAssignment, _ deleted: Set<Int64>) throws {
        let (key, horizon) = (expiring.key, expiring.horizon)
        let held = try cache.held(key, firstOnIn: .all)
        let gone = held.filter { deleted.contains($0.id) }
        for interval in gone { try cache.removeHeld(key, firstOn: interval.firstOn) }
        let previous = assignments[key]?.cached.horizon ?? .distantPast
        assignments[key]?.cached.horizon = horizon
        if previous != horizon, !SeededBug.expiryNotAligned.isOn {
            let isLost = expiring.state == nil
            let isAnew = isLost && expiring.isCalculatedAtOnce
            try cache.removeStates(key, in: isLost ? .all : TimeRange(lower: .distantPast, upper: horizon))
            // What spans the horizon is marked, and what spanned the one before and ends with this one is no more; from
            // nothing, everything behind it may come out otherwise.
            let spanning = held.filter { interval in
                interval.begin < horizon && !deleted.contains(interval.id)
                    && (horizon < interval.end || (horizon == interval.end && interval.begin < previous))
            }
            let ranges = isAnew ? [.all] : isLost ? [] : spanning.map { TimeRange(inclusive: $0.begin, $0.end) }
            for range in ranges {
                assignments[key]?.pending.add(
                    Invalidation(range: range, since: now, due: now, cause: "expiry", isConfigured: true))
            }
        }
        if let cached = assignments[key]?.cached { try cache.setAssignment(cached) }
        try storePending(key)
        schedule(key)
        try invalidateDependants(of: key, gone.map { TimeRange(inclusive: $0.begin, $0.end) }, cause: "expiry")
    }
}

// MARK: - Horizons

extension Worker {
    /// From where, and from what, the whole history of an assignment is calculated.
    func horizonStart(_ key: AssignmentKey, _ compiled: CompiledCalculator) throws(StoreError) -> HorizonStart {
        // Asked for before it is read: what changes meanwhile is read again.
        let revision = store.registryRevision
        let marked = try expiry.mark(of: key, revision: revision) { () throws(StoreError) in
            try store.assignment(key)?.marks.horizon ?? .distantPast
        }
        return HorizonStart(
            key, compiled, marked: marked, lost: try lostBefore(key.device), store: store)
    }

    /// Messages of a device before it are gone; of one of this worker's slots.
    func horizon(of device: DeviceID) throws(StoreError) -> Timestamp {
        if let known = expiry.horizons[device] { return known }
        let horizon = try store.horizon(device: device)
        expiry.horizons[device] = horizon
        return horizon
    }

    /// Before it, messages of a device, or of those that stood for an asset, are gone.
    func lostBefore(_ device: DeviceID) throws(StoreError) -> Timestamp {
        guard let asset = picture.devices[device], asset.isAsset else { return try horizon(of: device) }
        return try asset.lostBefore(store)
    }
}

extension HorizonStart {
    /// The horizon of an assignment is the one that it is marked with; where messages behind that are gone, because it
    /// was made later, they are what counts.
    init(
        _ key: AssignmentKey, _ compiled: CompiledCalculator, marked: Timestamp, lost: Timestamp,
        store: any PrimaryStore
    ) {
        guard marked >= lost else {
            self.init(moment: lost)
            return
        }
        self.init(moment: marked) {
            let state = try store.horizonState(key)
            // Another owner may have moved it meanwhile: then the state is that of another moment.
            guard try store.assignment(key)?.marks.horizon ?? .distantPast == marked else {
                throw StoreError.stale(key, reason: "its horizon has moved")
            }
            return state?.calculatorRevision == compiled.revision ? state?.bytes : nil
        }
    }
}

extension MirroredDevice {
    /// Before it, messages that the device, or one that stood for the asset, sent are gone.
    func lostBefore(_ store: any PrimaryStore) throws(StoreError) -> Timestamp {
        guard isAsset else { return try store.horizon(device: facts.id) }
        var horizons: [DeviceID: Timestamp] = [:]
        for device in Set(stretches.map(\.facts.id)) { horizons[device] = try store.horizon(device: device) }
        return passed { horizons[$0] ?? .distantPast }
    }

    /// How far the messages of an asset are passed by a moment of each device that stood for it.
    func passed(_ moment: (DeviceID) -> Timestamp) -> Timestamp {
        stretches.compactMap { stretch in
            let border = moment(stretch.facts.id)
            return border > stretch.range.lower ? min(border, stretch.range.upper) : nil
        }.max() ?? .distantPast
    }
}
