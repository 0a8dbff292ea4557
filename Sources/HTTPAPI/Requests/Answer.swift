import HTTPTypes
import Hummingbird
import NIOCore
import Telemetry

/// What a handler gives back.
package struct Answer: Sendable {
    package var status: HTTPResponse.Status = .ok
    package var headers: HTTPFields = [:]
    package var body: ByteBuffer

    init(text: String, contentType: String) {
        body = ByteBuffer(string: text)
        headers[.contentType] = contentType
    }

    init(bytes: [UInt8], contentType: String) {
        body = ByteBuffer(bytes: bytes)
        headers[.contentType] = contentType
    }

    /// A body whose headers the caller sets.
    init(body: ByteBuffer) { self.body = body }

    init(json: JSONWriter) {
        body = ByteBuffer(bytes: json.bytes)
        headers[.contentType] = "application/json"
    }

    /// Finished objects with commas between them, as they are stored.
    init(resultBytes pages: [[UInt8]], errors: [ErrorItem] = [], isTruncated: Bool = false) {
        body = JoinedPages(pages, errors: errors, isTruncated: isTruncated).body
        headers[.contentType] = "application/json"
    }

    /// The envelope of §6.1: what was done and what was not. With nothing done, the first error gives the status.
    init(
        result: [JSONValue], errors: [ErrorItem] = [], warnings: [JSONValue] = [], page: Page? = nil,
        schemaHint: SchemaHint? = nil
    ) {
        var writer = JSONWriter(capacity: 256)
        writer.write(literal: "{")
        if !result.isEmpty || errors.isEmpty {
            writer.write(key: "result")
            JSONValue.array(result).write(to: &writer)
        }
        if !errors.isEmpty {
            writer.write(key: "errors")
            writer.write(errors)
        }
        if let schemaHint {
            writer.write(key: "schema_hint")
            schemaHint.write(to: &writer)
        }
        if !warnings.isEmpty {
            writer.write(key: "warnings")
            JSONValue.array(warnings).write(to: &writer)
        }
        if let page {
            writer.write(key: "pagination")
            page.json.write(to: &writer)
        }
        writer.write(literal: "}")
        self.init(json: writer)
        if result.isEmpty, let first = errors.first { status = first.code.status }
    }

    init(_ failure: APIFailure) {
        self.init(result: [], errors: failure.items, schemaHint: failure.schemaHint)
        headers.append(contentsOf: failure.headers)
    }

    var response: Response { Response(status: status, headers: headers, body: ResponseBody(byteBuffer: body)) }
}

/// Which part of a collection an answer holds.
package struct Page: Sendable, Hashable {
    package var limit: Int
    package var offset: Int
    /// How many there are in all.
    package var count: Int

    var json: JSONValue {
        .object([
            .init("limit", .number(Double(limit))), .init("offset", .number(Double(offset))),
            .init("count", .number(Double(count))),
        ])
    }
}

extension JSONWriter {
    mutating func write(_ errors: [ErrorItem]) {
        write(literal: "[")
        for error in errors {
            separate()
            error.write(to: &self)
        }
        write(literal: "]")
    }
}

extension JSONValue {
    /// A moment as seconds; null where there is none.
    init(_ moment: Timestamp?) { self = moment.map { .number($0.seconds) } ?? .null }

    init(_ number: some BinaryInteger) { self = .number(Double(number)) }
}
