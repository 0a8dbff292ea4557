/// Texts as PostgreSQL takes them: it has no U+0000, and no half of a surrogate pair in JSON.
enum StagedText {
    /// The text with U+FFFD for U+0000.
    static func plain(_ text: String) -> String {
        guard text.utf8.contains(0) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : $0 }))
    }

    /// JSON text with U+FFFD for what `jsonb` refuses: U+0000, lone surrogates, bytes that are no UTF-8.
    static func json(_ bytes: [UInt8]) -> [UInt8] {
        var result = bytes
        if String(validating: bytes, as: UTF8.self) == nil {
            result = Array(String(decoding: bytes, as: UTF8.self).utf8)
        }
        if result.contains(0) { result = Array(plain(String(decoding: result, as: UTF8.self)).utf8) }
        return hasUnicodeEscape(result) ? replacingEscapes(result) : result
    }

    private static let backslash = UInt8(ascii: "\\")
    private static let letterU = UInt8(ascii: "u")
    private static let replacement = Array("\\ufffd".utf8)

    private static func hasUnicodeEscape(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while let place = rest.firstIndex(of: backslash), place + 1 < bytes.endIndex {
            if bytes[place + 1] == letterU { return true }
            rest = bytes[(place + 2)...]
        }
        return false
    }

    private static func replacingEscapes(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            guard bytes[index] == backslash, index + 1 < bytes.count else {
                result.append(bytes[index])
                index += 1
                continue
            }
            let unit = codeUnit(bytes, at: index)
            var length = unit == nil ? 2 : 6
            if let unit, isHighSurrogate(unit), let next = codeUnit(bytes, at: index + 6), isLowSurrogate(next) {
                length = 12
            } else if let unit, unit == 0 || isHighSurrogate(unit) || isLowSurrogate(unit) {
                result += replacement
                index += length
                continue
            }
            result += bytes[index..<min(index + length, bytes.count)]
            index += length
        }
        return result
    }

    /// The number of a `\uXXXX` at a place.
    private static func codeUnit(_ bytes: [UInt8], at index: Int) -> UInt16? {
        guard index + 6 <= bytes.count, bytes[index] == backslash, bytes[index + 1] == letterU else { return nil }
        return UInt16(String(decoding: bytes[index + 2..<index + 6], as: UTF8.self), radix: 16)
    }

    private static func isHighSurrogate(_ unit: UInt16) -> Bool { (0xD800...0xDBFF).contains(unit) }

    private static func isLowSurrogate(_ unit: UInt16) -> Bool { (0xDC00...0xDFFF).contains(unit) }
}
