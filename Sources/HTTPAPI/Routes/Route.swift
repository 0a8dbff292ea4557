import HTTPTypes

/// One method on one path, with what it takes and gives: what is registered and what `/openapi.json` says.
package struct Route: Sendable {
    typealias Handler = @Sendable (API) -> (Call) async throws(APIFailure) -> Answer

    enum Access: Sendable {
        /// Needs no token.
        case open
        case token
        /// Needs a token of kind `master`.
        case master
    }

    /// A query parameter.
    struct Parameter: Sendable {
        enum Kind: String, Sendable { case string, number, integer, boolean }

        var name: String
        var kind: Kind
        var summary: String

        init(_ name: String, _ kind: Kind, _ summary: String) {
            self.name = name
            self.kind = kind
            self.summary = summary
        }
    }

    enum Segment: Sendable, Hashable {
        case literal(String)
        case capture(String)

        var isCapture: Bool { if case .capture = self { true } else { false } }
    }

    let method: HTTPRequest.Method
    /// The template, such as `/gw/devices/{selector}`.
    package let path: String
    /// The template's parts.
    let segments: [Segment]
    let summary: String
    var parameters: [Parameter] = []
    /// The schema of the body; nil where none is taken.
    var body: String?
    /// Whether the body is an array of the schema, or one of it.
    var takesMany = false
    /// The schema of the items of `result`; nil where the answer is no envelope.
    var result: String?
    /// The schema of an answer that is no envelope; errors are then told in the dashboard's way.
    var answer: String?
    var access = Access.token
    let handler: Handler

    init(
        _ method: HTTPRequest.Method, _ path: String, _ summary: String, parameters: [Parameter] = [],
        body: String? = nil, takesMany: Bool = false, result: String? = nil, answer: String? = nil,
        access: Access = .token, handler: @escaping Handler
    ) {
        self.method = method
        self.path = path
        segments = path.split(separator: "/").map { part in
            part.hasPrefix("{") ? .capture(String(part.dropFirst().dropLast())) : .literal(String(part))
        }
        self.summary = summary
        self.parameters = parameters
        self.body = body
        self.takesMany = takesMany
        self.result = result
        self.answer = answer
        self.access = access
        self.handler = handler
    }

    package var methodName: String { method.rawValue }

    /// Whether a path, split at its slashes, is one of this route.
    func matches(_ parts: [Substring]) -> Bool {
        segments.count == parts.count
            && zip(segments, parts).allSatisfy { segment, part in
                if case .literal(let text) = segment { text == part } else { true }
            }
    }

    /// The template with a path's own parts in the place of its captures: what a misspelt path is compared with.
    func filled(with parts: [Substring]) -> String {
        segments.enumerated().map { index, segment in
            switch segment {
            case .literal(let text): "/" + text
            case .capture(let name): "/" + (index < parts.count ? String(parts[index]) : "{\(name)}")
            }
        }.joined()
    }
}
