import NIOCore
import Telemetry

/// An envelope around finished objects with commas between them, and where each page of them stands in it.
struct JoinedPages: Sendable {
    private(set) var body = ByteBuffer()
    /// In the order of the pages, counted from the start of the body.
    private(set) var places: [Range<Int>] = []

    init(_ pages: [[UInt8]], errors: [ErrorItem] = [], isTruncated: Bool = false) {
        var tail = JSONWriter()
        tail.write(literal: "]")
        if !errors.isEmpty {
            tail.write(literal: ",\"errors\":")
            tail.write(errors)
        }
        if isTruncated { tail.write(literal: ",\"truncated\":true") }
        tail.write(literal: "}")
        body.reserveCapacity(pages.reduce(tail.bytes.count + pages.count + 16) { $0 + $1.count })
        places.reserveCapacity(pages.count)
        body.writeStaticString("{\"result\":[")
        var isFirst = true
        for page in pages {
            if !isFirst, !page.isEmpty { body.writeInteger(UInt8(ascii: ",")) }
            let start = body.writerIndex
            body.writeBytes(page)
            places.append(start..<body.writerIndex)
            if !page.isEmpty { isFirst = false }
        }
        body.writeBytes(tail.bytes)
    }
}
