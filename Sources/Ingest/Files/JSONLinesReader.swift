import Telemetry

/// Reads JSON lines: an object a line; an array of objects on one line, or with an object a line, will do as well.
struct JSONLinesReader: FileFormatReader {
    /// A longer line is refused.
    static let lineLengthMax = 8 << 20

    private var line: [UInt8] = []

    mutating func read(
        _ source: inout ByteSource, _ assembler: inout MessageAssembler, countMax: Int
    ) throws(ImportError) -> Bool {
        while assembler.count + assembler.refusedCount < countMax {
            let number = source.line
            guard let isWhole = try readLine(&source) else { return false }
            if isWhole {
                decode(number, &assembler)
            } else {
                assembler.begin(index: number)
                assembler.refuseMessage(nil, "the line is longer than \(Self.lineLengthMax) bytes")
            }
        }
        return true
    }

    /// Reads a line; nil at the end, false for one that is too long.
    private mutating func readLine(_ source: inout ByteSource) throws(ImportError) -> Bool? {
        line.removeAll(keepingCapacity: true)
        guard try source.peek() != nil else { return nil }
        while let byte = try source.next(), byte != 0x0a {
            guard line.count < Self.lineLengthMax else {
                try source.skipLine()
                return false
            }
            line.append(byte)
        }
        return true
    }

    private func decode(_ number: Int, _ assembler: inout MessageAssembler) {
        line.withUnsafeBufferPointer { buffer in
            var scanner = JSONScanner(buffer)
            guard !scanner.isAtEnd else { return }
            do throws(JSONError) {
                _ = scanner.take(UInt8(ascii: "["))
                while !scanner.isAtEnd, !scanner.take(UInt8(ascii: "]")) {
                    try scanner.readMessage(into: &assembler, index: number)
                    _ = scanner.take(UInt8(ascii: ","))
                }
                if !scanner.isAtEnd { throw scanner.unexpected("expected the end of the line") }
            } catch {
                assembler.begin(index: number)
                assembler.refuseMessage(nil, "column \(error.column): \(error.reason)")
            }
        }
    }
}
