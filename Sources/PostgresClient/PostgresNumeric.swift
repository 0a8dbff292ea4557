/// A decimal number of any length, as `numeric` holds it.
package struct PostgresNumeric: Sendable, Hashable, CustomStringConvertible {
    /// Such as -12.50 or 1e-05, or NaN, Infinity, -Infinity.
    package var text: String

    package init(_ text: String) { self.text = text }

    /// The shortest decimal number that reads as this one.
    package init(_ value: Double) {
        text = value.isNaN ? "NaN" : value.isInfinite ? (value < 0 ? "-Infinity" : "Infinity") : "\(value)"
    }

    package var description: String { text }

    /// The nearest double.
    package var double: Double {
        switch text {
        case "NaN": .nan
        case "Infinity": .infinity
        case "-Infinity": -.infinity
        default: Double(text) ?? .nan
        }
    }

    private static let special: [String: UInt16] = ["NaN": 0xC000, "Infinity": 0xD000, "-Infinity": 0xF000]
    private static let negative: UInt16 = 0x4000
    private static let digitsMax = 16_000
}

// MARK: - The wire

extension PostgresNumeric {
    /// Digits to the base 10,000, their sign, the weight of the first and how many decimals are shown.
    func write(to buffer: PostgresBuffer) throws(PostgresError) {
        if let sign = Self.special[text] {
            for part in [0, 0, sign, 0] { buffer.append(part) }
            return
        }
        guard let decimal = Decimal(text) else { throw PostgresError(.client, "a numeric value is no decimal number") }
        let groups = decimal.groups
        buffer.append(Int16(groups.digits.count))
        buffer.append(Int16(groups.weight))
        buffer.append(decimal.isNegative && !groups.digits.isEmpty ? Self.negative : 0)
        buffer.append(Int16(decimal.scale))
        for digit in groups.digits { buffer.append(digit) }
    }

    /// Reads the same; nil if the bytes are none.
    init?(wire bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 8 else { return nil }
        let parts = (0..<bytes.count / 2).map { index in
            UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self))
        }
        if let (name, _) = Self.special.first(where: { $0.value == parts[2] }) {
            text = name
            return
        }
        guard parts.count == 4 + Int(parts[0]) else { return nil }
        text = Self.rendered(
            digits: parts[4...].map(Int.init), weight: Int(Int16(bitPattern: parts[1])),
            isNegative: parts[2] == Self.negative, scale: Int(parts[3]))
    }

    private static func rendered(digits: [Int], weight: Int, isNegative: Bool, scale: Int) -> String {
        func group(_ power: Int) -> String {
            let index = weight - power
            let digit = String(digits.indices.contains(index) ? digits[index] : 0)
            return String(repeating: "0", count: 4 - digit.count) + digit
        }
        let whole = weight < 0 ? "0" : stride(from: weight, through: 0, by: -1).map(group).joined()
        let trimmed = whole.drop { $0 == "0" }
        let groupCount = (scale + 3) / 4
        let fraction = (0..<groupCount).map { group(-1 - $0) }.joined().prefix(scale)
        return (isNegative ? "-" : "") + (trimmed.isEmpty ? "0" : trimmed) + (scale > 0 ? "." + fraction : "")
    }

    /// Digits and where the point stands among them.
    private struct Decimal {
        var isNegative = false
        var digits: [UInt8] = []
        var pointIndex = 0

        init?(_ text: String) {
            var rest = text.utf8[...]
            if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
                isNegative = sign == UInt8(ascii: "-")
                rest = rest.dropFirst()
            }
            let parts = rest.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 | 32 == UInt8(ascii: "e") }
            guard let mantissa = parts.first, readMantissa(mantissa) else { return nil }
            if parts.count == 2 {
                guard let exponent = Int(Substring(parts[1])), abs(exponent) <= PostgresNumeric.digitsMax else {
                    return nil
                }
                pointIndex += exponent
            }
            guard digits.count <= PostgresNumeric.digitsMax, abs(pointIndex) <= PostgresNumeric.digitsMax else {
                return nil
            }
        }

        private mutating func readMantissa(_ mantissa: Substring.UTF8View) -> Bool {
            var hasPoint = false
            for byte in mantissa {
                if byte == UInt8(ascii: "."), !hasPoint {
                    hasPoint = true
                } else if (48...57).contains(byte) {
                    digits.append(byte - 48)
                    if !hasPoint { pointIndex += 1 }
                } else {
                    return false
                }
            }
            return !digits.isEmpty
        }

        /// The decimals that are shown.
        var scale: Int { max(0, digits.count - pointIndex) }

        /// The digits to the base 10,000 without zeros at either end, and the power of the first.
        var groups: (digits: [Int16], weight: Int) {
            let weight = pointIndex > 0 ? (pointIndex - 1) / 4 : -((-pointIndex) / 4) - 1
            // The power of ten of the first place of the first group, and of the first digit.
            let shift = (weight + 1) * 4 - pointIndex
            let padded = Array(repeating: UInt8(0), count: shift) + digits
            var result = stride(from: 0, to: padded.count, by: 4).map { start in
                (start..<start + 4).reduce(Int16(0)) { $0 * 10 + Int16($1 < padded.count ? padded[$1] : 0) }
            }
            while result.last == 0 { result.removeLast() }
            let zeros = result.prefix { $0 == 0 }.count
            return (Array(result.dropFirst(zeros)), result.count == zeros ? 0 : weight - zeros)
        }
    }
}
