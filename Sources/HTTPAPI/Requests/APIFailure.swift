import Expressions
import HTTPTypes
import PrimaryStore
import Telemetry

/// Why a request as a whole was not done.
package struct APIFailure: Error, Sendable {
    /// At least one; the first gives the status.
    package var items: [ErrorItem]
    package var schemaHint: SchemaHint?
    package var headers = HTTPFields()
    /// Whether it is the store that failed, not the request.
    private var hasStoreFailed = false

    package init(_ items: [ErrorItem], schemaHint: SchemaHint? = nil) {
        precondition(!items.isEmpty, "a failure has a reason")
        self.items = items
        self.schemaHint = schemaHint
    }

    package init(_ code: ErrorCode, _ reason: String, hint: String? = nil, path: String? = nil) {
        self.init([ErrorItem(code, reason, hint: hint, path: path)])
    }

    package var status: HTTPResponse.Status { items.first?.code.status ?? .internalServerError }

    /// Text that is not JSON.
    init(_ error: JSONError, in what: String) {
        var item = ErrorItem(.badRequest, "\(what) is not valid JSON: \(error.reason)")
        item.line = error.line
        item.column = error.column
        self.init([item])
    }

    /// An expression that cannot be compiled.
    init(_ error: ExpressionError, in what: String) {
        var item = ErrorItem(.badRequest, "\(what): \(error.reason)", path: what)
        item.column = error.column
        self.init([item])
    }

    init(_ error: StoreError) {
        self.init([ErrorItem(error.code, "\(error)", hint: error.hint)])
        switch error {
        case .diskFull: headers[.retryAfter] = Self.diskFullSeconds
        case .failed, .locked, .fenced, .notWritable: headers[.retryAfter] = Self.busySeconds
        default: break
        }
        switch error {
        case .diskFull, .failed, .corrupt, .stale, .database: hasStoreFailed = true
        default: break
        }
    }

    /// Seconds after which a request that met a full disk, or a store that cannot write, may be sent again.
    private static let diskFullSeconds = "30"
    private static let busySeconds = "5"

    /// What the log of the server must tell, too.
    var logged: ErrorItem? { hasStoreFailed ? items.first : items.first { $0.code == .failure } }
}

/// Which fields an object may have, for whoever misspelt one.
package struct SchemaHint: Sendable, Hashable {
    package var fields: [String]
    /// The field that was most likely meant.
    package var suggestion: String?

    func write(to writer: inout JSONWriter) {
        writer.write(literal: "{\"fields\":[")
        for field in fields {
            writer.separate()
            writer.write(string: field)
        }
        writer.write(literal: "]")
        if let suggestion {
            writer.write(key: "suggestion")
            writer.write(string: suggestion)
        }
        writer.write(literal: "}")
    }
}

extension StoreError {
    var code: ErrorCode {
        switch self {
        case .notFound: .notFound
        case .identInUse, .revisionConflict, .cursorTooOld: .conflict
        case .invalid: .badRequest
        case .diskFull: .diskFull
        case .failed, .locked, .fenced, .notWritable: .busy
        case .corrupt: .damaged
        case .stale, .database: .failure
        }
    }

    fileprivate var hint: String? {
        switch self {
        case .diskFull: "make room on the data folder's disk; the request was not acknowledged, reading goes on"
        case .cursorTooOld(_, let revision):
            "read all intervals of the slot's devices, then its changes after \(revision)"
        case .failed: "the server must be started anew; nothing of the request was acknowledged"
        default: isRetryable ? "the same request may succeed later" : nil
        }
    }
}
