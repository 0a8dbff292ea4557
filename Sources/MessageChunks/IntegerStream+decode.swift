extension IntegerStream {
    /// Reads `count` values.
    static func read(_ reader: inout ChunkReader, count: Int) throws(ChunkError) -> [Int64] {
        let format = try Format(byte: try reader.byte())
        return try read(&reader, format, count: count)
    }

    static func read(_ reader: inout ChunkReader, _ format: Format, count: Int) throws(ChunkError) -> [Int64] {
        var values = [Int64](repeating: 0, count: count)
        try values.withUnsafeMutableBufferPointer { (buffer) throws(ChunkError) in
            try read(&reader, format, into: buffer)
        }
        return values
    }

    /// Reads as many values as the buffer holds.
    static func read(
        _ reader: inout ChunkReader, _ format: Format, into buffer: UnsafeMutableBufferPointer<Int64>
    ) throws(ChunkError) {
        guard let values = buffer.baseAddress else { return }
        let order = format.order
        guard order <= buffer.count else { throw ChunkError.malformed("more seeds than rows") }
        for index in 0..<order { values[index] = try reader.zigzag() }
        // The residuals fill the rest of the buffer, `count` values from `rest` on.
        let rest = values + order
        let count = buffer.count - order
        switch format.packing {
        case .constant:
            let value = count > 0 ? try reader.zigzag() : 0
            for index in 0..<count { rest[index] = value }
        case .varint:
            for index in 0..<count { rest[index] = try reader.zigzag() }
        case .groups:
            var start = 0
            while start < count {
                let size = min(ChunkFormat.groupSize, count - start)
                try readGroup(&reader, into: rest + start, size)
                start += size
            }
        case .planes:
            try readPlanes(&reader, into: rest, count)
        }
        for level in stride(from: order, to: 0, by: -1) { addUp(values + (level - 1), buffer.count - level + 1) }
    }

    /// Turns differences into values; the first is one already.
    @inline(__always)
    private static func addUp(_ values: UnsafeMutablePointer<Int64>, _ count: Int) {
        var sum: Int64 = 0
        for index in 0..<count {
            sum &+= values[index]
            values[index] = sum
        }
    }

    private static func readPlanes(
        _ reader: inout ChunkReader, into values: UnsafeMutablePointer<Int64>, _ count: Int
    ) throws(ChunkError) {
        let width = Int(try reader.byte())
        guard width <= 8 else { throw ChunkError.malformed("values \(width) bytes wide") }
        let part = try reader.take(width * count)
        guard let start = reader.bytes.baseAddress else { return }
        for index in 0..<count { values[index] = 0 }
        for plane in 0..<width {
            let bytes = start + part.lowerBound + plane &* count
            let shift = Int64(8 &* plane)
            for index in 0..<count {
                values[index] |= Int64(bytes.load(fromByteOffset: index, as: UInt8.self)) &<< shift
            }
        }
        for index in 0..<count {
            let raw = UInt64(bitPattern: values[index])
            values[index] = Int64(bitPattern: raw &>> 1) ^ (0 &- Int64(bitPattern: raw & 1))
        }
    }

    private static func readGroup(
        _ reader: inout ChunkReader, into values: UnsafeMutablePointer<Int64>, _ count: Int
    ) throws(ChunkError) {
        let least = try reader.zigzag()
        let width = Int(try reader.byte())
        guard width <= ChunkFormat.packedWidthMax || width == 64 else {
            throw ChunkError.malformed("values \(width) bits wide")
        }
        let part = try reader.take((count * width + 7) / 8)
        guard width > 0, let start = reader.bytes.baseAddress else {
            for index in 0..<count { values[index] = least }
            return
        }
        // Each load takes the eight bytes from the value's first one on: seven at most beyond the group's end, which
        // lie within the chunk for all groups but those at its very end, which are copied out first.
        if part.upperBound + 8 <= reader.bytes.count {
            unpack(start + part.lowerBound, width, least, into: values, count)
        } else {
            var copy = [UInt8](reader.bytes[part])
            copy.append(contentsOf: repeatElement(0, count: 8))
            copy.withUnsafeBytes { padded in
                guard let start = padded.baseAddress else { return }
                unpack(start, width, least, into: values, count)
            }
        }
    }

    @inline(__always)
    private static func unpack(
        _ start: UnsafeRawPointer, _ width: Int, _ least: Int64, into values: UnsafeMutablePointer<Int64>, _ count: Int
    ) {
        let mask = UInt64.max &>> UInt64(64 &- width)
        var bit = 0
        for index in 0..<count {
            let word = UInt64(littleEndian: start.loadUnaligned(fromByteOffset: bit &>> 3, as: UInt64.self))
            values[index] = least &+ Int64(bitPattern: (word &>> UInt64(bit & 7)) & mask)
            bit &+= width
        }
    }
}
