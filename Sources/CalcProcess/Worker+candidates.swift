import Calculators
import Evaluation
import LocalCache
import PrimaryStore
import Recalculation
import Telemetry

/// What of one device is to be let go of.
struct DeviceExpiry {
    var device: DeviceID
    /// Messages before it go; nil leaves them.
    var horizon: Timestamp?
    var assignments: [ExpiringAssignment]
    /// All assignments of the device that are calculated: none of them may be touched before `last` meanwhile.
    var keys: [AssignmentKey]
    var last: Timestamp
    /// The job that computes the next state.
    var job: RecalculationJob?
}

/// How one assignment goes on.
struct ExpiringAssignment {
    var key: AssignmentKey
    /// The horizon that it had, or that messages were lost before.
    var old: Timestamp
    var horizon: Timestamp
    var basePosition: Int64
    var revision: Int64
    /// Whether it goes on from a state; otherwise from nothing.
    var needsState = false
    /// Whether all behind the horizon is calculated at once if it begins from nothing.
    var isCalculatedAtOnce = true
    var state: [UInt8]?
    /// Intervals that end before it go; nil: none.
    var intervalsBefore: Timestamp?
    /// Whether an interval goes.
    var hasExpired = false

    var asExpiry: AssignmentExpiry {
        AssignmentExpiry(
            key: key, basePosition: basePosition, horizon: horizon,
            state: state.map { HorizonState(calculatorRevision: revision, bytes: $0) },
            intervalsBefore: intervalsBefore)
    }
}

/// From when on messages are kept.
struct MessageBorder {
    /// Older ones are let go of.
    var border: Timestamp
    /// Older ones are not kept even for an interval that spans the border.
    var floor: Timestamp
}

extension Calculator {
    var limitsIntervals: Bool { intervalsTTL > 0 || intervalsRotate > 0 }
}

extension MirroredDevice {
    var limitsMessages: Bool { messagesTTL > 0 || messagesRotate > 0 }
}

extension Worker {
    /// What is to be let go of a device; nil if that is nothing, or must wait until something is calculated.
    func candidates(_ device: DeviceID, slotTimes: [Timestamp]) throws -> DeviceExpiry? {
        guard let mirrored = picture.devices[device] else { return nil }
        let keys = sourcesFirst(devices[device]?.keys ?? [])
        guard keys.isEmpty || devices[device]?.sync == .synced else { return nil }
        let border = try messageBorder(mirrored, slotTimes)
        let lost = try lostBefore(device)
        var found: [AssignmentKey: ExpiringAssignment] = [:]
        for key in keys {
            guard
                let candidate = try candidate(
                    key, border, lost, slotTime: slotTime(device, slotTimes),
                    sources: sources(of: key).compactMap { found[$0]?.horizon })
            else { return nil }
            found[key] = candidate
        }
        let horizon = try messageHorizon(mirrored, border, found.values.map(\.horizon))
        return expiry(of: mirrored, keys.compactMap { found[$0] }, horizon, border)
    }

    /// Of all candidates those that have to move: for messages that go, for intervals that go, or because what they
    /// read has moved.
    private func expiry(
        of device: MirroredDevice, _ candidates: [ExpiringAssignment], _ horizon: Timestamp?, _ border: MessageBorder?
    ) -> DeviceExpiry? {
        var moved: [AssignmentKey: Timestamp] = [:]
        var moving: [ExpiringAssignment] = []
        for candidate in candidates {
            let isPassed = sources(of: candidate.key).contains { moved[$0].map { $0 > candidate.old } ?? false }
            let losesMessages =
                device.isAsset ? isWorthMoving(candidate, border) : candidate.old < horizon ?? .distantPast
            guard candidate.hasExpired || isPassed || losesMessages else { continue }
            moved[candidate.key] = candidate.horizon
            moving.append(candidate)
        }
        guard horizon != nil || !moving.isEmpty else { return nil }
        return DeviceExpiry(
            device: device.facts.id, horizon: horizon, assignments: moving,
            keys: candidates.map(\.key).filter { isCalculable($0) }, last: moving.map(\.horizon).max() ?? .distantPast)
    }

    /// Whether the horizon of an asset's assignment would move by a day, or by as long as messages are kept if that is
    /// shorter; or whether messages behind it are gone already.
    private func isWorthMoving(_ candidate: ExpiringAssignment, _ border: MessageBorder?) -> Bool {
        if candidate.old > (assignments[candidate.key]?.cached.horizon ?? .distantPast) { return true }
        guard let border else { return false }
        let step = min(MessageBatch.dayMicroseconds, border.border.microseconds - border.floor.microseconds)
        return candidate.horizon.microseconds - candidate.old.microseconds >= max(1, step)
    }

    // MARK: One assignment

    /// Whether what is held was calculated with the present calculator and, where a change of the device waits for the
    /// next message, with the present device.
    private func isApplied(_ marks: AssignmentMarks, _ compiled: CompiledCalculator, _ id: DeviceID) -> Bool {
        guard marks.calculatorRevision == compiled.revision else { return false }
        guard !compiled.calculator.updatesOnChange, let device = picture.devices[id] else { return true }
        return marks.deviceRevision == device.revision || compiled.deviceDigest(device) == 0
    }

    /// Where the horizon of an assignment would be; nil if something of it is to be calculated first.
    private func candidate(
        _ key: AssignmentKey, _ border: MessageBorder?, _ lost: Timestamp, slotTime: Timestamp, sources: [Timestamp]
    ) throws -> ExpiringAssignment? {
        guard let work = assignments[key], let record = try store.assignment(key) else { return nil }
        let old = max(record.marks.horizon, lost)
        var candidate = ExpiringAssignment(
            key: key, old: old, horizon: old, basePosition: record.marks.logPosition,
            revision: record.marks.calculatorRevision)
        guard running[key] == nil else { return nil }
        let isCalculable = isCalculable(key)
        guard isCalculable, let compiled = picture.calculators[key.calculator],
            isApplied(record.marks, compiled, key.device)
        else {
            guard !isCalculable || work.pending.isEmpty else { return nil }
            // It is not calculated, or only with the next message: it does not hold messages back for ever, and begins
            // from nothing where they are gone.
            candidate.horizon = ([old, border?.floor].compactMap { $0 } + sources).max() ?? old
            candidate.isCalculatedAtOnce = !isCalculable
            return candidate
        }
        guard geofenceChanges[key] == nil, work.cached.isCalculated,
            work.cached.applied == record.marks.logPosition, record.marks.horizon == work.cached.horizon
        else { return nil }
        let held = try cache.held(key, firstOnIn: .all)
        let expired = try intervalBorder(key, compiled.calculator, slotTime: slotTime)
        candidate.horizon = horizon(held, old: old, border, expired, sources: sources)
        if let expired {
            let before = min(expired, candidate.horizon)
            candidate.intervalsBefore = before
            candidate.hasExpired = held.contains { $0.end < before }
        }
        guard (work.pending.ranges.first?.lower ?? .distantFuture) > candidate.horizon else { return nil }
        if lost > record.marks.horizon, picture.devices[key.device]?.isAsset ?? false {
            // Messages that it was calculated from are gone: it begins from nothing.
        } else if candidate.horizon == record.marks.horizon {
            let state = try store.horizonState(key)
            candidate.state = state?.calculatorRevision == candidate.revision ? state?.bytes : nil
        } else {
            candidate.needsState = !SeededBug.expiryNotAligned.isOn
        }
        return candidate
    }

    /// Whether an assignment is being kept up to date: not disabled, not failing, not held.
    private func isCalculable(_ key: AssignmentKey) -> Bool {
        guard let work = assignments[key], picture.calculators[key.calculator] != nil else { return false }
        return work.isEnabled && work.failure == nil && work.held.isEmpty && heldJobs[key] == nil
    }

    /// The latest of what bounds it, moved back to the begin of an interval that spans it; where messages would have to
    /// be kept too long for that, the interval is cut through.
    private func horizon(
        _ held: [HeldInterval], old: Timestamp, _ border: MessageBorder?, _ expired: Timestamp?, sources: [Timestamp]
    ) -> Timestamp {
        let least = (sources + [old]).max() ?? old
        let floor = max(least, border?.floor ?? least)
        var horizon = [least, border?.border, expired].compactMap { $0 }.max() ?? least
        guard !SeededBug.expiryNotAligned.isOn else { return horizon }
        while horizon > floor, let spanning = held.last(where: { $0.begin < horizon && horizon < $0.end }) {
            horizon = max(spanning.begin, floor)
        }
        return horizon
    }

    // MARK: Borders

    private func slotTime(_ device: DeviceID, _ times: [Timestamp]) -> Timestamp {
        SeededBug.expiryByWallClock.isOn ? now : times[Int(Slot(device: device).rawValue)]
    }

    /// From when on messages of a device, or of those that stood for an asset, are kept; nil: all are.
    private func messageBorder(_ device: MirroredDevice, _ times: [Timestamp]) throws -> MessageBorder? {
        guard device.isAsset else { return try ownBorder(device, times) }
        var borders: [DeviceID: MessageBorder] = [:]
        for id in Set(device.stretches.map(\.facts.id)) {
            if let standIn = picture.devices[id] { borders[id] = try ownBorder(standIn, times) }
        }
        guard !borders.isEmpty else { return nil }
        return MessageBorder(
            border: device.passed { borders[$0]?.border ?? .distantPast },
            floor: device.passed { borders[$0]?.floor ?? .distantPast })
    }

    private func ownBorder(_ device: MirroredDevice, _ times: [Timestamp]) throws(StoreError) -> MessageBorder? {
        var borders: [MessageBorder] = []
        let time = slotTime(device.facts.id, times)
        if device.messagesTTL > 0, time > .distantPast {
            let border = time.advanced(bySeconds: -device.messagesTTL - setup.expirySlackSeconds)
            borders.append(MessageBorder(border: border, floor: border.advanced(bySeconds: -device.messagesTTL)))
        }
        if device.messagesRotate > 0 {
            borders.append(try rotation(of: device.facts.id, byteCount: device.messagesRotate))
        }
        guard let first = borders.first else { return nil }
        return borders.dropFirst().reduce(first) {
            MessageBorder(border: max($0.border, $1.border), floor: max($0.floor, $1.floor))
        }
    }

    /// The first message of the newest chunks that have so many bytes together; twice as many where an interval needs
    /// them.
    private func rotation(of device: DeviceID, byteCount: Double) throws(StoreError) -> MessageBorder {
        var result = MessageBorder(border: .distantPast, floor: .distantPast)
        var (bytes, first) = (0.0, Timestamp.distantFuture)
        try store.forEachArchivedChunk(device: device, overlapping: .all, isReversed: true) { chunk in
            bytes += Double(chunk.bytes.count)
            // The newest chunk stays whatever its size.
            if bytes > byteCount, first < .distantFuture, result.border <= .distantPast { result.border = first }
            if bytes > 2 * byteCount, first < .distantFuture {
                result.floor = first
                return false
            }
            first = chunk.first
            return true
        }
        return result
    }

    /// From when on intervals of an assignment are kept, by their ends; nil: all are.
    private func intervalBorder(
        _ key: AssignmentKey, _ calculator: Calculator, slotTime: Timestamp
    ) throws(StoreError) -> Timestamp? {
        var border: Timestamp?
        if calculator.intervalsTTL > 0, slotTime > .distantPast {
            border = slotTime.advanced(bySeconds: -calculator.intervalsTTL)
        }
        if calculator.intervalsRotate > 0,
            let kept = try firstKept(key, byteCount: calculator.intervalsRotate)
        {
            border = max(border ?? kept, kept)
        }
        return border
    }

    /// The end of the oldest of the newest intervals whose texts have so many bytes together; nil: all have.
    private func firstKept(_ key: AssignmentKey, byteCount: Double) throws(StoreError) -> Timestamp? {
        let pageCount = 500
        var (bytes, first, upper) = (0.0, Timestamp?.none, Timestamp.distantFuture)
        while true {
            let page = try store.intervals(
                key,
                IntervalQuery(
                    range: TimeRange(lower: .distantPast, upper: upper), isReversed: true, countMax: pageCount))
            for interval in page where interval.begin < upper || first == nil {
                bytes += Double(interval.json.count)
                if bytes > byteCount { return first ?? interval.end }
                first = interval.end
            }
            guard page.count == pageCount, let last = page.last, last.begin < upper else { return nil }
            upper = last.begin
        }
    }

    // MARK: The device

    /// Messages of a device before it go; nil if no whole chunk would.
    private func messageHorizon(
        _ device: MirroredDevice, _ border: MessageBorder?, _ assigned: [Timestamp]
    ) throws -> Timestamp? {
        guard let border, !device.isAsset else { return nil }
        let id = device.facts.id
        let needed = ([border.border] + assigned + (try neededByAssets(id))).min() ?? border.border
        // Assets are waited for no longer than anything else.
        let horizon = max(needed, ([border.floor] + assigned).min() ?? border.floor)
        guard try horizon > self.horizon(of: id) else { return nil }
        var goes = false
        if devices[id]?.sync == .synced {
            goes = try cache.chunks(id, endingAfter: .distantPast, countMax: 1).first.map { $0.last < horizon } ?? false
        } else {
            try store.forEachArchivedChunk(device: id) { chunk in
                goes = chunk.last < horizon
                return false
            }
        }
        return goes ? horizon : nil
    }

    /// The first moments of a device that its assets still read, as far as the primary store says.
    private func neededByAssets(_ device: DeviceID) throws(StoreError) -> [Timestamp] {
        var needed: [Timestamp] = []
        for asset in picture.assetsOfDevice[device] ?? [] {
            let stretches = picture.devices[asset]?.stretches.filter { $0.facts.id == device } ?? []
            for key in picture.assignmentKeys(of: asset) {
                guard let horizon = try store.assignment(key)?.marks.horizon else { continue }
                if let next = stretches.first(where: { $0.range.upper > horizon }) {
                    needed.append(max(horizon, next.range.lower))
                }
            }
        }
        return needed
    }

    // MARK: Sources

    private func sources(of key: AssignmentKey) -> [AssignmentKey] {
        (picture.calculators[key.calculator]?.calculator.sources ?? []).sorted().map {
            AssignmentKey(calculator: $0, device: key.device)
        }
    }

    /// Assignments of a device in an order in which what is read comes before what reads it.
    private func sourcesFirst(_ keys: [AssignmentKey]) -> [AssignmentKey] {
        var left = keys.sorted()
        var ordered: [AssignmentKey] = []
        while !left.isEmpty {
            let ready = left.filter { key in sources(of: key).allSatisfy { !left.contains($0) } }
            // Circles are refused when they are stored.
            guard !ready.isEmpty else { return ordered + left }
            ordered += ready
            left.removeAll { ready.contains($0) }
        }
        return ordered
    }
}
