import Calculators
import Evaluation
import LocalCache
import Logging
import PrimaryStore
import Recalculation
import Telemetry

extension Worker {
    /// Starts what is due, works a slice on everything under way, pushes what has finished; false if nothing was due.
    func runJobs() throws -> Bool {
        try startDue()
        guard !running.isEmpty else {
            stopWaitingForSources()
            return false
        }
        var finished: [RunningJob] = []
        let live = running.filter { !$0.value.isReplay }.keys.sorted()
        try cache.reading { for key in live { if let job = try work(on: key) { finished.append(job) } } }
        try push(finished)
        return try workOnReplays() || !live.isEmpty
    }

    /// Works a slice on a job; returns it if it has finished.
    func work(on key: AssignmentKey) throws -> RunningJob? {
        guard var job = running[key] else { return nil }
        let start = setup.processorTime()
        let before = job.job.outcome.messageCount
        let isFinished: Bool
        shareChunks(of: key.device)
        do {
            isFinished = try cache.reading { try job.job.run(messageCountMax: setup.sliceMessageCount, cache) }
        } catch let error as StoreError {
            // What it reads of other calculators cannot be read.
            try repeatLater(job, error)
            return nil
        }
        job.nanoseconds += setup.processorTime() - start
        setup.board.count { $0.messagesEvaluated += Int64(job.job.outcome.messageCount - before) }
        running[key] = job
        return isFinished ? job : nil
    }

    /// Has chunks decoded once for all jobs of a device that are under way: they take turns at the same messages.
    private func shareChunks(of device: DeviceID) {
        let keys = devices[device]?.keys ?? []
        let columns = keys.count < 2 ? [] : keys.compactMap { running[$0]?.job.chunkColumns }.filter { !$0.isNone }
        guard columns.count > 1 else { return cache.stopSharingChunks() }
        let isAll = columns.contains { $0.parameters == nil }
        cache.shareChunks(
            of: device, parameters: isAll ? nil : Set(columns.flatMap { $0.parameters ?? [] }).sorted())
    }

    private func startDue() throws {
        let moment = now
        try startReplays(moment)
        while running.count < Self.jobsPerRoundMax, let key = due.take(dueBy: moment) {
            if let queued = assignments[key]?.queuedFor, queued <= moment { assignments[key]?.queuedFor = nil }
            guard running[key] == nil, let work = assignments[key], work.isEnabled, work.held.isEmpty else { continue }
            if waitsForSource(key, moment) { continue }
            if let timer = work.cached.timer, timer <= moment { takeTimer(key, timer) }
            guard let pending = assignments[key]?.pending, let pendingDue = pending.due, pendingDue <= moment else {
                schedule(key)
                continue
            }
            if pending.ranges.contains(where: { $0.lower <= .distantPast }) {
                replays.append(key)
            } else {
                try start(key)
            }
        }
        try startReplays(moment)
    }

    /// Makes a timer that has run out an invalidation of the end of the data.
    private func takeTimer(_ key: AssignmentKey, _ timer: Timestamp) {
        let end = TimeRange(lower: .distantFuture, upper: .distantFuture)
        assignments[key]?.cached.timer = nil
        assignments[key]?.pending.add(Invalidation(range: end, since: timer, due: timer, cause: "timer"))
    }

    func start(_ key: AssignmentKey) throws {
        guard try isCertain(key) else { return }
        guard var work = assignments[key], work.held.isEmpty, let compiled = picture.calculators[key.calculator],
            let device = picture.devices[key.device]
        else { return }
        let inputs: RecalculationJob.Inputs
        do throws(StoreError) {
            inputs = try self.inputs(key, compiled, device, &work)
        } catch .corrupt(let reason) {
            return try putOff(key, reason)
        }
        let job = RecalculationJob(
            key: key, inputs: inputs, ranges: work.pending.ranges, now: now, stateSpacing: setup.stateSpacing)
        running[key] = RunningJob(
            job: job, taken: work.pending.take(), position: position, calculatorRevision: compiled.revision,
            deviceRevision: device.revision, started: now)
        assignments[key] = work
    }

    /// Lets an assignment wait whose job cannot be started, and says why.
    private func putOff(_ key: AssignmentKey, _ reason: String) throws {
        setup.logger.error("job cannot be started and is put off", metadata: ["reason": "\(reason)"])
        assignments[key]?.failure = reason
        for var invalidation in assignments[key]?.pending.take() ?? [] {
            invalidation.due = now.advanced(bySeconds: Self.retrySeconds)
            assignments[key]?.pending.add(invalidation)
        }
        try cache.transaction { try storePending(key) }
        schedule(key)
        publish([key])
    }

    /// Whether what is held of an assignment is known. After a push that failed, and may have been written all the
    /// same, it is loaded anew, and what reads it is told, as nobody was.
    private func isCertain(_ key: AssignmentKey) throws -> Bool {
        guard assignments[key]?.isUncertain == true else { return true }
        guard try loadHeld(key) else {
            try putOff(key, assignments[key]?.failure ?? "its intervals cannot be read")
            return false
        }
        try cache.transaction { try invalidateDependants(of: key, [.all], cause: "recovery") }
        assignments[key]?.isUncertain = false
        return true
    }

    func inputs(
        _ key: AssignmentKey, _ compiled: CompiledCalculator, _ device: MirroredDevice, _ work: inout AssignmentWork
    ) throws(StoreError) -> RecalculationJob.Inputs {
        let prepared = prepared(key, compiled, device)
        var inputs = RecalculationJob.Inputs(
            plan: prepared.plan, binding: prepared.binding,
            sources: compiled.calculator.sources.isEmpty ? nil : sourceReader(key.device))
        inputs.customFields = try customFields(key, compiled, &work)
        inputs.horizon = try horizonStart(key, compiled)
        inputs.known = preparedJobs.state(of: key)
        return inputs
    }

    // MARK: Pushing

    /// What a job found, beside what was held where it looked.
    struct Comparison {
        var held: [HeldInterval]
        var diff: IntervalDiff
    }

    func push(_ finished: [RunningJob]) throws {
        var jobs: [RunningJob] = []
        var diffs: [IntervalDiff] = []
        try cache.reading {
            for job in finished {
                let comparison = try compare(job)
                if try isTooMuch(job, comparison) {
                    try hold(job, comparison)
                } else {
                    jobs.append(job)
                    diffs.append(comparison.diff)
                }
            }
        }
        if !jobs.isEmpty { try push(jobs, diffs) }
        if !finished.isEmpty { stopWaitingForSources() }
    }

    private func push(_ jobs: [RunningJob], _ diffs: [IntervalDiff]) throws {
        let results = store.push(zip(jobs, diffs).map { push(of: $0, $1) })
        var ending: StoreError?
        try cache.transaction {
            for (index, result) in results.enumerated() {
                switch result {
                case .success(let receipt): try settle(jobs[index], diffs[index], receipt)
                case .failure(let error) where error.endsWorker:
                    ending = ending ?? error
                    try settleWronglyIfSeeded(jobs[index])
                case .failure(let error): try fail(jobs[index], error)
                }
            }
        }
        // What it had taken is still pending in the cache.
        if let ending { throw ending }
        for (job, result) in zip(jobs, results) {
            switch result {
            case .failure(.stale): try recover(job.job.key)
            case .success: try supersedeHeldJob(of: job.job.key)
            case .failure: break
            }
            schedule(job.job.key)
        }
        publish(jobs.map(\.job.key))
    }

    private func compare(_ job: RunningJob) throws -> Comparison {
        var held: [HeldInterval] = []
        for region in job.job.outcome.regions { held += try cache.held(job.job.key, firstOnIn: region) }
        let diff = IntervalDiff(
            held: held, calculated: job.job.outcome.intervals,
            horizon: job.job.horizon.moment)
        return Comparison(held: held, diff: diff)
    }

    /// The row of the ledger for a job.
    func ledger(of job: RunningJob) -> JobRecord {
        let asked = job.taken.dropFirst().reduce(job.taken.first?.range ?? .all) { $0.union($1.range) }
        return JobRecord(
            key: job.job.key, cause: job.taken.min { $0.since < $1.since }?.cause ?? "", rangeAsked: asked,
            rangeRun: job.job.outcome.rangeRun ?? asked, messageCount: job.job.outcome.messageCount,
            started: job.started, milliseconds: Double(job.nanoseconds) / 1e6)
    }

    private func push(of job: RunningJob, _ diff: IntervalDiff) -> Push {
        let key = job.job.key
        let slot = Slot(device: key.device)
        return Push(
            slot: slot, epoch: setup.epochs[slot] ?? 0, key: key, calculatorRevision: job.calculatorRevision,
            basePosition: SeededBug.staleCacheAfterTakeOver.isOn ? nil : assignments[key]?.cached.applied,
            deletes: diff.deleted.map(\.id),
            upserts: diff.written.map { new, held in
                IntervalWrite(
                    id: held?.id, firstOn: new.interval.firstOn, begin: new.interval.begin, end: new.interval.end,
                    isActive: new.interval.isActive, head: new.head, tail: new.tail, digest: new.digest)
            },
            marks: AssignmentMarks(
                logPosition: job.position, calculatorRevision: job.calculatorRevision,
                deviceRevision: job.deviceRevision,
                horizon: assignments[key]?.cached.horizon ?? .distantPast),
            timestamp: now, job: ledger(of: job))
    }

    // MARK: Settling

    private func settle(_ job: RunningJob, _ diff: IntervalDiff, _ receipt: PushReceipt) throws {
        let key = job.job.key
        running[key] = nil
        guard assignments[key] != nil else { return }
        try settleHeld(key, diff, receipt)
        try cache.setFeedRevision(receipt.slotRevision, of: Slot(device: key.device))
        clearPendingWronglyIfSeeded(job)
        if let moved = diff.moved(among: assignments[key]?.customFields ?? []) {
            // The interval after one that has fields reads them by its first message, which is another now.
            assignments[key]?.customFields = nil
            assignments[key]?.pending.add(
                Invalidation(range: moved, since: now, due: now, cause: "fields", isConfigured: true))
        }
        assignments[key]?.cached.applied = job.position
        assignments[key]?.failure = nil
        try settleStates(job)
        if !SeededBug.lostCascade.isOn { try invalidateDependants(of: key, diff.ranges, cause: "source") }
        setup.board.count { metrics in
            metrics.jobsRun += 1
            metrics.intervalsCreated += Int64(receipt.createdCount)
            metrics.intervalsUpdated += Int64(receipt.updatedCount)
            metrics.intervalsDeleted += Int64(receipt.deletedCount)
        }
    }

    private func settleHeld(_ key: AssignmentKey, _ diff: IntervalDiff, _ receipt: PushReceipt) throws(CacheError) {
        var replaced: [(old: HeldInterval, new: HeldInterval)] = []
        var added: [HeldInterval] = []
        for (written, id) in zip(diff.written, receipt.ids) {
            let new = written.new.interval
            let held = HeldInterval(
                id: id, firstOn: new.firstOn, begin: new.begin, end: new.end, isActive: new.isActive,
                digest: written.new.digest)
            if let old = written.held { replaced.append((old, held)) } else { added.append(held) }
        }
        try cache.changeHeld(key, removing: diff.deleted, replacing: replaced, adding: added)
    }

    /// Keeps the states that a job saved and the timer that it found, and what is still pending.
    func settleStates(_ job: RunningJob) throws {
        let key = job.job.key
        for range in job.job.outcome.removedStates { try cache.removeStates(key, in: range) }
        for state in job.job.outcome.savedStates { try cache.setState(key, state) }
        if let state = job.job.outcome.lastState { preparedJobs.keep(state, of: key) }
        if job.job.outcome.reachesEnd {
            assignments[key]?.cached.timer = job.job.outcome.timer
            assignments[key]?.cached.isCalculated = true
        }
        if let cached = assignments[key]?.cached { try cache.setAssignment(cached) }
        // No position that an assignment was applied up to is ahead of the cache's own.
        try cache.setPosition(position)
        try storePending(key)
    }

    private func clearPendingWronglyIfSeeded(_ job: RunningJob) {
        let key = job.job.key
        let isOutdated =
            job.deviceRevision != picture.devices[key.device]?.revision
            || job.calculatorRevision != picture.calculators[key.calculator]?.revision
        if SeededBug.invalidationClearedThoughNewDataCame.isOn
            || SeededBug.settlingClearsNewerGeneration.isOn && isOutdated
        {
            assignments[key]?.pending = InvalidationList()
        }
    }

    /// Takes a job out that has failed, in a transaction of its own, and says why.
    func repeatLater(_ job: RunningJob, _ error: StoreError) throws {
        if error.endsWorker { throw error }
        try cache.transaction { try fail(job, error) }
        assignments[job.job.key]?.failure = "\(error)"
        schedule(job.job.key)
        publish([job.job.key])
    }

    /// A push that was refused is calculated again: later if the store cannot, with the present registry if it was
    /// stale.
    private func fail(_ job: RunningJob, _ error: StoreError) throws {
        let key = job.job.key
        running[key] = nil
        let isStale = if case .stale = error { true } else { false }
        if !isStale { assignments[key]?.isUncertain = true }
        setup.logger.log(
            level: isStale ? .debug : .error, "job failed and is repeated", metadata: ["error": "\(error)"])
        for var invalidation in job.taken {
            if !isStale { invalidation.due = now.advanced(bySeconds: Self.retrySeconds) }
            assignments[key]?.pending.add(invalidation)
        }
        try storePending(key)
    }

    /// After a stale push what is held may be wrong: it is loaded anew and everything calculated again.
    private func recover(_ key: AssignmentKey) throws {
        guard assignments[key] != nil, try loadHeld(key) else { return }
        try invalidateDependants(of: key, [.all], cause: "recovery")
        try calculateAnew(key, Invalidation(range: .all, since: now, due: now, cause: "recovery"))
    }

    /// What a job of a lost ownership must not do.
    private func settleWronglyIfSeeded(_ job: RunningJob) throws {
        guard SeededBug.oldEpochClearsNewState.isOn else { return }
        running[job.job.key] = nil
        assignments[job.job.key]?.cached.applied = job.position
        assignments[job.job.key]?.pending = InvalidationList()
        try settleStates(job)
    }
}
