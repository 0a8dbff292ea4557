/// The encoding of times: in the largest unit that keeps them whole, since most of them are whole seconds.
enum TimeStream {
    /// Appends times; the reader must know the reference.
    static func append(_ times: [Int64], reference: Int64, to bytes: inout [UInt8]) {
        append(count: times.count, reference: reference, to: &bytes) { times[$0] }
    }

    /// The same of times that are made one by one.
    @inline(__always)
    static func append(count: Int, reference: Int64, to bytes: inout [UInt8], time: (Int) -> Int64) {
        guard count > 0 else { return }
        let first = time(0)
        bytes.append(zigzag: first &- reference)
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: count) { offsets in
            // Differences from the first may wrap; what is taken off by wrapping is put back by wrapping.
            for index in 0..<count { offsets.initializeElement(at: index, to: time(index) &- first) }
            let tag = putInLargestUnit(offsets)
            IntegerStream.append(UnsafeBufferPointer(offsets), tag: tag, orderMax: 2, to: &bytes)
        }
    }

    /// Puts offsets in the largest unit that suits all, and returns its tag; the divisors are constants, which divides
    /// five times as fast.
    private static func putInLargestUnit(_ offsets: UnsafeMutableBufferPointer<Int64>) -> UInt8 {
        if offsets.allSatisfy({ $0 % 1_000_000 == 0 }) {
            for index in offsets.indices { offsets[index] /= 1_000_000 }
            return 0
        }
        if offsets.allSatisfy({ $0 % 1000 == 0 }) {
            for index in offsets.indices { offsets[index] /= 1000 }
            return 1
        }
        return 2
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
