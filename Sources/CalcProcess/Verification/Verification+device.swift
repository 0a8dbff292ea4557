import Calculators
import Evaluation
import PrimaryStore
import Telemetry

/// What one look at a device gave.
struct DeviceLook {
    var keys: [AssignmentKey] = []
    var marks: [AssignmentKey: AssignmentMarks] = [:]
    var messageCount = 0
    var intervalCount = 0
    var isCut = false
    /// What is wrong beside differences.
    var findings: [VerificationFinding] = []
    var differences: [AssignmentKey: [IntervalComparison.Difference]] = [:]
    /// The assignments that differ in nothing at the moment of an earlier job.
    var ranOut: Set<AssignmentKey> = []

    var hasDifferences: Bool { differences.contains { !$0.value.isEmpty } }
}

extension Verification {
    /// Evaluates a device and compares.
    func look(at device: DeviceID, _ calculators: [CalculatorID]?) throws(StoreError) -> DeviceLook {
        var look = DeviceLook()
        guard let mirrored = view.picture.devices[device] else { return look }
        look.keys = view.picture.assignmentKeys(of: device).filter { key in
            calculators?.contains(key.calculator) ?? true
        }
        look.marks = try marks(look.keys)
        var evaluation = HistoryEvaluation(
            store: view.store, picture: view.picture, device: mirrored, now: now, mayGoOn: mayGoOn)
        var isReadable = true
        do {
            try evaluation.run(look.keys.map(\.calculator))
        } catch StoreError.corrupt(let what) {
            look.findings.append(VerificationFinding(.corrupt, text: what))
            isReadable = false
        }
        look.messageCount = evaluation.messageCount
        look.findings += try damage(mirrored)
        look.isCut = evaluation.isCut
        guard !look.isCut else { return look }
        for key in look.keys { try compare(key, isReadable ? evaluation : nil, &look) }
        return look
    }

    /// Chunks of a device, or of those that stood for an asset, that were set apart.
    private func damage(_ device: MirroredDevice) throws(StoreError) -> [VerificationFinding] {
        let ids = device.isAsset ? Set(device.stretches.map(\.facts.id)) : [device.facts.id]
        return try view.store.damagedChunks(device: nil).filter { ids.contains($0.device) && $0.since != nil }.map {
            VerificationFinding(
                .corrupt,
                text: "chunk of device \($0.device) from \($0.first.seconds) to \($0.last.seconds) is set apart: "
                    + $0.reason)
        }
    }

    private func compare(
        _ key: AssignmentKey, _ evaluation: HistoryEvaluation?, _ look: inout DeviceLook
    ) throws(StoreError) {
        guard let stored = try stored(key, &look) else { return }
        if let failure = view.picture.failures[key.calculator] {
            look.findings.append(VerificationFinding(.failure, key, text: failure))
        }
        guard let evaluation, evaluation.intervals(key.calculator, now: now) != nil else { return }
        let fields = try view.store.intervalFields(key)
        let custom = Dictionary(fields.map { ($0.id, $0.members) }) { first, _ in first }
        func differences(at moment: Timestamp) -> [IntervalComparison.Difference] {
            let calculated = evaluation.intervals(key.calculator, now: moment) ?? []
            let (stored, compared) = comparable(stored, calculated, key, evaluation.horizon(key.calculator))
            return IntervalComparison(stored: stored, calculated: compared, custom: custom).differences
        }
        let found = differences(at: now)
        look.differences[key] = found
        guard !found.isEmpty else { return }
        // Without a server no timer runs: what was right when it was calculated waits for the next start.
        for job in try view.store.jobs(key, countMax: Self.jobsMax) where job.started < now {
            if differences(at: job.started).isEmpty { look.ranOut.insert(key) }
        }
    }

    /// The intervals of an assignment; nil if a row is not what was written, which is told.
    private func stored(_ key: AssignmentKey, _ look: inout DeviceLook) throws(StoreError) -> [StoredInterval]? {
        do {
            let stored = try view.store.intervals(key, IntervalQuery())
            look.intervalCount += stored.count
            return stored
        } catch StoreError.corrupt(let what) {
            let last = try view.store.assignment(key)?.marks.lastIntervalID ?? 0
            var isFound = false
            for id in stride(from: Int64(1), through: last, by: 1) {
                do {
                    look.intervalCount += try view.store.intervals(key, IntervalQuery(ids: [id])).count
                } catch StoreError.corrupt(let what) {
                    isFound = true
                    var finding = VerificationFinding(.corrupt, key, text: what)
                    finding.id = id
                    look.findings.append(finding)
                }
            }
            if !isFound { look.findings.append(VerificationFinding(.corrupt, key, text: what)) }
            return nil
        }
    }

    /// What of both sides is the same by right: nothing that is frozen, and nothing that keeps an older revision.
    private func comparable(
        _ stored: [StoredInterval], _ calculated: [Interval], _ key: AssignmentKey, _ horizon: Timestamp
    ) -> ([StoredInterval], [Interval]) {
        var kept = stored.filter { $0.end >= horizon }
        var compared = calculated.filter { $0.end >= horizon }
        guard let compiled = view.picture.calculators[key.calculator], !compiled.calculator.updatesOnChange else {
            return (kept, compared)
        }
        let border = kept.filter { $0.calculatorRevision != compiled.revision }.map(\.end).max()
        kept.removeAll { interval in border.map { interval.firstOn <= $0 } ?? false }
        compared.removeAll { interval in border.map { interval.firstOn <= $0 } ?? false }
        return (kept, compared)
    }

    // MARK: What is pending

    /// Why an assignment, or one that it reads, may differ from its messages by right; nil if it may not.
    func pendingReason(_ key: AssignmentKey, _ look: DeviceLook) throws(StoreError) -> String? {
        if look.ranOut.contains(key) { return "timers have run out since the last calculation" }
        var seen: Set<AssignmentKey> = []
        var open = [key]
        while let next = open.popLast() {
            guard seen.insert(next).inserted, let record = try view.store.assignment(next) else { continue }
            if let reason = try ownPendingReason(record) {
                return next == key ? reason : "calculator \(next.calculator), which it reads: \(reason)"
            }
            let sources = view.picture.calculators[next.calculator]?.calculator.sources ?? []
            open += sources.sorted().map { AssignmentKey(calculator: $0, device: key.device) }
        }
        return nil
    }

    private func ownPendingReason(_ record: AssignmentRecord) throws(StoreError) -> String? {
        let key = record.key
        if isPending(key) { return "a calculation is due" }
        let position = try lastPosition(key.device)
        if record.marks.logPosition < position {
            return "messages up to log position \(position) are stored, \(record.marks.logPosition) is applied"
        }
        guard let compiled = view.picture.calculators[key.calculator], let device = view.picture.devices[key.device]
        else { return nil }
        if compiled.calculator.updatesOnChange, record.marks.calculatorRevision != compiled.revision {
            return "revision \(compiled.revision) of the calculator is not applied"
        }
        if compiled.deviceDigest(device) != 0, record.marks.deviceRevision != device.revision {
            return "revision \(device.revision) of the device is not applied"
        }
        return record.isEnabled ? nil : "the assignment is disabled"
    }

    /// The position of the last batch that brought messages of a device, or for an asset.
    private func lastPosition(_ id: DeviceID) throws(StoreError) -> Int64 {
        guard let device = view.picture.devices[id], device.isAsset else {
            return max(try view.store.archiveMark(device: id), try lastLogPosition(id, in: .all))
        }
        var last: Int64 = 0
        for stretch in device.stretches {
            let chunks = try view.store.archivedChunks(device: stretch.facts.id, overlapping: stretch.range)
            last = max(last, chunks.map(\.upTo).max() ?? 0)
            last = max(last, try lastLogPosition(stretch.facts.id, in: stretch.range))
        }
        return last
    }

    private func lastLogPosition(_ device: DeviceID, in range: TimeRange) throws(StoreError) -> Int64 {
        var (after, last) = (Int64(0), Int64(0))
        while true {
            let page = try view.store.readLog(device: device, after: after)
            for entry in page.entries {
                if range != .all {
                    let timestamps = try entry.batch().timestamps
                    guard timestamps.contains(where: { range.contains(Timestamp(microseconds: $0)) }) else { continue }
                }
                last = max(last, entry.position)
            }
            after = page.reached
            guard page.isCut else { return last }
        }
    }
}
