import HTTPTypes
import NIOCore
import PrimaryStore
import Telemetry

extension API {
    /// The answer to the same request, if it is kept and still what would be read; nil if it must be read.
    func keptReport(_ call: Call) async throws(APIFailure) -> Answer? {
        guard call.body.isEmpty, let (found, freshness) = present(keptAnswers.find(call.target)) else { return nil }
        return try await told(call, found, freshness)
    }

    /// What was found among the answers and how far its intervals are; nil if it does not hold any more.
    func present(_ found: KeptAnswers.Found?) -> (KeptAnswers.Found, Freshness)? {
        guard let found else { return nil }
        // The state is asked before it is seen that the intervals are the same, so that it never claims too much.
        let freshness = Freshness(calculation.statuses(of: found.answer.keys))
        guard found.answer.holds(store.intervalRevisions, generation: catalog.generation) else { return nil }
        return (found, freshness)
    }

    /// Counts an answer that has just been read, and keeps it if it can be known how long it holds.
    func kept(_ answer: KeptAnswer, of report: IntervalReport, for call: Call) -> KeptAnswers.Found {
        metrics.reportRead()
        if report.isLasting, call.body.isEmpty, answer.isKeepable { keptAnswers.keep(answer, for: call.target) }
        return .init(answer: answer)
    }

    func told(
        _ call: Call, _ found: KeptAnswers.Found, _ freshness: Freshness
    ) async throws(APIFailure) -> Answer {
        let wish = ReportWish(acceptsGzip: call.acceptsGzip, ifNoneMatch: call.ifNoneMatch)
        var form = ReportForm(found.answer, wish, freshness)
        var body = found.answer.body
        if form.body == .compressed {
            var smaller = found.compressed
            if smaller == nil {
                smaller = try await pool.run { () throws(APIFailure) in self.compressed(found, for: call.target) }
            }
            if let smaller { body = smaller } else { form.leaveWhole() }
        }
        var answer = Answer(body: form.body == .none ? ByteBuffer() : body)
        answer.status = form.status
        answer.headers = HTTPFields(form.headers.map { HTTPField(name: $0.name, value: $0.value) })
        return answer
    }

    /// The body as gzip, made once for as long as the answer is kept; nil where that is not possible. Takes its time.
    func compressed(_ found: KeptAnswers.Found, for target: String) -> ByteBuffer? {
        if let compressed = found.compressed { return compressed }
        guard let bytes = Gzip.compressed(Array(found.answer.body.readableBytesView)) else { return nil }
        let compressed = ByteBuffer(bytes: bytes)
        keptAnswers.keep(compressed: compressed, of: found.answer, for: target)
        return compressed
    }
}
