import PrimaryStore
import Telemetry

extension TestHouse {
    /// Pushes intervals of an assignment as the owner of its slot would: by default three, the last of them active.
    func push(
        _ key: AssignmentKey, revision: Int64 = 1, values: [Double] = [1, 2, 3], ids: [Int64?] = [nil, nil, nil]
    ) async throws {
        let slot = Slot(device: key.device)
        let epoch = try store.claimAllSlots(owner: "test", at: clock.now)[slot] ?? 0
        let writes = zip([(100.0, 200.0), (200.0, 260.0), (300.0, 400.0)], zip(values, ids)).map { ends, what in
            let interval = Interval(
                begin: Timestamp(seconds: ends.0), end: Timestamp(seconds: ends.1), firstOn: Timestamp(seconds: ends.0),
                isActive: ends.0 == 300, counters: [.init(name: "value", value: .number(what.0))])
            return IntervalWrite(
                id: what.1, firstOn: interval.firstOn, begin: interval.begin, end: interval.end,
                isActive: interval.isActive, head: interval.head, tail: interval.tail,
                digest: hash64(interval.head + interval.tail))
        }
        let job = JobRecord(
            key: key, cause: "assigned", rangeAsked: .all,
            rangeRun: TimeRange(inclusive: Timestamp(seconds: 100), Timestamp(seconds: 400)), messageCount: 9,
            started: clock.now, milliseconds: 1.5)
        let push = Push(
            slot: slot, epoch: epoch, key: key, calculatorRevision: revision, upserts: writes,
            marks: AssignmentMarks(logPosition: 1, calculatorRevision: revision), timestamp: clock.now, job: job)
        for result in await store.push([push]) { _ = try result.get() }
    }
}
