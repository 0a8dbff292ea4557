/// The entity tag of an answer: a digest of its body, so that a client is told of every change of what it has, and of
/// no other.
struct BodyTag: Sendable, Hashable {
    /// As `ETag` tells it. Weak, since the same answer may come compressed.
    let text: String

    init(_ body: UnsafeRawBufferPointer) {
        let digest = Self.digest(body)
        text =
            "W/\"\(String(body.count, radix: 16))-\(String(digest.high, radix: 16))-\(String(digest.low, radix: 16))\""
    }

    /// Whether an `If-None-Match` names it.
    func isNamed(in header: String?) -> Bool {
        guard let header else { return false }
        if header == text { return true }
        return header.split(separator: ",").contains { word in
            let tag = String(word).withoutSpaces
            return tag == "*" || tag == text || "W/" + tag == text
        }
    }

    /// 128 bits: four lanes that take eight bytes a step each, by wide multiplication, so that no step waits for the
    /// one before it in another lane.
    private static func digest(_ bytes: UnsafeRawBufferPointer) -> (high: UInt64, low: UInt64) {
        var (first, second): (UInt64, UInt64) = (0x9e37_79b9_7f4a_7c15, 0xc2b2_ae3d_27d4_eb4f)
        var (third, fourth): (UInt64, UInt64) = (0x1656_67b1_9e37_79f9, 0x27d4_eb2f_1656_67c5)
        var offset = 0
        func word(_ index: Int) -> UInt64 {
            bytes.loadUnaligned(fromByteOffset: offset + 8 * index, as: UInt64.self).littleEndian
        }
        while offset + 32 <= bytes.count {
            first = fold(first ^ word(0))
            second = fold(second ^ word(1))
            third = fold(third ^ word(2))
            fourth = fold(fourth ^ word(3))
            offset += 32
        }
        var low = fold(first &+ fold(third))
        let high = fold(second &+ fold(fourth))
        while offset < bytes.count {
            low = fold(low ^ UInt64(bytes[offset]))
            offset += 1
        }
        return (fold(high ^ low), fold(low &+ UInt64(bytes.count)))
    }

    /// Both halves of the product, so that every bit of the argument reaches every bit of the result.
    @inline(__always)
    private static func fold(_ value: UInt64) -> UInt64 {
        let product = (value ^ 0xff51_afd7_ed55_8ccd).multipliedFullWidth(by: 0xa076_1d64_78bd_642f)
        return product.high ^ product.low &+ 0xc4ce_b9fe_1a85_ec53
    }
}
