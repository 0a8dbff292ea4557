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
        /// The bytes of the residuals.
        var size: Int
    }

    /// Appends the values; `orderMax` bounds the differences that are tried, `isPlanar` is for what gets compressed.
    static func append(
        _ values: [Int64], tag: UInt8 = 0, orderMax: Int = 1, isPlanar: Bool = false, to bytes: inout [UInt8]
    ) {
        values.withUnsafeBufferPointer { append($0, tag: tag, orderMax: orderMax, isPlanar: isPlanar, to: &bytes) }
    }

    /// The same of values that are made one by one.
    @inline(__always)
    static func append(
        count: Int, isPlanar: Bool = false, to bytes: inout [UInt8], value: (Int) -> Int64
    ) {
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: count) { values in
            for index in 0..<count { values.initializeElement(at: index, to: value(index)) }
            append(UnsafeBufferPointer(values), isPlanar: isPlanar, to: &bytes)
        }
    }

    static func append(
        _ values: UnsafeBufferPointer<Int64>, tag: UInt8 = 0, orderMax: Int = 1, isPlanar: Bool = false,
        to bytes: inout [UInt8]
    ) {
        guard let first = values.first, !areAlike(values) else {
            bytes.append(Format(tag: tag, packing: .constant, order: 0).byte)
            if let value = values.first { bytes.append(zigzag: value) }
            return
        }
        // Room for the differences of each order: on the stack where a batch of the log is encoded.
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: values.count * orderMax) { room in
            var best = plan(values, order: 0)
            var (residuals, previous) = (values, values)
            for order in 1...orderMax where best.packing != .constant && order < values.count {
                previous = differences(previous, in: room, from: (order - 1) * values.count)
                let other = plan(previous, order: order)
                guard other.size + 2 * order < best.size + 2 * best.order || other.packing == .constant else {
                    continue
                }
                (best, residuals) = (other, previous)
            }
            if isPlanar, best.packing != .constant { best.packing = .planes }
            bytes.append(Format(tag: tag, packing: best.packing, order: best.order).byte)
            // The seeds: the first value, and the first of the differences of each order but the last.
            if best.order > 0 { bytes.append(zigzag: first) }
            for order in 1..<max(best.order, 1) { bytes.append(zigzag: room[(order - 1) * values.count]) }
            append(residuals, best.packing, to: &bytes)
        }
    }

    private static func areAlike(_ values: UnsafeBufferPointer<Int64>) -> Bool {
        guard let first = values.first else { return true }
        return values.allSatisfy { $0 == first }
    }

    /// Puts the differences of values into some room, from a place on.
    private static func differences(
        _ values: UnsafeBufferPointer<Int64>, in room: UnsafeMutableBufferPointer<Int64>, from start: Int
    ) -> UnsafeBufferPointer<Int64> {
        let count = values.count - 1
        for index in 0..<count {
            room.initializeElement(at: start + index, to: values[index + 1] &- values[index])
        }
        return UnsafeBufferPointer(rebasing: room[start..<start + count])
    }

    /// The packing of what is left after the differences, and its size.
    private static func plan(_ residuals: UnsafeBufferPointer<Int64>, order: Int) -> Plan {
        if order > 0, areAlike(residuals) {
            let size = [UInt8].varintSize([UInt8].zigzag(residuals[0]))
            return Plan(order: order, packing: .constant, size: size)
        }
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
        // Groups are read faster, so that varints must earn their place.
        return single < grouped - grouped / 8
            ? Plan(order: order, packing: .varint, size: single)
            : Plan(order: order, packing: .groups, size: grouped)
    }

    /// The least value of a group and the bits that its values take above it.
    @inline(__always)
    private static func frame(_ values: UnsafeBufferPointer<Int64>, _ rows: Range<Int>) -> (least: Int64, width: Int) {
        var least = values[rows.lowerBound]
        var greatest = least
        for index in rows {
            least = min(least, values[index])
            greatest = max(greatest, values[index])
        }
        let width = 64 - UInt64(bitPattern: greatest &- least).leadingZeroBitCount
        return (least, width > ChunkFormat.packedWidthMax ? 64 : width)
    }

    private static func append(
        _ residuals: UnsafeBufferPointer<Int64>, _ packing: ChunkFormat.Packing, to bytes: inout [UInt8]
    ) {
        switch packing {
        case .constant:
            bytes.append(zigzag: residuals[0])
        case .varint:
            for value in residuals { bytes.append(zigzag: value) }
        case .groups:
            var start = 0
            while start < residuals.count {
                let end = min(start + ChunkFormat.groupSize, residuals.count)
                appendGroup(residuals, start..<end, to: &bytes)
                start = end
            }
        case .planes:
            appendPlanes(residuals.map { [UInt8].zigzag($0) }, to: &bytes)
        }
    }

    private static func appendPlanes(_ values: [UInt64], to bytes: inout [UInt8]) {
        let width = (64 - values.reduce(0, |).leadingZeroBitCount + 7) / 8
        bytes.append(UInt8(width))
        for plane in 0..<width {
            for value in values { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * plane))) }
        }
    }

    private static func appendGroup(
        _ values: UnsafeBufferPointer<Int64>, _ rows: Range<Int>, to bytes: inout [UInt8]
    ) {
        let (least, width) = frame(values, rows)
        bytes.append(zigzag: least)
        bytes.append(UInt8(width))
        guard width > 0 else { return }
        let size = (rows.count * width + 7) / 8
        // The words of a group fill less than nine bytes beyond its size.
        withUnsafeTemporaryAllocation(byteCount: size + 16, alignment: 8) { words in
            var word: UInt64 = 0
            var filled = 0
            var offset = 0
            for row in rows {
                let value = UInt64(bitPattern: values[row] &- least)
                word |= value &<< UInt64(filled)
                filled &+= width
                if filled >= 64 {
                    words.storeBytes(of: word.littleEndian, toByteOffset: offset, as: UInt64.self)
                    offset &+= 8
                    filled &-= 64
                    // What did not fit; an overlong shift (all of it did) gives zero.
                    word = value >> UInt64(width - filled)
                }
            }
            words.storeBytes(of: word.littleEndian, toByteOffset: offset, as: UInt64.self)
            bytes.append(contentsOf: words[..<size])
        }
    }
}
