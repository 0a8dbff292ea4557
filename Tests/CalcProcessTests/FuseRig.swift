import PrimaryStore
import ReferenceEvaluator
import Synchronization
import Telemetry

@testable import CalcProcess

/// Many short drives, and late messages that make some of them too short to count.
struct FuseRig {
    static let begin = 1_700_000_000.0
    static let spacing = 100.0

    /// A drive lasts 20 seconds; one that a late message cuts in two has no part of 15.
    static func drives(_ name: String = "drives", minActive: Int = 15, onChange: Bool = true) -> String {
        """
        {"name":"\(name)","update_delay":1,"update_onchange":\(onChange),"selectors":[{"type":"expression",\
        "expression":"din","min_active":\(minActive)}],"counters":[{"name":"load","type":"expression",\
        "expression":"$load","method":"maximum"}]}
        """
    }

    /// What reads the drives of the first calculator.
    static let reader = """
        {"name":"reader","update_delay":1,"selectors":[{"type":"calc","calc_id":1,"min_active":0}],"counters":[]}
        """

    /// Drives that a gap ends; messages in the gaps make one of all.
    static let gaps = """
        {"name":"gaps","update_delay":1,"selectors":[{"type":"expression","expression":"din","min_active":0,\
        "max_messages_time_diff":50}],"counters":[]}
        """

    let nest: NestedRig
    var key: AssignmentKey { nest.keys[0] }

    init(_ calculators: [String] = [drives()], driveCount: Int = 100) throws {
        nest = try NestedRig(calculators, stateSpacing: 16)
        nest.rig.now = Timestamp(seconds: Self.begin + 20_000)
        for drive in 0..<driveCount { try send(drive: drive) }
        try nest.settle()
    }

    /// One drive: two messages on and one off.
    func send(drive: Int) throws {
        let start = Self.begin + Double(drive) * Self.spacing
        try nest.send([
            (start, ["din": .boolean(true), "load": .number(Double(drive % 7))]),
            (start + 20, ["din": .boolean(true), "load": .number(1)]), (start + 40, ["din": .boolean(false)]),
        ])
    }

    /// Sends late messages that end some drives before they have lasted.
    func cut(_ drives: Range<Int>) throws {
        try nest.send(
            drives.map { (Self.begin + Double($0) * Self.spacing + 10, ["din": RefValue.boolean(false)]) })
    }

    func intervalCount(_ place: Int = 0) throws -> Int { try nest.intervals(place).count }

    var heldIDs: [Int64] { get throws { try nest.rig.store.heldJobs().map(\.id) } }

    func outcomes(_ ids: [Int64]) throws -> [JobRecord.Outcome?] {
        let rows = try nest.rig.store.jobs(nil, countMax: 10_000)
        return ids.map { id in rows.first { $0.id == id }?.outcome }
    }

    /// Decides about a job as the API does; returns what it was answered.
    func decide(_ id: Int64, isReleased: Bool) throws -> Result<JobRecord, StoreError>? {
        let answer = Answer()
        let decision = JobDecision(key: key, id: id, isReleased: isReleased) { answer.result = $0 }
        _ = try nest.worker.round([.decideJob(decision)])
        return answer.result
    }
}

/// What a request is answered with.
final class Answer: Sendable {
    private let value = Mutex<Result<JobRecord, StoreError>?>(nil)

    var result: Result<JobRecord, StoreError>? {
        get { value.withLock { $0 } }
        set { value.withLock { $0 = newValue } }
    }
}
