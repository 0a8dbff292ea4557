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

    /// 128 bits: two lanes that take eight bytes a step each, by wide multiplication.
    private static func digest(_ bytes: UnsafeRawBufferPointer) -> (high: UInt64, low: UInt64) {
        var low: UInt64 = 0x9e37_79b9_7f4a_7c15
        var high: UInt64 = 0xc2b2_ae3d_27d4_eb4f
        var offset = 0
        while offset + 16 <= bytes.count {
            low = fold(low ^ bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian)
            high = fold(high ^ bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self).littleEndian)
            offset += 16
        }
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
