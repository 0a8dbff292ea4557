import Calculators
import LocalCache
import MessageChunks
import PrimaryStore
import Recalculation
import Telemetry

extension Worker {
    /// Takes the next batches of the log into the cache, with what they invalidate and the position, in one
    /// transaction; false if there were none.
    func tailLog() throws -> Bool {
        position = clearPosition
        guard store.lastPosition > position, logMoment == nil else { return false }
        let page = try readLogPage()
        guard !page.entries.isEmpty || page.isCut else { return pass(to: page.reached) }
        var touched: Set<AssignmentKey> = []
        let moment = now
        logPace.take(at: moment, isMore: page.isCut)
        try transaction {
            for entry in page.entries { try countExpired(entry) }
            for entries in page.entriesByDevice { touched.formUnion(try take(entries, moment)) }
            for entry in page.entries {
                for asset in picture.assetsOfDevice[entry.device] ?? [] {
                    touched.formUnion(try take(entry, for: asset, moment))
                }
            }
            position = page.reached
            try cache.setPosition(position)
            for key in touched { try storePending(key) }
        }
        publish(touched)
        setup.board.log.reach(position, setup.index)
        return page.isCut || !page.entries.isEmpty
    }

    /// When the log that gathers is due; nil if it is due by now, or there is none.
    var logMoment: Timestamp? { store.lastPosition > clearPosition ? logPace.moment(after: now) : nil }

    /// The position up to which there is nothing in the log that this worker has not looked at.
    private var clearPosition: Int64 { max(position, setup.board.log.position(of: setup.index)) }

    /// Goes on to a position before which nothing is this worker's. The cache need not know: after a crash the log is
    /// looked through again. Whatever is stored next notes it.
    private func pass(to reached: Int64) -> Bool {
        position = reached
        setup.board.log.reach(position, setup.index)
        return false
    }

    private func readLogPage() throws -> LogPage {
        let page = try readLogTolerantly(after: position)
        guard SeededBug.positionBeforeEffects.isOn else { return page }
        try cache.setPosition(page.reached)
        return try store.readLog(after: position, upTo: page.reached, slots: watchedSlots, limit: LogLimit())
    }

    /// Counts the messages of a batch that are older than the horizon of their device: they are taken nowhere.
    private func countExpired(_ entry: LogEntry) throws {
        guard setup.slots.contains(Slot(device: entry.device)) else { return }
        let horizon = try horizon(of: entry.device)
        guard horizon > .distantPast, let chunk = try? MessageChunk(entry.bytes), chunk.firstTimestamp < horizon else {
            return
        }
        let count = try entry.batch().timestamps.count { $0 < horizon.microseconds }
        setup.board.count { $0.messagesExpired += Int64(count) }
    }

    /// Messages of a device before it are not taken.
    private func leastTaken(_ device: DeviceID) throws(StoreError) -> Timestamp {
        let horizon = try horizon(of: device)
        guard SeededBug.expiryByWallClock.isOn, let ttl = picture.devices[device]?.messagesTTL, ttl > 0 else {
            return horizon
        }
        return max(horizon, now.advanced(bySeconds: -ttl - setup.expirySlackSeconds))
    }

    /// Takes the batches of a device that a page of the log has; returns the assignments that they touched.
    private func take(_ entries: [LogEntry], _ moment: Timestamp) throws -> Set<AssignmentKey> {
        var touched: Set<AssignmentKey> = []
        var rest = entries[...]
        while let entry = rest.first {
            let count = try takeRun(rest, entry.device, moment, &touched)
            if count == 0 { touched.formUnion(try take(entry, for: entry.device, moment)) }
            rest = rest.dropFirst(max(count, 1))
        }
        return touched
    }

    /// Takes the first batches in one piece if they just go on behind what is there; returns how many these are, 0
    /// where it is one at most.
    private func takeRun(
        _ entries: ArraySlice<LogEntry>, _ device: DeviceID, _ moment: Timestamp, _ touched: inout Set<AssignmentKey>
    ) throws -> Int {
        guard entries.count > 1, let work = devices[device], work.sync == .synced, let cached = work.cached else {
            return 0
        }
        let run = LogRun(entries, behind: cached.latest, from: try leastTaken(device))
        guard run.batches.count > 1 else { return 0 }
        try cache.appendTail(
            device, position: run.position, first: run.first, last: run.last, count: run.messageCount, run.bytes)
        let range = newRange(from: run.first, to: run.last, behind: cached.latest)
        touched.formUnion(try note((range, run.messageCount), of: device, moment))
        return run.batches.count
    }

    /// Takes one batch for a device, or for an asset that it stands for; returns the assignments that it touched.
    private func take(
        _ entry: LogEntry, for device: DeviceID, _ moment: Timestamp
    ) throws -> [AssignmentKey] {
        guard let work = devices[device], work.sync == .synced, let cached = work.cached,
            let taken = try device == entry.device
                ? store(entry, behind: cached.latest) : store(entry, of: device, behind: cached.latest)
        else { return [] }
        return try note(taken, of: device, moment)
    }

    /// Notes what was put into the tail of a device; returns the assignments that it touches.
    private func note(
        _ taken: (range: TimeRange, count: Int), of device: DeviceID, _ moment: Timestamp
    ) throws -> [AssignmentKey] {
        guard let work = devices[device], let cached = work.cached else { return [] }
        let latest = Timestamp(microseconds: taken.range.upper.microseconds - 1)
        if cached.latest.map({ $0 < latest }) ?? true {
            devices[device]?.cached?.latest = latest
            try cache.setDevice(CachedDevice(device: device, sealed: cached.sealed, latest: latest))
        }
        setup.board.count { $0.messagesTaken += Int64(taken.count) }
        // Of a disabled assignment too: what came meanwhile is pending when it is enabled again.
        let keys = work.keys.filter { picture.calculators[$0.calculator]?.calculator.messagesSource == nil }
        return keys.filter { key in
            // What lies before its horizon it does not read any more.
            let horizon = assignments[key]?.cached.horizon ?? .distantPast
            let range = TimeRange(lower: max(taken.range.lower, horizon), upper: taken.range.upper)
            guard !range.isEmpty else { return false }
            let delay = picture.calculators[key.calculator]?.calculator.updateInterval ?? 0
            assignments[key]?.pending.add(
                Invalidation(
                    range: range, since: moment, due: moment.advanced(bySeconds: delay), cause: "messages"))
            schedule(key)
            return true
        }
    }

    /// Puts what is new of a batch into the tail; nil if nothing is. What follows the latest message is taken as it is.
    private func store(_ entry: LogEntry, behind latest: Timestamp?) throws -> (range: TimeRange, count: Int)? {
        let least = try leastTaken(entry.device)
        if let chunk = try? MessageChunk(entry.bytes), chunk.isSorted, chunk.count > 0, chunk.firstTimestamp >= least,
            latest.map({ $0 < chunk.firstTimestamp }) ?? true
        {
            try cache.appendTail(
                entry.device, position: entry.position, first: chunk.firstTimestamp, last: chunk.lastTimestamp,
                count: chunk.count, entry.bytes)
            return (newRange(from: chunk.firstTimestamp, to: chunk.lastTimestamp, behind: latest), chunk.count)
        }
        let batch = try entry.batch().sorted().clipped(to: TimeRange(lower: least, upper: .distantFuture))
        return try store(batch, entry.device, position: entry.position, behind: latest)
    }

    /// The range of what follows the latest message: from there on, so that what follows without a gap makes one range.
    private func newRange(from first: Timestamp, to last: Timestamp, behind latest: Timestamp?) -> TimeRange {
        TimeRange(inclusive: latest.map { Timestamp(microseconds: $0.microseconds + 1) } ?? first, last)
    }

    /// The same for what of a batch was sent while its device stood for an asset.
    private func store(
        _ entry: LogEntry, of asset: DeviceID, behind latest: Timestamp?
    ) throws -> (range: TimeRange, count: Int)? {
        let batch = try assetPart(of: entry.batch().sorted(), entry.device, asset)
        return batch.isEmpty ? nil : try store(batch, asset, position: entry.position, behind: latest)
    }

    private func store(
        _ batch: MessageBatch, _ device: DeviceID, position: Int64, behind latest: Timestamp?
    ) throws -> (range: TimeRange, count: Int)? {
        let batch = try unknown(of: batch, device, latest: latest)
        guard let range = batch.timeRange else { return nil }
        try cache.appendTail(device, position: position, batch)
        return (range, batch.count)
    }

    /// The messages of a sorted batch that the cache does not have: a duplicate that alters nothing changes nothing.
    private func unknown(
        of batch: MessageBatch, _ device: DeviceID, latest: Timestamp?
    ) throws -> MessageBatch {
        guard let latest, let range = batch.timeRange, range.lower <= latest,
            try !cache.lacks(timesOf: batch, device)
        else { return batch }
        var missing = UnknownRows(of: batch)
        missing.note(try cache.tail(device, overlapping: range, parameters: []))
        let before = Timestamp(microseconds: range.lower.microseconds - 1)
        for chunk in try cache.chunks(device, endingAfter: before, beginningBefore: range.upper) {
            missing.note(try cache.chunk(device, first: chunk.first, parameters: [], besides: batch.timestamps))
        }
        let rows = missing.rows
        return rows.count == batch.count ? batch : batch.gather(rows)
    }
}

extension Worker {
    /// Adds to what is pending for an assignment, and stores it.
    func invalidate(_ key: AssignmentKey, _ invalidation: Invalidation) throws {
        guard assignments[key] != nil, devices[key.device]?.sync == .synced else { return }
        assignments[key]?.pending.add(invalidation)
        try cache.transaction { try storePending(key) }
        schedule(key)
        publish([key])
    }

    /// Stores what is pending for an assignment together with what a job has taken and not settled.
    func storePending(_ key: AssignmentKey) throws {
        guard let work = assignments[key] else { return }
        var all = InvalidationList(work.pending.items)
        for invalidation in running[key]?.taken ?? [] { all.add(invalidation) }
        try cache.setInvalidations(key, all.items + work.held)
    }

    /// Puts an assignment into the queue for the moment at which it is next due, unless it stands there already.
    func schedule(_ key: AssignmentKey) {
        guard let work = assignments[key],
            let moment = [work.pending.due, work.cached.timer].compactMap({ $0 }).min(),
            work.queuedFor.map({ moment < $0 }) ?? true
        else { return }
        assignments[key]?.queuedFor = moment
        due.add(key, at: moment)
    }

    /// Says on the board how the assignments stand.
    func publish(_ keys: some Sequence<AssignmentKey>) {
        setup.board.set(keys.map { ($0, status(of: $0)) })
        noteReplays(keys)
    }

    func publishAll() {
        setup.board.keep(Set(assignments.keys), Set(devices.keys), of: setup.slots, at: now)
        publish(assignments.keys)
        for device in devices.keys { publish(device) }
        setup.board.log.reach(position, setup.index)
    }

    private func status(of key: AssignmentKey) -> AssignmentStatus? {
        guard let work = assignments[key] else { return nil }
        let since = [work.pending.since, running[key]?.taken.map(\.since).min()].compactMap { $0 }.min()
        let isSynced = devices[key.device]?.sync == .synced
        let sync: SyncState = isSynced ? (work.cached.isCalculated ? .synced : .synchronizing) : .unsynced
        return AssignmentStatus(
            sync: sync, appliedPosition: work.cached.applied, pendingSince: since, failure: work.failure,
            heldJob: work.held.isEmpty ? nil : heldJobs[key],
            horizon: work.cached.horizon > .distantPast ? work.cached.horizon : nil)
    }
}
