import NIOCore
import PrimaryStore

/// A query of stored intervals whose assignments are found, ready to be read on a thread that may block.
struct IntervalReport: Sendable {
    let errors: [ErrorItem]
    /// How far the intervals are; asked before they are read, so that it never claims more than they hold.
    let freshness: Freshness
    private let query: IntervalRequest
    private let sources: KeptAnswer.Sources
    private let route: String
    /// The answer to the same request that holds no longer; most of its assignments may be as they were.
    private let earlier: KeptAnswer?

    init(_ call: Call, of api: API) throws(APIFailure) {
        let generation = api.catalog.generation
        let selection = try api.assignments(call)
        query = try IntervalRequest(call, limits: api.limits)
        errors = selection.errors
        route = call.route
        let keys = selection.items.map(\.key)
        freshness = Freshness(api.calculation.statuses(of: keys))
        sources = KeptAnswer.Sources(keys, generation: generation, api.store.intervalRevisions)
        let isKept = query.isLasting && keys.count > 1 && call.body.isEmpty
        earlier = isKept ? api.keptAnswers.find(call.target)?.answer : nil
    }

    /// Whether nothing was found of what the path names: the errors are all of the answer.
    var isRefusal: Bool { sources.keys.isEmpty && !errors.isEmpty }

    /// Whether the answer changes only with the intervals.
    var isLasting: Bool { query.isLasting }

    /// Reads the intervals; of assignments that have not changed since the earlier answer, their text is taken there.
    func read(from store: any PrimaryStore, byteCountMax: Int) throws(APIFailure) -> KeptAnswer {
        let earlier = earlier.flatMap { $0.hasParts(for: sources) ? $0 : nil }
        var reading = IntervalReading(query: query, isTagged: sources.keys.count > 1)
        for (index, key) in sources.keys.enumerated() {
            if let part = earlier?.part(index, asOf: sources) {
                reading.add(part)
            } else {
                do throws(StoreError) { try reading.read(key, from: store) } catch { throw APIFailure(error) }
            }
            if reading.byteCount > byteCountMax {
                throw APIFailure(
                    .tooLarge, "the answer would be over \(byteCountMax) bytes",
                    hint: "narrow begin and end, or select fewer devices")
            }
        }
        let joined = JoinedPages(reading.pages, errors: errors, isTruncated: reading.isTruncated)
        return KeptAnswer(sources, joined, isTruncated: reading.isTruncated, route: route)
    }
}
