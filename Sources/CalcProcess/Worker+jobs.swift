import Calculators
import Evaluation
import Glibc
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
        let replayLimit = threadNanoseconds() + Self.replayNanosecondsMax
        let live = running.filter { !$0.value.isReplay }.keys.sorted()
        for key in live { if let job = try work(on: key) { finished.append(job) } }
        for key in running.keys.filter({ !live.contains($0) }).sorted() where threadNanoseconds() < replayLimit {
            if let job = try work(on: key) { finished.append(job) }
        }
        try push(finished)
        return true
    }

    /// Works a slice on a job; returns it if it has finished.
    private func work(on key: AssignmentKey) throws -> RunningJob? {
        guard var job = running[key] else { return nil }
        let start = threadNanoseconds()
        let before = job.job.outcome.messageCount
        let isFinished: Bool
        do {
            isFinished = try job.job.run(messageCountMax: Self.sliceMessageCount, cache)
        } catch let error as StoreError {
            // What it reads of other calculators cannot be read.
            try cache.transaction { try fail(job, error) }
            assignments[key]?.failure = "\(error)"
            schedule(key)
            publish([key])
            return nil
        }
        job.nanoseconds += threadNanoseconds() - start
        setup.board.count { $0.messagesEvaluated += Int64(job.job.outcome.messageCount - before) }
        running[key] = job
        return isFinished ? job : nil
    }

    private func startDue() throws {
        let moment = now
        try startReplays(moment)
        while running.count < Self.jobsPerRoundMax, let key = due.take(dueBy: moment) {
            if let queued = assignments[key]?.queuedFor, queued <= moment { assignments[key]?.queuedFor = nil }
            guard running[key] == nil, let work = assignments[key], work.isEnabled else { continue }
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

    /// Starts some of the replays that wait, in the order in which they came.
    private func startReplays(_ moment: Timestamp) throws {
        var room = Self.replaysMax - running.values.count { $0.isReplay }
        var taken = 0
        for key in replays {
            guard room > 0 else { break }
            taken += 1
            if waitsForSource(key, moment) { continue }
            guard running[key] == nil, assignments[key]?.isEnabled == true,
                let pendingDue = assignments[key]?.pending.due, pendingDue <= moment
            else { continue }
            try start(key)
            room -= 1
        }
        replays.removeFirst(taken)
    }

    /// Makes a timer that has run out an invalidation of the end of the data.
    private func takeTimer(_ key: AssignmentKey, _ timer: Timestamp) {
        let end = TimeRange(lower: .distantFuture, upper: .distantFuture)
        assignments[key]?.cached.timer = nil
        assignments[key]?.pending.add(Invalidation(range: end, since: timer, due: timer, cause: "timer"))
    }

    private func start(_ key: AssignmentKey) throws {
        guard var work = assignments[key], let compiled = picture.calculators[key.calculator],
            let device = picture.devices[key.device]
        else { return }
        defer { assignments[key] = work }
        let job = RecalculationJob(
            key: key, calculator: compiled.calculator, inputs: try inputs(key, compiled, device, &work),
            ranges: work.pending.ranges, now: now, stateSpacing: setup.stateSpacing)
        running[key] = RunningJob(
            job: job, taken: work.pending.take(), position: position, calculatorRevision: compiled.revision,
            deviceRevision: device.revision, started: now)
    }

    private func inputs(
        _ key: AssignmentKey, _ compiled: CompiledCalculator, _ device: MirroredDevice, _ work: inout AssignmentWork
    ) throws -> RecalculationJob.Inputs {
        var inputs = RecalculationJob.Inputs(
            environment: compiled.environment(device, picture.geofences[key.calculator]?.set),
            binding: ColumnBinding(
                compiled.calculator.layout, table: store.parameters, facts: device.facts,
                stretches: device.stretches),
            sources: compiled.calculator.sources.isEmpty ? nil : sourceReader(key.device))
        inputs.customFields = try customFields(key, compiled, &work)
        return inputs
    }

    // MARK: Pushing

    private func push(_ jobs: [RunningJob]) throws {
        guard !jobs.isEmpty else { return }
        var diffs: [IntervalDiff] = []
        for job in jobs { diffs.append(try diff(job)) }
        let results = store.push(zip(jobs, diffs).map { push(of: $0, $1) })
        try cache.transaction {
            for (index, result) in results.enumerated() {
                switch result {
                case .success(let receipt): try settle(jobs[index], diffs[index], receipt)
                case .failure(let error): try fail(jobs[index], error)
                }
            }
        }
        for (job, result) in zip(jobs, results) {
            if case .failure(.stale) = result { try recover(job.job.key) }
            schedule(job.job.key)
        }
        stopWaitingForSources()
        publish(jobs.map(\.job.key))
    }

    private func diff(_ job: RunningJob) throws -> IntervalDiff {
        var held: [HeldInterval] = []
        for region in job.job.outcome.regions { held += try cache.held(job.job.key, firstOnIn: region) }
        return IntervalDiff(held: held, calculated: job.job.outcome.intervals)
    }

    private func push(of job: RunningJob, _ diff: IntervalDiff) -> Push {
        let key = job.job.key
        let slot = Slot(device: key.device)
        let asked = job.taken.dropFirst().reduce(job.taken.first?.range ?? .all) { $0.union($1.range) }
        let ledger = JobRecord(
            key: key, cause: job.taken.min { $0.since < $1.since }?.cause ?? "", rangeAsked: asked,
            rangeRun: job.job.outcome.rangeRun ?? asked, messageCount: job.job.outcome.messageCount,
            started: job.started, milliseconds: Double(job.nanoseconds) / 1e6)
        return Push(
            slot: slot, epoch: setup.epochs[slot] ?? 0, key: key, calculatorRevision: job.calculatorRevision,
            basePosition: assignments[key]?.cached.applied, deletes: diff.deleted.map(\.id),
            upserts: diff.written.map { new, held in
                IntervalWrite(
                    id: held?.id, firstOn: new.interval.firstOn, begin: new.interval.begin, end: new.interval.end,
                    isActive: new.interval.isActive, head: new.head, tail: new.tail, digest: new.digest)
            },
            marks: AssignmentMarks(
                logPosition: job.position, calculatorRevision: job.calculatorRevision,
                deviceRevision: job.deviceRevision),
            timestamp: now, job: ledger)
    }

    // MARK: Settling

    private func settle(_ job: RunningJob, _ diff: IntervalDiff, _ receipt: PushReceipt) throws {
        let key = job.job.key
        running[key] = nil
        guard var work = assignments[key] else { return }
        for interval in diff.deleted + diff.written.compactMap(\.held) {
            try cache.removeHeld(key, firstOn: interval.firstOn)
        }
        for (written, id) in zip(diff.written, receipt.ids) {
            let new = written.new.interval
            try cache.setHeld(
                key,
                HeldInterval(
                    id: id, firstOn: new.firstOn, begin: new.begin, end: new.end, isActive: new.isActive,
                    digest: written.new.digest))
        }
        for range in job.job.outcome.removedStates { try cache.removeStates(key, in: range) }
        for state in job.job.outcome.savedStates { try cache.setState(key, state) }
        work.cached.applied = job.position
        work.failure = nil
        if let moved = diff.moved(among: work.customFields ?? []) {
            // The interval after one that has fields reads them by its first message, which is another now.
            work.customFields = nil
            work.pending.add(Invalidation(range: moved, since: now, due: now, cause: "fields"))
        }
        if job.job.outcome.reachesEnd {
            work.cached.timer = job.job.outcome.timer
            work.cached.isCalculated = true
        }
        assignments[key] = work
        try cache.setAssignment(work.cached)
        try storePending(key)
        try invalidateDependants(of: key, diff.ranges, cause: "source")
        setup.board.count { metrics in
            metrics.jobsRun += 1
            metrics.intervalsCreated += Int64(receipt.createdCount)
            metrics.intervalsUpdated += Int64(receipt.updatedCount)
            metrics.intervalsDeleted += Int64(receipt.deletedCount)
        }
    }

    /// A push that was refused is calculated again: later if the store cannot, with the present registry if it was
    /// stale.
    private func fail(_ job: RunningJob, _ error: StoreError) throws {
        let key = job.job.key
        running[key] = nil
        switch error {
        case .fenced, .failed, .notWritable: throw error
        case .stale: setup.logger.debug("push was stale", metadata: ["error": "\(error)"])
        default: setup.logger.error("push failed and is repeated", metadata: ["error": "\(error)"])
        }
        let isStale = if case .stale = error { true } else { false }
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

    func threadNanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
