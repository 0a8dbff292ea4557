/// Reads numbers as tables write them.
enum NumberText {
    private static let powersOfTen: [Double] = (0...22).map { power in (0..<power).reduce(1.0) { sum, _ in sum * 10 } }

    /// The number that a text is; nil if it is something else. With `decimalComma`, `1,5` is one and a half.
    static func number(_ text: ArraySlice<UInt8>, decimalComma: Bool = false) -> Double? {
        var mantissa: UInt64 = 0
        var digits = 0
        var fraction: Int?
        var rest = text
        let sign = rest.first
        if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { rest.removeFirst() }
        for (index, byte) in rest.enumerated() {
            switch byte {
            case 0x30...0x39:
                mantissa = mantissa &* 10 &+ UInt64(byte - 0x30)
                digits += 1
                if let count = fraction { fraction = count + 1 }
            case UInt8(ascii: ".") where fraction == nil: fraction = 0
            case UInt8(ascii: ",") where fraction == nil && decimalComma: fraction = 0
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                return digits > 0 && index < rest.count - 1 ? parsed(text, decimalComma) : nil
            default: return nil
            }
        }
        guard digits > 0 else { return nil }
        let places = fraction ?? 0
        guard digits <= 18, places <= 22, mantissa <= 1 << 53 else { return parsed(text, decimalComma) }
        let value = Double(mantissa) / powersOfTen[places]
        return sign == UInt8(ascii: "-") ? -value : value
    }

    /// The slow and exact way; takes only what looks like a decimal number.
    private static func parsed(_ text: ArraySlice<UInt8>, _ decimalComma: Bool) -> Double? {
        let isComma = { (byte: UInt8) in decimalComma && byte == UInt8(ascii: ",") }
        let plain = text.map { isComma($0) ? UInt8(ascii: ".") : $0 }
        let isNumeric = plain.allSatisfy { (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }
        guard isNumeric, let value = Double(String(decoding: plain, as: UTF8.self)), value.isFinite else { return nil }
        return value
    }

    /// Whether a text is a code rather than a number although it has only digits: `007`.
    static func hasLeadingZero(_ text: ArraySlice<UInt8>) -> Bool {
        text.count > 1 && text.first == UInt8(ascii: "0") && text.dropFirst().first.map { 0x30...0x39 ~= $0 } == true
    }
}
