/// The encoding of a sequence of integers: differences of an order that fits, packed in the way that is smallest.
///
/// Everything of a chunk that is not text or a raw double goes through it: times, scaled numbers, booleans, presence,
/// kinds and indices of texts. In groups a value costs its bits, and a group of equal values two or three bytes.
enum IntegerStream {
    /// A format byte: the tag belongs to the user of the stream.
    struct Format {
        var tag: UInt8
        var packing: ChunkFormat.Packing
        var order: Int

        var byte: UInt8 { tag << 4 | packing.rawValue << 2 | UInt8(order) }

        init(tag: UInt8, packing: ChunkFormat.Packing, order: Int) {
            self.tag = tag
            self.packing = packing
            self.order = order
        }

        init(byte: UInt8) throws(ChunkError) {
            guard let packing = ChunkFormat.Packing(rawValue: byte >> 2 & 3), byte & 3 <= 2 else {
                throw ChunkError.malformed("unknown encoding \(byte)")
            }
            self.init(tag: byte >> 4, packing: packing, order: Int(byte & 3))
        }
    }

    private struct Plan {
        var order: Int
        var packing: ChunkFormat.Packing
        var size: Int
        var residuals: [Int64]
    }

    /// Appends the values; `orderMax` bounds the differences that are tried.
    static func append(_ values: [Int64], tag: UInt8 = 0, orderMax: Int = 1, to bytes: inout [UInt8]) {
        var seeds: [Int64] = []
        var best = plan(values, order: 0)
        var previous = values
        for order in 0..<min(orderMax, values.count) where best.packing != .constant {
            seeds.append(previous[0])
            previous = differences(previous)
            let other = plan(previous, order: order + 1)
            if other.size < best.size || other.packing == .constant { best = other }
        }
        bytes.append(Format(tag: tag, packing: best.packing, order: best.order).byte)
        for seed in seeds.prefix(best.order) { bytes.append(zigzag: seed) }
        append(best, to: &bytes)
    }

    private static func differences(_ values: [Int64]) -> [Int64] {
        [Int64](unsafeUninitializedCapacity: values.count - 1) { buffer, count in
            for index in 1..<values.count { buffer[index - 1] = values[index] &- values[index - 1] }
            count = values.count - 1
        }
    }

    /// The packing of what is left after the differences, and its size.
    private static func plan(_ residuals: [Int64], order: Int) -> Plan {
        var grouped = 0
        var single = 0
        var start = 0
        while start < residuals.count {
            let end = min(start + ChunkFormat.groupSize, residuals.count)
            let (least, width) = frame(residuals, start..<end)
            grouped += [UInt8].varintSize([UInt8].zigzag(least)) + 1 + ((end - start) * width + 7) / 8
            for index in start..<end { single &+= [UInt8].varintSize([UInt8].zigzag(residuals[index])) }
            start = end
        }
        let isConstant = residuals.allSatisfy { $0 == residuals[0] }
        // Groups are read faster, so that varints must earn their place.
        let packing: ChunkFormat.Packing = isConstant ? .constant : single < grouped - grouped / 8 ? .varint : .groups
        let size = isConstant ? min(residuals.count, 3) : min(single, grouped)
        return Plan(order: order, packing: packing, size: size + 2 * order, residuals: residuals)
    }

    /// The least value of a group and the bits that its values take above it.
    @inline(__always)
    private static func frame(_ values: [Int64], _ rows: Range<Int>) -> (least: Int64, width: Int) {
        var least = values[rows.lowerBound]
        var greatest = least
        for index in rows {
            least = min(least, values[index])
            greatest = max(greatest, values[index])
        }
        let width = 64 - UInt64(bitPattern: greatest &- least).leadingZeroBitCount
        return (least, width > ChunkFormat.packedWidthMax ? 64 : width)
    }

    private static func append(_ plan: Plan, to bytes: inout [UInt8]) {
        switch plan.packing {
        case .constant:
            if let value = plan.residuals.first { bytes.append(zigzag: value) }
        case .varint:
            for value in plan.residuals { bytes.append(zigzag: value) }
        case .groups:
            var start = 0
            while start < plan.residuals.count {
                let end = min(start + ChunkFormat.groupSize, plan.residuals.count)
                appendGroup(plan.residuals, start..<end, to: &bytes)
                start = end
            }
        }
    }

    private static func appendGroup(_ values: [Int64], _ rows: Range<Int>, to bytes: inout [UInt8]) {
        let (least, width) = frame(values, rows)
        bytes.append(zigzag: least)
        bytes.append(UInt8(width))
        guard width > 0 else { return }
        var word: UInt64 = 0
        var filled = 0
        for row in rows {
            let value = UInt64(bitPattern: values[row] &- least)
            word |= value &<< UInt64(filled)
            filled += width
            if filled >= 64 {
                bytes.append(fixed: word)
                filled -= 64
                // What did not fit; an overlong shift (all of it did) gives zero.
                word = value >> UInt64(width - filled)
            }
        }
        for index in 0..<(filled + 7) / 8 { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(8 * index))) }
    }
}
