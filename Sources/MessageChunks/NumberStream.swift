/// The encoding of doubles: integers of a decimal scale where every value comes back bit for bit, else the doubles.
enum NumberStream {
    /// Adding and taking this off again rounds a double below 2^51 to the nearest integer, and leaves that integer in
    /// the low bits of the sum: faster than conversions, which the baseline processor has one at a time only.
    private static let rounder: Double = 6_755_399_441_055_744
    private static let limit: Double = 2_251_799_813_685_248

    static func append(_ numbers: [Double], isPlanar: Bool, to bytes: inout [UInt8]) {
        let isScaled = withUnsafeTemporaryAllocation(of: Int64.self, capacity: numbers.count) { integers in
            guard let scale = scale(numbers, to: integers) else { return false }
            IntegerStream.append(UnsafeBufferPointer(integers), tag: UInt8(scale), isPlanar: isPlanar, to: &bytes)
            return true
        }
        guard !isScaled else { return }
        let first = numbers.first?.bitPattern ?? 0
        let isConstant = numbers.allSatisfy { $0.bitPattern == first }
        let tag = isConstant ? ChunkFormat.tagRawConstant : ChunkFormat.tagRaw
        bytes.append(IntegerStream.Format(tag: tag, packing: .constant, order: 0).byte)
        for number in isConstant ? numbers.prefix(1) : numbers[...] { bytes.append(fixed: number.bitPattern) }
    }

    /// The least scale at which every number comes back bit for bit, and the integers at it; nil if there is none.
    private static func scale(_ numbers: [Double], to integers: UnsafeMutableBufferPointer<Int64>) -> Int? {
        var scale = 0
        for number in numbers {
            while !isExact(number, ChunkFormat.powers[scale]) {
                scale += 1
                if scale > ChunkFormat.scaleMax { return nil }
            }
        }
        let power = ChunkFormat.powers[scale]
        for index in numbers.indices {
            // A number that a smaller scale suits can be too large for this one.
            guard isExact(numbers[index], power) else { return nil }
            integers.initializeElement(at: index, to: Int64((numbers[index] * power + rounder) - rounder))
        }
        return scale
    }

    @inline(__always)
    private static func isExact(_ number: Double, _ power: Double) -> Bool {
        let product = number * power
        // Not true of a NaN either.
        guard product.magnitude < limit else { return false }
        return (((product + rounder) - rounder) / power).bitPattern == number.bitPattern
    }

    /// Reads `count` numbers.
    static func read(_ reader: inout ChunkReader, count: Int) throws(ChunkError) -> [Double] {
        let byte = try reader.byte()
        switch byte >> 4 {
        case ChunkFormat.tagRaw:
            return try readRaw(&reader, count: count)
        case ChunkFormat.tagRawConstant:
            guard count > 0 else { return [] }
            return [Double](repeating: try readRaw(&reader, count: 1)[0], count: count)
        case let scale where scale <= ChunkFormat.scaleMax:
            let format = try IntegerStream.Format(byte: byte)
            return try readScaled(&reader, format, ChunkFormat.powers[Int(scale)], count: count)
        default:
            throw ChunkError.malformed("unknown encoding \(byte) of numbers")
        }
    }

    private static func readRaw(_ reader: inout ChunkReader, count: Int) throws(ChunkError) -> [Double] {
        guard count <= reader.remaining / 8 else { throw ChunkError.malformed("unexpected end") }
        let part = try reader.take(count * 8)
        var numbers = [Double](repeating: 0, count: count)
        for index in 0..<count {
            let word = reader.bytes.loadUnaligned(fromByteOffset: part.lowerBound + index * 8, as: UInt64.self)
            numbers[index] = Double(bitPattern: UInt64(littleEndian: word))
        }
        return numbers
    }

    private static func readScaled(
        _ reader: inout ChunkReader, _ format: IntegerStream.Format, _ power: Double, count: Int
    ) throws(ChunkError) -> [Double] {
        var numbers = [Double](repeating: 0, count: count)
        try numbers.withUnsafeMutableBufferPointer { (buffer) throws(ChunkError) in
            // Both are trivial types of eight bytes; each cell is read as an integer before it becomes a double.
            try buffer.withMemoryRebound(to: Int64.self) { (cells) throws(ChunkError) in
                try IntegerStream.read(&reader, format, into: cells)
                scaleDown(cells, power)
            }
        }
        return numbers
    }

    /// Reads `count` booleans as the numbers 0 and 1.
    static func readBooleans(_ reader: inout ChunkReader, count: Int) throws(ChunkError) -> [Double] {
        let format = try IntegerStream.Format(byte: try reader.byte())
        var numbers = [Double](repeating: 0, count: count)
        try numbers.withUnsafeMutableBufferPointer { (buffer) throws(ChunkError) in
            // As in `readScaled`.
            try buffer.withMemoryRebound(to: Int64.self) { (cells) throws(ChunkError) in
                try IntegerStream.read(&reader, format, into: cells)
                let one = Int64(bitPattern: 1.0.bitPattern)
                for index in cells.indices { cells[index] = cells[index] == 0 ? 0 : one }
            }
        }
        return numbers
    }

    /// Replaces each integer by the bits of the double it stands for.
    @inline(__always)
    private static func scaleDown(_ cells: UnsafeMutableBufferPointer<Int64>, _ power: Double) {
        let bias = Int64(bitPattern: rounder.bitPattern)
        if power == 1 {
            for index in cells.indices {
                let number = Double(bitPattern: UInt64(bitPattern: cells[index] &+ bias)) - rounder
                cells[index] = Int64(bitPattern: number.bitPattern)
            }
        } else {
            for index in cells.indices {
                let number = (Double(bitPattern: UInt64(bitPattern: cells[index] &+ bias)) - rounder) / power
                cells[index] = Int64(bitPattern: number.bitPattern)
            }
        }
    }
}
