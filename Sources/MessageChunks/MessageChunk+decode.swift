import Telemetry

extension MessageChunk {
    /// When each message was made, in microseconds.
    public func timestamps() throws(ChunkError) -> [Int64] {
        try read(header.timestamps, "timestamps") { (reader) throws(ChunkError) in
            let times = try TimeStream.read(&reader, count: header.count, reference: header.first)
            guard !isSorted || times.isEmpty || (times[0] == header.first && times[times.count - 1] == header.last)
            else { throw ChunkError.malformed("timestamps beside the range of the header") }
            return times
        }
    }

    /// When the log took each message, in microseconds.
    public func acceptances() throws(ChunkError) -> [Int64] {
        try acceptances(timestamps: header.flags.contains(.relativeAcceptances) ? try timestamps() : [])
    }

    /// The column of a parameter, nothing else being decoded; nil if no message has the parameter.
    public func values(_ parameter: ParameterID) throws(ChunkError) -> ValueColumn? {
        guard let column = header.column(parameter) else { return nil }
        return try values(column)
    }

    /// All the messages.
    public func batch() throws(ChunkError) -> MessageBatch {
        try batch(header.columns, hashes: true)
    }

    /// The messages with only the parameters named; without hashes these are zero.
    ///
    /// Where the hashes are not stored, asking for them decodes every column.
    public func batch(parameters: [ParameterID], hashes: Bool) throws(ChunkError) -> MessageBatch {
        try batch(Set(parameters).sorted().compactMap(header.column), hashes: hashes)
    }

    private func batch(_ columns: [ChunkHeader.Column], hashes: Bool) throws(ChunkError) -> MessageBatch {
        let timestamps = try timestamps()
        let decoded = try decoded(columns)
        return MessageBatch(
            timestamps: timestamps, acceptances: try acceptances(timestamps: timestamps),
            hashes: hashes ? try self.hashes(decoded) : [UInt64](repeating: 0, count: header.count), columns: decoded)
    }

    func decoded(_ columns: [ChunkHeader.Column]) throws(ChunkError) -> [MessageColumn] {
        var decoded: [MessageColumn] = []
        decoded.reserveCapacity(columns.count)
        for column in columns {
            decoded.append(MessageColumn(parameter: column.parameter, values: try values(column)))
        }
        return decoded
    }

    private func values(_ column: ChunkHeader.Column) throws(ChunkError) -> ValueColumn {
        try read(column.part, "column of parameter \(column.parameter.rawValue)") { (reader) throws(ChunkError) in
            try ColumnCompression.read(&reader, column.codec) { (body) throws(ChunkError) in
                try ColumnCoder.read(&body, count: header.count)
            }
        }
    }

    private func acceptances(timestamps: [Int64]) throws(ChunkError) -> [Int64] {
        let isRelative = header.flags.contains(.relativeAcceptances)
        let reference = isRelative ? 0 : header.earliest
        var times = try read(header.acceptances, "acceptances") { (reader) throws(ChunkError) in
            try TimeStream.read(&reader, count: header.count, reference: reference)
        }
        if isRelative {
            times.withUnsafeMutableBufferPointer { times in
                timestamps.withUnsafeBufferPointer { for row in times.indices { times[row] &+= $0[row] } }
            }
        }
        return times
    }

    /// Reads a part of the chunk and checks that nothing of it is left over.
    private func read<Result>(
        _ part: Range<Int>, _ what: @autoclosure () -> String,
        _ body: (inout ChunkReader) throws(ChunkError) -> Result
    ) throws(ChunkError) -> Result {
        try Self.withBytes(of: bytes) { (raw) throws(ChunkError) in
            var reader = ChunkReader(raw, part)
            let result = try body(&reader)
            try reader.finish(what())
            return result
        }
    }
}
