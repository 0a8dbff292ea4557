import CZlib

/// Compresses answers as `Content-Encoding: gzip` wants it.
enum Gzip {
    /// Fast rather than small: answers are made anew for each request.
    private static let level: Int32 = 4
    /// A window of 32 KiB; 16 more asks for the header of gzip.
    private static let windowBits: Int32 = 15 + 16
    private static let memoryLevel: Int32 = 8

    /// The compressed bytes; nil if zlib cannot (it is out of memory).
    static func compressed(_ bytes: [UInt8]) -> [UInt8]? {
        var stream = z_stream()
        let size = Int32(MemoryLayout<z_stream>.size)
        guard
            deflateInit2_(
                &stream, level, Z_DEFLATED, windowBits, memoryLevel, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK
        else { return nil }
        defer { deflateEnd(&stream) }
        guard bytes.count <= Int(UInt32.max) else { return nil }
        let room = Int(deflateBound(&stream, UInt(bytes.count)))
        var isDone = false
        let result = bytes.withUnsafeBufferPointer { input in
            [UInt8](unsafeUninitializedCapacity: room) { output, count in
                // zlib only reads its input; its header says otherwise for old compilers.
                stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(clamping: output.count)
                isDone = deflate(&stream, Z_FINISH) == Z_STREAM_END
                count = output.count - Int(stream.avail_out)
            }
        }
        return isDone ? result : nil
    }

    /// Whether an `Accept-Encoding` takes gzip.
    static func isAccepted(_ header: String?) -> Bool {
        var isAnyAccepted = false
        for item in (header ?? "").lowercased().split(separator: ",") {
            let parts = item.split(separator: ";").map { String($0).withoutSpaces }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            if parts.first == "gzip" { return weight > 0 }
            if parts.first == "*" { isAnyAccepted = weight > 0 }
        }
        return isAnyAccepted
    }
}
