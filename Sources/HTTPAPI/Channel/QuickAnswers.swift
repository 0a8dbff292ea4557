import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import PrimaryStore
import Telemetry

/// Answers what is in memory on the connection's own thread, with nothing waited for: kept reports to known tokens.
/// What of them is not in memory is read on one of the threads that may block, and messages are taken for the store.
///
/// All else, every refusal and whatever is unusual in a request, is left to the router, which gives the same bytes.
struct QuickAnswers: Sendable {
    struct Found {
        var head: ByteBuffer
        /// Nil where the client has it already.
        var body: ByteBuffer?
    }

    let api: API
    /// What `Server` says; nil: nothing.
    let serverName: String?

    /// The answer to a request without a body; nil if the router must answer.
    func answer(_ request: HTTPRequestHead, _ dates: inout DateText) -> Found? {
        guard request.method == .GET, request.version == .http1_1, let kept = api.keptAnswers.find(request.uri),
            request.headers.count <= api.limits.headerCountMax, let asked = QuickRequest(request.headers)
        else { return nil }
        let began = ContinuousClock.now
        guard api.authenticator.admitsAtOnce(asked.authorization), let (found, freshness) = api.present(kept)
        else { return nil }
        let form = ReportForm(found.answer, asked.wish, freshness)
        let body: ByteBuffer? = form.body == .compressed ? found.compressed : found.answer.body
        guard let body else { return nil }
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        guard note(request, form.status, found.answer.route, seconds) else { return nil }
        return self.found(.init(form: form, body: body), &dates)
    }

    /// What has to be read for a request without a body, counted as one in work; nil if the router must answer.
    func reading(_ request: HTTPRequestHead) -> QuickReading? {
        guard request.method == .GET, request.version == .http1_1, let route = Route.report(request.uri),
            request.headers.count <= api.limits.headerCountMax, let asked = QuickRequest(request.headers),
            api.authenticator.admitsAtOnce(asked.authorization), api.metrics.begin(max: api.limits.concurrencyMax)
        else { return nil }
        return QuickReading(api: api, request: request, route: route, wish: asked.wish, began: .now)
    }

    /// Has a report read, and gives what becomes of it to the event loop; false if the threads have too much to do.
    func start(_ reading: QuickReading, _ finish: @escaping @Sendable (QuickReading.Made?) -> Void) -> Bool {
        let isTaken = api.pool.submit { finish(reading.made()) }
        if !isTaken { api.metrics.end() }
        return isTaken
    }

    /// Messages that may be taken, counted as a request in work; nil if they are the router's.
    func storing(_ request: HTTPRequestHead) -> QuickStoring? {
        guard request.method == .POST, request.version == .http1_1, let name = Route.messagesSelector(request.uri),
            let selector = try? ItemSelector(name, of: .device, limits: api.limits),
            request.headers.count <= api.limits.headerCountMax,
            let asked = QuickRequest(request.headers, takesBody: true),
            (1...QuickStoring.byteCountMax).contains(asked.bodyCount),
            api.authenticator.admitsAtOnce(asked.authorization), api.metrics.begin(max: api.limits.concurrencyMax)
        else { return nil }
        return QuickStoring(api: api, request: request, selector: selector)
    }

    /// An answer as it goes to the socket.
    func found(_ made: QuickReading.Made, _ dates: inout DateText) -> Found {
        let head = head(made.form, bodyCount: made.body.readableBytes, date: dates.present())
        return Found(head: head, body: made.form.body == .none ? nil : made.body)
    }

    func found(_ answer: Answer, _ dates: inout DateText) -> Found {
        let headers = answer.headers.map { (name: $0.name, value: $0.value) }
        return Found(
            head: head(answer.status, headers, bodyCount: answer.body.readableBytes, date: dates.present()),
            body: answer.body)
    }

    /// Counts it as the router would; false if there are too many requests in work.
    private func note(_ request: HTTPRequestHead, _ status: HTTPResponse.Status, _ route: String, _ seconds: Double)
        -> Bool
    {
        guard
            api.metrics.answeredAtOnce(
                .init(method: "GET", route: route, status: status.code), seconds: seconds,
                max: api.limits.concurrencyMax)
        else { return false }
        api.logger.noteRequest("GET", request.uri, status: status, seconds: seconds)
        return true
    }

    private func head(_ form: ReportForm, bodyCount: Int, date: String) -> ByteBuffer {
        head(form.status, form.headers, bodyCount: form.body == .none ? nil : bodyCount, date: date)
    }

    private func head(
        _ status: HTTPResponse.Status, _ headers: [(name: HTTPField.Name, value: String)], bodyCount: Int?, date: String
    ) -> ByteBuffer {
        var head = ByteBuffer()
        head.reserveCapacity(512)
        head.writeString("HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\n")
        func write(_ name: String, _ value: String) {
            head.writeString(name)
            head.writeStaticString(": ")
            head.writeString(value)
            head.writeStaticString("\r\n")
        }
        for header in headers { write(header.name.rawName, header.value) }
        if let bodyCount { write("Content-Length", String(bodyCount)) }
        write("Date", date)
        if let serverName { write("Server", serverName) }
        head.writeStaticString("\r\n")
        return head
    }
}

/// What of a request's headers the answer to it depends on: a kept report's, or that to messages.
struct QuickRequest {
    private(set) var authorization = ""
    private(set) var wish = ReportWish()
    /// How many bytes the body has.
    private(set) var bodyCount = 0

    /// Nil where the headers ask for more than that: for a body that is not taken, an end of the connection, one header
    /// twice.
    init?(_ headers: HTTPHeaders, takesBody: Bool = false) {
        var encoding: String?
        for (name, value) in headers {
            switch name.lowercased() {
            case "authorization":
                guard authorization.isEmpty else { return nil }
                authorization = value
            case "if-none-match":
                guard wish.ifNoneMatch == nil else { return nil }
                wish.ifNoneMatch = value
            case "accept-encoding":
                guard encoding == nil else { return nil }
                encoding = value
            case "connection":
                guard value.lowercased() == "keep-alive" else { return nil }
            case "content-length":
                guard bodyCount == 0, let count = Int(value), takesBody || count == 0 else { return nil }
                bodyCount = count
            case "transfer-encoding", "expect", "upgrade", "trailer", "te", "range":
                return nil
            default: break
            }
        }
        guard !authorization.isEmpty else { return nil }
        if let encoding { wish.acceptsGzip = Gzip.isAccepted(encoding) }
    }
}
