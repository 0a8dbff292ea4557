import Telemetry

/// The encoding of one parameter's column: its shape, then a stream for each sort of value in it.
enum ColumnCoder {
    /// The kinds that share a stream, by the first of them; the streams stand in this order.
    private static let streamed: [ValueKind] = [.boolean, .number, .string]

    /// The stream that a kind's payloads go to: JSON stands with the strings.
    @inline(__always)
    private static func stream(_ kind: ValueKind) -> ValueKind { kind == .json ? .string : kind }

    private static func shape(_ layout: ChunkFormat.Layout, _ kind: ValueKind) -> UInt8 {
        layout.rawValue << 4 | kind.rawValue
    }

    /// Appends a column; an error, which is never stored, counts as absent. `isPlanar` is for what gets compressed.
    static func append(_ column: ValueColumn, isPlanar: Bool = false, to bytes: inout [UInt8]) {
        if let kind = column.uniform {
            let kind = kind == .error ? .absent : kind
            bytes.append(shape(.uniform, kind))
            appendValues(column.numbers, of: column, kind, isPlanar, to: &bytes)
        } else {
            appendMixed(column, column.kinds.map { $0 == .error ? .absent : $0 }, isPlanar, to: &bytes)
        }
    }

    private static func appendMixed(
        _ column: ValueColumn, _ kinds: [ValueKind], _ isPlanar: Bool, to bytes: inout [UInt8]
    ) {
        // A bit a kind.
        let present = kinds.reduce(into: 0) { $0 |= 1 << Int($1.rawValue) } & ~1
        if present.nonzeroBitCount <= 1 {
            let kind = kinds.first { $0 != .absent } ?? .absent
            bytes.append(shape(.optional, kind))
            IntegerStream.append(kinds.map { $0 == .absent ? 0 : 1 }, isPlanar: isPlanar, to: &bytes)
        } else {
            bytes.append(shape(.mixed, .absent))
            IntegerStream.append(kinds.map { Int64($0.rawValue) }, isPlanar: isPlanar, to: &bytes)
        }
        for kind in streamed {
            let payloads = kinds.indices.filter { stream(kinds[$0]) == kind }.map { column.numbers[$0] }
            if !payloads.isEmpty { appendValues(payloads, of: column, kind, isPlanar, to: &bytes) }
        }
    }

    private static func appendValues(
        _ payloads: [Double], of column: ValueColumn, _ kind: ValueKind, _ isPlanar: Bool, to bytes: inout [UInt8]
    ) {
        switch kind {
        case .absent, .null, .error: break
        case .boolean:
            IntegerStream.append(count: payloads.count, isPlanar: isPlanar, to: &bytes) { payloads[$0] != 0 ? 1 : 0 }
        case .number: NumberStream.append(payloads, isPlanar: isPlanar, to: &bytes)
        case .string, .json:
            TextStream.append(payloads.map { Int($0) }, of: column.texts, isPlanar: isPlanar, to: &bytes)
        }
    }

    /// Reads a column of `count` rows.
    static func read(_ reader: inout ChunkReader, count: Int) throws(ChunkError) -> ValueColumn {
        let shape = try reader.byte()
        guard let layout = ChunkFormat.Layout(rawValue: shape >> 4), let kind = ValueKind(rawValue: shape & 15),
            kind != .error
        else { throw ChunkError.malformed("unknown shape \(shape) of a column") }
        switch layout {
        case .uniform:
            let (numbers, texts) = try readValues(&reader, kind, count: count)
            return ValueColumn(uniform: count == 0 ? .absent : kind, numbers: numbers, texts: texts)
        case .optional:
            let presence = try IntegerStream.read(&reader, count: count)
            return try readMixed(&reader, presence.map { $0 == 0 ? .absent : kind })
        case .mixed:
            let raw = try IntegerStream.read(&reader, count: count)
            guard raw.allSatisfy({ $0 >= 0 && $0 < ValueKind.error.rawValue }) else {
                throw ChunkError.malformed("unknown kind of value")
            }
            return try readMixed(&reader, raw.map { ValueKind(rawValue: UInt8($0)) ?? .absent })
        }
    }

    /// Reads the streams of the kinds that occur and puts their payloads where they belong.
    private static func readMixed(
        _ reader: inout ChunkReader, _ kinds: [ValueKind]
    ) throws(ChunkError) -> ValueColumn {
        var numbers = [Double](repeating: 0, count: kinds.count)
        var texts: [String] = []
        for kind in streamed {
            let count = kinds.reduce(0) { stream($1) == kind ? $0 + 1 : $0 }
            if count == 0 { continue }
            let part = try readValues(&reader, kind, count: count)
            if kind == .string { texts = part.texts }
            var next = 0
            for row in kinds.indices where stream(kinds[row]) == kind {
                numbers[row] = part.numbers[next]
                next += 1
            }
        }
        return ValueColumn(kinds: kinds, numbers: numbers, texts: texts)
    }

    private static func readValues(
        _ reader: inout ChunkReader, _ kind: ValueKind, count: Int
    ) throws(ChunkError) -> (numbers: [Double], texts: [String]) {
        switch kind {
        case .absent, .null, .error:
            return ([Double](repeating: 0, count: count), [])
        case .boolean:
            return (try NumberStream.readBooleans(&reader, count: count), [])
        case .number:
            return (try NumberStream.read(&reader, count: count), [])
        case .string, .json:
            let (indices, texts) = try TextStream.read(&reader, count: count)
            return (indices.map { Double($0) }, texts)
        }
    }
}
