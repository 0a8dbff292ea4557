import Telemetry

/// Finds the place of a value in JSON text by its path, such as `selectors[0].expression`.
struct JSONLocator {
    /// Where a value stands, as byte offsets.
    struct Place: Equatable {
        /// The begin of the value's key; nil for items of arrays and the whole text.
        var key: Int?
        var value: Int
    }

    /// A line and a column for people: both from 1, columns in characters.
    struct Position: Equatable {
        var line: Int
        var column: Int
    }

    private let bytes: [UInt8]
    private var places: [String: Place] = [:]

    init(_ bytes: [UInt8]) throws(JSONError) {
        self.bytes = bytes
        let found = bytes.withUnsafeBufferPointer { buffer -> Result<[String: Place], JSONError> in
            var scanner = JSONScanner(buffer)
            var places: [String: Place] = [:]
            do throws(JSONError) {
                try Self.walk(&scanner, path: "", key: nil, depth: 0, &places)
                return .success(places)
            } catch { return .failure(error) }
        }
        places = try found.get()
    }

    /// The place of a path; of the nearest value around it where the path itself is missing.
    func place(of path: String) -> Place {
        var path = path[...]
        while true {
            if let place = places[String(path)] { return place }
            guard let cut = path.lastIndex(where: { $0 == "." || $0 == "[" }) else { break }
            path = path[..<cut]
        }
        return places[""] ?? Place(key: nil, value: 0)
    }

    /// Line and column of a byte.
    func position(of offset: Int) -> Position { Self.position(of: offset, in: bytes) }

    /// Line and column of a byte of a text that need not be JSON.
    static func position(of offset: Int, in bytes: [UInt8]) -> Position {
        let before = bytes.prefix(offset)
        let lineStart = before.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
        let line = before.count { $0 == 0x0a } + 1
        // Bytes that continue a character of UTF-8 are no columns.
        return Position(line: line, column: before[lineStart...].count { $0 & 0xc0 != 0x80 } + 1)
    }

    /// The byte at which a character (from 1) of a string stands, the string's escapes counted as what they mean.
    ///
    /// One past the last character gives the closing quote. For a value that is no string: its begin.
    func offset(ofCharacter number: Int, inStringAt start: Int) -> Int {
        guard start < bytes.count, bytes[start] == UInt8(ascii: "\"") else { return start }
        let scalars = self.scalars(from: start + 1)
        var text = String.UnicodeScalarView()
        for scalar in scalars.dropLast() { text.append(scalar.scalar) }
        let leading = String(text).prefix(max(0, number - 1)).unicodeScalars.count
        return scalars[min(leading, scalars.count - 1)].offset
    }

    private static func walk(
        _ scanner: inout JSONScanner, path: String, key: Int?, depth: Int, _ places: inout [String: Place]
    ) throws(JSONError) {
        guard depth < JSONScanner.depthMax else { throw scanner.failure("nested deeper than \(JSONScanner.depthMax)") }
        let first = scanner.peek()
        places[path] = Place(key: key, value: scanner.offset)
        switch first {
        case UInt8(ascii: "{"):
            try scanner.expect(UInt8(ascii: "{"))
            if scanner.take(UInt8(ascii: "}")) { return }
            repeat {
                _ = scanner.peek()
                let start = scanner.offset
                let name = try scanner.string()
                try scanner.expect(UInt8(ascii: ":"))
                let inner = path.isEmpty ? name : "\(path).\(name)"
                try walk(&scanner, path: inner, key: start, depth: depth + 1, &places)
            } while scanner.take(UInt8(ascii: ","))
            try scanner.expect(UInt8(ascii: "}"))
        case UInt8(ascii: "["):
            try scanner.expect(UInt8(ascii: "["))
            if scanner.take(UInt8(ascii: "]")) { return }
            var index = 0
            repeat {
                try walk(&scanner, path: "\(path)[\(index)]", key: nil, depth: depth + 1, &places)
                index += 1
            } while scanner.take(UInt8(ascii: ","))
            try scanner.expect(UInt8(ascii: "]"))
        default: _ = try scanner.value()
        }
    }
}

extension JSONLocator {
    private struct SourceScalar {
        var scalar: Unicode.Scalar
        var offset: Int
    }

    /// What a string that has been found to be right is made of, each scalar with the byte at which it is written; the
    /// last is the closing quote.
    private func scalars(from start: Int) -> [SourceScalar] {
        var result: [SourceScalar] = []
        var offset = start
        while offset < bytes.count, bytes[offset] != UInt8(ascii: "\"") {
            let (scalar, length) = bytes[offset] == UInt8(ascii: "\\") ? escape(at: offset) : plain(at: offset)
            result.append(SourceScalar(scalar: scalar, offset: offset))
            offset += length
        }
        return result + [SourceScalar(scalar: "\"", offset: min(offset, bytes.count))]
    }

    private func plain(at offset: Int) -> (Unicode.Scalar, Int) {
        let byte = bytes[offset]
        let length = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
        let text = String(decoding: bytes[offset..<min(offset + length, bytes.count)], as: UTF8.self)
        return (text.unicodeScalars.first ?? "\u{fffd}", length)
    }

    private func escape(at offset: Int) -> (Unicode.Scalar, Int) {
        guard offset + 1 < bytes.count else { return ("\\", 1) }
        guard bytes[offset + 1] == UInt8(ascii: "u") else {
            return (Unicode.Scalar(bytes[offset + 1]), 2)
        }
        let first = hexadecimal(at: offset + 2)
        if let scalar = Unicode.Scalar(first) { return (scalar, 6) }
        let second = hexadecimal(at: offset + 8)
        let joined = 0x10000 + (first & 0x3ff) << 10 + (second & 0x3ff)
        return (Unicode.Scalar(joined) ?? "\u{fffd}", 12)
    }

    private func hexadecimal(at offset: Int) -> UInt32 {
        let digits = bytes[min(offset, bytes.count)..<min(offset + 4, bytes.count)]
        return UInt32(String(decoding: digits, as: UTF8.self), radix: 16) ?? 0
    }
}
