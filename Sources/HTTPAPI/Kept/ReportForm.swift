import HTTPTypes
import NIOCore

/// What a client says of the answer it wants: whether it may be compressed, and what it has already.
struct ReportWish: Sendable {
    var acceptsGzip = false
    var ifNoneMatch: String?
}

/// How a kept answer is told: whole, compressed, or only that the client has it.
struct ReportForm: Sendable {
    enum Body: Sendable { case whole, compressed, none }

    private(set) var body: Body
    private let tag: BodyTag
    private let freshness: Freshness

    /// Bodies below this are not worth compressing.
    static let compressedMin = 1_024

    init(_ answer: KeptAnswer, _ wish: ReportWish, _ freshness: Freshness) {
        self.freshness = freshness
        tag = answer.tag
        if answer.tag.isNamed(in: wish.ifNoneMatch) {
            body = .none
        } else {
            body = wish.acceptsGzip && answer.body.readableBytes >= Self.compressedMin ? .compressed : .whole
        }
    }

    /// Where it cannot be compressed.
    mutating func leaveWhole() { if body == .compressed { body = .whole } }

    var status: HTTPResponse.Status { body == .none ? .notModified : .ok }

    /// The headers but for the body's length, in their order.
    var headers: [(name: HTTPField.Name, value: String)] {
        var headers: [(name: HTTPField.Name, value: String)] = []
        headers.reserveCapacity(10)
        if body != .none { headers.append((.contentType, "application/json")) }
        if body == .compressed { headers.append((.contentEncoding, "gzip")) }
        headers.append((.eTag, tag.text))
        headers.append((.vary, "Accept-Encoding"))
        // A browser may keep it, for one user, and asks each time whether it still holds.
        headers.append((.cacheControl, "private, no-cache"))
        headers.append(contentsOf: freshness.headers)
        return headers
    }
}
