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
        self.init(
            [
                ErrorItem(
                    error.code, "\(error)",
                    hint: error.isRetryable ? "the same request may succeed later" : nil)
            ])
    }
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
        case .identInUse, .revisionConflict: .conflict
        case .invalid: .badRequest
        case .diskFull, .locked, .fenced, .notWritable: .busy
        case .stale, .corrupt, .failed, .database: .failure
        }
    }
}
