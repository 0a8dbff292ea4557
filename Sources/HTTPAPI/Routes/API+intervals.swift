import CalcProcess
import Expressions
import HTTPTypes
import PrimaryStore
import Telemetry

extension API {
    /// Stored intervals: their bytes as they are, unless `fields` or `filter` asks for a part. An answer is kept in
    /// memory for as long as the same request would be answered with the same bytes.
    func readIntervals(_ call: Call) async throws(APIFailure) -> Answer {
        if let answer = try await keptReport(call) { return answer }
        let report = try IntervalReport(call, of: self)
        let byteCountMax = limits.answerBytesMax
        let answer = try await pool.run { [store] () throws(APIFailure) in
            try report.read(from: store, byteCountMax: byteCountMax)
        }
        guard !report.isRefusal else {
            var answer = Answer(result: [], errors: report.errors)
            answer.headers.append(contentsOf: report.freshness.fields)
            return answer
        }
        return try await told(call, kept(answer, of: report, for: call), report.freshness)
    }

    func recalculate(_ call: Call) async throws(APIFailure) -> Answer {
        let selection = try assignments(call)
        let range = try Self.range(call)
        let calculation = calculation
        let keys = selection.items.map(\.key)
        try await stored { _ throws(StoreError) in
            for key in keys { try calculation.recalculate(key, range: range) }
        }
        return Answer(result: keys.map(\.json), errors: selection.errors)
    }

    /// The range of a body; nil where it names neither end.
    private static func range(_ call: Call) throws(APIFailure) -> TimeRange? {
        guard !call.body.isEmpty else { return nil }
        var fields = InputFields(try call.json())
        let from = fields.moment("from")
        let to = fields.moment("to")
        fields.refuseUnknown("a recalculation")
        if let from, let to, from > to { fields.fail("from", "is after to") }
        try fields.check()
        if from == nil, to == nil { return nil }
        return TimeRange(inclusive: from ?? .distantPast, to ?? .distantFuture)
    }
}

/// What `GET …/intervals/{all|last|ids}` asks for.
struct IntervalRequest: Sendable {
    let query: IntervalQuery
    let isCounted: Bool
    let fields: [String]?
    let filter: RowFilter?
    /// Whether each interval tells the revision of the calculator that it was calculated with.
    let tellsRevision: Bool
    /// The most intervals of one assignment.
    let countMax: Int

    /// Whether the answer changes only with the intervals: what is kept of replaced ones goes by itself.
    var isLasting: Bool { query.asOf == nil }

    /// All that is named, as it is stored.
    init() {
        query = IntervalQuery()
        isCounted = true
        fields = nil
        filter = nil
        tellsRevision = false
        countMax = .max
    }

    init(_ call: Call, limits: APILimits) throws(APIFailure) {
        var input = try call.dataFields()
        let begin = input.moment("begin")
        let end = input.moment("end")
        let count = input.integer("count", 1...Int64(limits.intervalsMax))
        let list = input.string("fields")
        let isReversed = input.boolean("reverse") ?? false
        let source = input.string("filter")
        let moment = input.moment("as_of")
        tellsRevision = input.boolean("revision") ?? false
        input.refuseUnknown("a query of intervals")
        if let begin, let end, begin > end { input.fail("begin", "is after end") }
        try input.check()
        let which = call.segment("intervals")
        let isRanged = begin != nil || end != nil
        isCounted = count != nil
        countMax = count.map(Int.init) ?? limits.intervalsMax
        fields = list.map(\.commaList).flatMap { $0.isEmpty ? nil : $0 }
        filter = try RowFilter.given(source, limits: limits)
        query = IntervalQuery(
            range: isRanged ? TimeRange(inclusive: begin ?? .distantPast, end ?? .distantFuture) : nil,
            ids: try Self.ids(which, limits), isLastOnly: which == "last", isReversed: isReversed,
            // A filter takes away after the store has counted, so it counts by itself.
            countMax: source?.isEmpty ?? true ? countMax : nil, asOf: moment)
    }

    /// The ids of a path; nil where it says all or last.
    static func ids(_ text: String, _ limits: APILimits) throws(APIFailure) -> [Int64]? {
        guard text != "all", text != "last" else { return nil }
        let words = text.commaList
        let ids = words.compactMap { Int64($0) }
        guard !ids.isEmpty, ids.count == words.count else {
            throw APIFailure(
                .badRequest, "\"\(text.prefix(60))\" selects no intervals", hint: "all, last, an id, or ids with commas"
            )
        }
        guard ids.count <= limits.itemsMax else {
            throw APIFailure(.tooLarge, "the path names more than \(limits.itemsMax) intervals")
        }
        return ids
    }
}

/// Gathers the finished text of intervals, one assignment after the other.
struct IntervalReading: Sendable {
    let query: IntervalRequest
    /// Whether each interval says whose it is.
    let isTagged: Bool
    private(set) var pages: [[UInt8]] = []
    private(set) var byteCount = 0
    private(set) var isTruncated = false

    init(query: IntervalRequest, isTagged: Bool) {
        self.query = query
        self.isTagged = isTagged
    }

    mutating func read(_ key: AssignmentKey, from store: any PrimaryStore) throws(StoreError) {
        try read(key, query.query, from: store)
    }

    mutating func read(
        _ key: AssignmentKey, _ wanted: IntervalQuery, from store: any PrimaryStore
    ) throws(StoreError) {
        if !isTagged, !query.tellsRevision, query.fields == nil, query.filter == nil {
            let page = try store.intervalPage(key, wanted)
            note(page.count)
            return add(page.json)
        }
        var intervals = try store.intervals(key, wanted)
        if let filter = query.filter {
            let picker = MemberPicker(pathsTo: filter.layout.names)
            let kept = filter.kept(intervals) { $0.jsonValue(picker) }
            intervals = Array(kept.prefix(query.countMax))
        }
        note(intervals.count)
        add(joined(intervals, key))
    }

    private mutating func note(_ count: Int) {
        if !query.isCounted, count >= query.countMax { isTruncated = true }
    }

    mutating func add(_ page: [UInt8]) {
        pages.append(page)
        byteCount += page.count
    }

    private func joined(_ intervals: [StoredInterval], _ key: AssignmentKey) -> [UInt8] {
        var writer = JSONWriter(capacity: intervals.reduce(0) { $0 + $1.json.count + 48 })
        let picker = query.fields.map { MemberPicker($0) }
        for (index, interval) in intervals.enumerated() {
            if index > 0 { writer.write(literal: ",") }
            writer.write(literal: "{")
            for member in tags(interval, key) {
                writer.write(key: member.key)
                member.value.write(to: &writer)
            }
            if let picker {
                picker.pick(from: interval.json, into: &writer.bytes)
                writer.write(literal: "}")
            } else {
                // The stored object goes on where its brace opened.
                if isTagged || query.tellsRevision { writer.write(literal: ",") }
                writer.write(raw: interval.json.dropFirst())
            }
        }
        return writer.bytes
    }

    /// What stands before the fields of an interval.
    private func tags(_ interval: StoredInterval, _ key: AssignmentKey) -> [JSONValue.Member] {
        (isTagged ? key.members : [])
            + (query.tellsRevision ? [.init("revision", JSONValue(interval.calculatorRevision))] : [])
    }
}

/// How far the intervals of an answer are: of the assignment that is furthest behind.
struct Freshness: Sendable, Equatable {
    var isSynced: Bool
    var appliedPosition: Int64
    var pendingSince: Timestamp?
    /// The jobs that wait for somebody to decide.
    var heldJobs: [Int64] = []
    /// What ends before it is frozen, of the assignment with the latest one.
    var horizon: Timestamp?

    /// More held jobs than these are not named in a header.
    static let heldJobsMax = 16

    init(_ statuses: [AssignmentStatus]) {
        isSynced = statuses.allSatisfy { $0.sync == .synced }
        appliedPosition = statuses.map(\.appliedPosition).min() ?? 0
        pendingSince = statuses.compactMap(\.pendingSince).min()
        heldJobs = statuses.compactMap(\.heldJob).sorted()
        horizon = statuses.compactMap(\.horizon).max()
    }

    var fields: HTTPFields { HTTPFields(headers.map { HTTPField(name: $0.name, value: $0.value) }) }

    var headers: [(name: HTTPField.Name, value: String)] {
        var headers: [(name: HTTPField.Name, value: String)] = [
            (.odographSynced, isSynced ? "true" : "false"), (.odographAppliedPosition, String(appliedPosition)),
        ]
        if let pendingSince { headers.append((.odographPendingSince, JSONValue(pendingSince).text)) }
        if !heldJobs.isEmpty {
            let ids = heldJobs.prefix(Self.heldJobsMax).map { String($0) }.joined(separator: ",")
            headers.append((.odographHeldJob, ids))
        }
        if let horizon { headers.append((.odographHorizon, JSONValue(horizon).text)) }
        return headers
    }
}

extension HTTPField.Name {
    static let odographSynced = named("X-Odograph-Synced")
    static let odographAppliedPosition = named("X-Odograph-Applied-Position")
    static let odographPendingSince = named("X-Odograph-Pending-Since")
    static let odographHeldJob = named("X-Odograph-Held-Job")
    static let odographHorizon = named("X-Odograph-Horizon")

    private static func named(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is a header's name") }
        return name
    }
}

extension StoredInterval {
    /// The members that are picked, as values.
    fileprivate func jsonValue(_ picker: MemberPicker) -> JSONValue {
        var text = [UInt8(ascii: "{")]
        picker.pick(from: json, into: &text)
        text.append(UInt8(ascii: "}"))
        return (try? JSONValue(parsing: text)) ?? .object([])
    }
}

extension TimeRange {
    /// Its ends as the API tells them, both inclusive; nil where it has none.
    var first: Timestamp? { lower <= .distantPast ? nil : lower }
    var last: Timestamp? {
        upper >= .distantFuture || upper <= .distantPast ? nil : Timestamp(microseconds: upper.microseconds - 1)
    }
}
