import HTTPTypes
import PrimaryStore
import Telemetry

/// The numbers of errors: what `errors[].code` says.
package enum ErrorCode: Int, Sendable, CaseIterable {
    /// The server failed; the log says more.
    case failure = 1
    case badRequest = 2
    case unauthorized = 3
    case notFound = 4
    /// The token is valid, but does not open this.
    case forbidden = 5
    /// The request contradicts what is there.
    case conflict = 6
    /// The request or its answer is over a limit.
    case tooLarge = 7
    /// The language of the API has it, this version does not.
    case notImplemented = 8
    /// Too much is going on, or the disk is full: the same request may succeed later.
    case busy = 9
    case methodNotAllowed = 10
    /// There is no room for what would be stored; reading goes on.
    case diskFull = 11
    /// Stored bytes are not what was written: what they held is not in the answer.
    case damaged = 12
    /// More comes than can be taken: nothing of the request was stored.
    case overloaded = 13

    package var status: HTTPResponse.Status {
        switch self {
        case .failure: .internalServerError
        case .badRequest: .badRequest
        case .unauthorized: .unauthorized
        case .notFound: .notFound
        case .forbidden: .forbidden
        case .conflict: .conflict
        case .tooLarge: .contentTooLarge
        case .notImplemented: .notImplemented
        case .busy: .serviceUnavailable
        case .methodNotAllowed: .methodNotAllowed
        case .diskFull: .init(code: 507, reasonPhrase: "Insufficient Storage")
        case .damaged: .internalServerError
        case .overloaded: .tooManyRequests
        }
    }
}

/// One thing that went wrong: an entry of `errors`.
package struct ErrorItem: Sendable, Hashable {
    package var code: ErrorCode
    package var reason: String
    /// How to mend it.
    package var hint: String?
    /// The JSON path of the offending value in the body.
    package var path: String?
    /// The place in a text: of the body, or of an expression (the column alone).
    package var line: Int?
    package var column: Int?
    /// The id that was asked for.
    package var id: Int64?
    /// The place in the array that was sent.
    package var index: Int?
    package var parameter: String?
    package var ident: String?
    /// How many messages it is about.
    package var count: Int?

    package init(_ code: ErrorCode, _ reason: String, hint: String? = nil, path: String? = nil, id: Int64? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
        self.path = path
        self.id = id
    }

    func write(to writer: inout JSONWriter) {
        writer.write(literal: "{\"code\":")
        writer.write(integer: Int64(code.rawValue))
        writer.write(key: "reason")
        writer.write(string: reason)
        for (key, text) in [("hint", hint), ("path", path), ("parameter", parameter), ("ident", ident)] {
            guard let text else { continue }
            writer.write(key: key)
            writer.write(string: text)
        }
        let numbers = [
            ("line", line.map(Int64.init)), ("column", column.map(Int64.init)), ("id", id),
            ("index", index.map(Int64.init)), ("count", count.map(Int64.init)),
        ]
        for (key, number) in numbers {
            guard let number else { continue }
            writer.write(key: key)
            writer.write(integer: number)
        }
        writer.write(literal: "}")
    }
}
