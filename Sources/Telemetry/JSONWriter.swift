/// Writes minimal JSON text.
///
/// Numbers are written as this project always writes them: without fraction or exponent where they are whole and below
/// 2^53, else as the shortest text that reads back to the same double.
public struct JSONWriter: Sendable {
    public var bytes: [UInt8] = []

    public init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    public var text: String { String(decoding: bytes, as: UTF8.self) }

    public mutating func write(literal text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    public mutating func write(raw text: some Collection<UInt8>) { bytes.append(contentsOf: text) }

    public mutating func write(number: Double) {
        if number == number.rounded(.towardZero), abs(number) < 9_007_199_254_740_992 {
            write(integer: Int64(number))
        } else if let (whole, decimals) = DecimalNumber.parts(number) {
            if number < 0 { bytes.append(UInt8(ascii: "-")) }
            write(integer: whole)
            write(decimals: decimals)
        } else {
            precondition(number.isFinite, "JSON has no NaN and no infinity")
            bytes.append(contentsOf: number.description.utf8)
        }
    }

    /// A point and decimals, given as billionths above 0, without the zeros behind them.
    private mutating func write(decimals: UInt32) {
        var rest = decimals
        var count = 9
        while rest % 10 == 0 {
            rest /= 10
            count -= 1
        }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 10) { buffer in
            for place in stride(from: count, to: 0, by: -1) {
                buffer[place] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            }
            buffer[0] = UInt8(ascii: ".")
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[0...count]))
        }
    }

    public mutating func write(integer: Int64) {
        if integer < 0 { bytes.append(UInt8(ascii: "-")) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { buffer in
            var rest = integer.magnitude
            var index = buffer.count
            repeat {
                index -= 1
                buffer[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[index...]))
        }
    }

    /// Seconds with up to six decimals, exactly.
    public mutating func write(_ moment: Timestamp) {
        let magnitude = moment.microseconds.magnitude
        if moment.microseconds < 0 { bytes.append(UInt8(ascii: "-")) }
        write(integer: Int64(magnitude / 1_000_000))
        var fraction = magnitude % 1_000_000
        guard fraction > 0 else { return }
        bytes.append(UInt8(ascii: "."))
        var divisor: UInt64 = 100_000
        while fraction > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(fraction / divisor))
            fraction %= divisor
            divisor = max(1, divisor / 10)
        }
    }

    /// A quoted string; control characters, quotes and backslashes are escaped.
    public mutating func write(string: String) {
        bytes.append(UInt8(ascii: "\""))
        var string = string
        string.withUTF8 { text in
            if text.contains(where: Self.isEscaped) { writeEscaped(text) } else { bytes.append(contentsOf: text) }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func isEscaped(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private mutating func writeEscaped(_ text: UnsafeBufferPointer<UInt8>) {
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""): write(literal: "\\\"")
            case UInt8(ascii: "\\"): write(literal: "\\\\")
            case 0x0a: write(literal: "\\n")
            case 0x0d: write(literal: "\\r")
            case 0x09: write(literal: "\\t")
            case 0..<0x20:
                write(literal: "\\u00")
                bytes.append(byte < 16 ? UInt8(ascii: "0") : UInt8(ascii: "1"))
                bytes.append(contentsOf: String(byte & 15, radix: 16).utf8)
            default: bytes.append(byte)
            }
        }
    }

    /// A value; an absent one is written as null.
    public mutating func write(_ value: Value?) {
        switch value {
        case nil, .null: write(literal: "null")
        case .boolean(true): write(literal: "true")
        case .boolean(false): write(literal: "false")
        case .number(let number) where number.isFinite: write(number: number)
        case .number: write(literal: "null")
        case .string(let text): write(string: text)
        case .json(let text): bytes.append(contentsOf: text.utf8)
        }
    }

    /// A key with its colon, preceded by a comma unless it is the first in its object.
    public mutating func write(key: String) {
        separate()
        write(string: key)
        bytes.append(UInt8(ascii: ":"))
    }

    /// A comma, unless an object or array has just begun.
    public mutating func separate() {
        switch bytes.last {
        case nil, UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ":"): break
        default: bytes.append(UInt8(ascii: ","))
        }
    }
}
