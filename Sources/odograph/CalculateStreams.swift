import Glibc

/// Standard error, for messages to people.
enum StandardError {
    /// Writes lines.
    static func write(_ lines: [String]) {
        write(text: lines.map { $0 + "\n" }.joined())
    }

    /// Writes text as it is; if nobody takes it, it is lost.
    static func write(text: String) { _ = writeAll(Array(text.utf8), to: STDERR_FILENO) }
}

/// Standard output, collected into large writes.
struct StandardOutput: ~Copyable {
    /// Writes text at once, also where standard output is no terminal.
    static func show(_ text: String) { _ = writeAll(Array((text + "\n").utf8), to: STDOUT_FILENO) }

    private var buffer: [UInt8] = []
    private var failure: Int32 = 0

    /// Why not all could be written; nil if all is well.
    var problem: String? { failure == 0 ? nil : String(cString: strerror(failure)) }

    mutating func write(_ bytes: some Collection<UInt8>) {
        buffer.append(contentsOf: bytes)
        if buffer.count >= 65_536 { flush() }
    }

    mutating func flush() {
        if failure == 0 { failure = writeAll(buffer, to: STDOUT_FILENO) }
        buffer.removeAll(keepingCapacity: true)
    }
}

/// Writes all bytes to a descriptor; gives the error's number, 0 if there was none.
private func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        if count < 0 { return errno }
        rest = rest.dropFirst(count)
    }
    return 0
}
