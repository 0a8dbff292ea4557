import HTTPTypes
import Publishing
import Telemetry

extension ErrorCode {
    /// The word that the dashboard's errors have for it.
    var word: String {
        switch self {
        case .failure: "failure"
        case .badRequest: "bad_request"
        case .unauthorized: "unauthorized"
        case .notFound: "not_found"
        case .forbidden: "forbidden"
        case .conflict: "conflict"
        case .tooLarge: "too_large"
        case .notImplemented: "not_implemented"
        case .busy: "unavailable"
        case .methodNotAllowed: "method_not_allowed"
        case .diskFull: "disk_full"
        case .damaged: "damaged"
        case .overloaded: "overloaded"
        }
    }
}

extension APIFailure {
    /// Seconds after which a report may be asked for again.
    private static let reportSeconds = "10"

    init(_ error: ReportError) {
        switch error {
        case .tooMany(let reason): self.init(.tooLarge, reason)
        case .failed(let reason): self.init(.failure, reason)
        case .unavailable(let reason):
            self.init(.busy, reason)
            headers[.retryAfter] = Self.reportSeconds
        }
    }
}

extension Answer {
    /// A failure as the dashboard tells it: `{"error":{"code","message"}}`, with a `hint` where there is one.
    init(fleet failure: APIFailure) {
        var writer = JSONWriter(capacity: 128)
        let first = failure.items.first
        writer.write(literal: "{\"error\":{\"code\":")
        writer.write(string: (first?.code ?? .failure).word)
        writer.write(literal: ",\"message\":")
        writer.write(string: failure.items.map(\.reason).joined(separator: "; "))
        if let hint = first?.hint {
            writer.write(literal: ",\"hint\":")
            writer.write(string: hint)
        }
        writer.write(literal: "}}")
        self.init(json: writer)
        headers[.contentType] = Self.fleetContentType
        status = failure.status
        headers.append(contentsOf: failure.headers)
    }

    /// A finished report.
    init(fleet json: [UInt8], status: HTTPResponse.Status, isGzipAccepted: Bool, gzipBytesMin: Int) {
        let compressed = isGzipAccepted && json.count > gzipBytesMin ? Gzip.compressed(json) : nil
        self.init(bytes: compressed ?? json, contentType: Self.fleetContentType)
        if compressed != nil { headers[.contentEncoding] = "gzip" }
        self.status = status
    }

    private static let fleetContentType = "application/json; charset=utf-8"
}
