/// The encoding of times: in the largest unit that keeps them whole, since most of them are whole seconds.
enum TimeStream {
    /// Appends times; the reader must know the reference.
    static func append(_ times: [Int64], reference: Int64, to bytes: inout [UInt8]) {
        guard let first = times.first else { return }
        bytes.append(zigzag: first &- reference)
        // Differences from the first may wrap; what is taken off by wrapping is put back by wrapping.
        let offsets = times.map { $0 &- first }
        let (tag, scaled) = inLargestUnit(offsets)
        IntegerStream.append(scaled, tag: tag, orderMax: 2, to: &bytes)
    }

    /// The tag of the unit and the offsets in it; the divisors are constants, which divides five times as fast.
    private static func inLargestUnit(_ offsets: [Int64]) -> (tag: UInt8, offsets: [Int64]) {
        if offsets.allSatisfy({ $0 % 1_000_000 == 0 }) { return (0, offsets.map { $0 / 1_000_000 }) }
        if offsets.allSatisfy({ $0 % 1000 == 0 }) { return (1, offsets.map { $0 / 1000 }) }
        return (2, offsets)
    }

    /// Reads `count` times.
    static func read(
        _ reader: inout ChunkReader, count: Int, reference: Int64
    ) throws(ChunkError) -> [Int64] {
        guard count > 0 else { return [] }
        let first = reference &+ (try reader.zigzag())
        let format = try IntegerStream.Format(byte: try reader.byte())
        guard format.tag < ChunkFormat.timeUnits.count else { throw ChunkError.malformed("unknown unit of time") }
        let unit = ChunkFormat.timeUnits[Int(format.tag)]
        var times = try IntegerStream.read(&reader, format, count: count)
        times.withUnsafeMutableBufferPointer { times in
            for row in times.indices { times[row] = first &+ times[row] &* unit }
        }
        return times
    }
}
