import HTTPTypes
import NIOCore
import PrimaryStore
import Telemetry

extension API {
    /// The answer to the same request, if it is kept and still what would be read; nil if it must be read.
    func keptReport(_ call: Call) async throws(APIFailure) -> Answer? {
        guard call.body.isEmpty, let found = keptAnswers.find(call.target) else { return nil }
        // The state is asked before it is seen that the intervals are the same, so that it never claims too much.
        let freshness = Freshness(calculation.statuses(of: found.answer.keys))
        guard found.answer.holds(store.intervalRevisions, generation: catalog.generation) else { return nil }
        return try await told(call, found, freshness)
    }

    /// Keeps an answer that has just been read, if it can be known how long it holds, and tells it.
    func report(
        _ call: Call, _ answer: KeptAnswer, isLasting: Bool, _ freshness: Freshness
    ) async throws(APIFailure) -> Answer {
        if isLasting, call.body.isEmpty, answer.isKeepable { keptAnswers.keep(answer, for: call.target) }
        return try await told(call, .init(answer: answer), freshness)
    }

    private func told(
        _ call: Call, _ found: KeptAnswers.Found, _ freshness: Freshness
    ) async throws(APIFailure) -> Answer {
        let wish = ReportWish(acceptsGzip: call.acceptsGzip, ifNoneMatch: call.ifNoneMatch)
        var form = ReportForm(found.answer, wish, freshness)
        var body = found.answer.body
        if form.body == .compressed {
            if let compressed = try await compressed(call, found) { body = compressed } else { form.leaveWhole() }
        }
        var answer = Answer(body: form.body == .none ? ByteBuffer() : body)
        answer.status = form.status
        answer.headers = HTTPFields(form.headers.map { HTTPField(name: $0.name, value: $0.value) })
        return answer
    }

    /// The body as gzip, made once for as long as the answer is kept; nil where that is not possible.
    private func compressed(_ call: Call, _ found: KeptAnswers.Found) async throws(APIFailure) -> ByteBuffer? {
        if let compressed = found.compressed { return compressed }
        let body = found.answer.body
        let bytes = try await pool.run { () throws(APIFailure) in Gzip.compressed(Array(body.readableBytesView)) }
        guard let bytes else { return nil }
        let compressed = ByteBuffer(bytes: bytes)
        keptAnswers.keep(compressed: compressed, of: found.answer, for: call.target)
        return compressed
    }
}
