/// The encoding of texts: each different one once, in the order of first use, and an index a row.
enum TextStream {
    /// Appends the texts that the indices name.
    static func append(_ indices: [Int], of texts: [String], isPlanar: Bool, to bytes: inout [UInt8]) {
        var used: [[UInt8]] = []
        // Texts that differ in their bytes stay apart, whatever a comparison of characters says.
        var positions: [[UInt8]: Int64] = [:]
        var known = [Int64](repeating: -1, count: texts.count)
        var rows: [Int64] = []
        rows.reserveCapacity(indices.count)
        for index in indices {
            if known[index] < 0 {
                let text = Array(texts[index].utf8)
                if let position = positions[text] {
                    known[index] = position
                } else {
                    known[index] = Int64(used.count)
                    positions[text] = known[index]
                    used.append(text)
                }
            }
            rows.append(known[index])
        }
        bytes.append(varint: UInt64(used.count))
        for text in used {
            bytes.append(varint: UInt64(text.count))
            bytes.append(contentsOf: text)
        }
        if used.count > 1 { IntegerStream.append(rows, isPlanar: isPlanar, to: &bytes) }
    }

    /// Reads the texts and the index of each of `count` rows.
    static func read(
        _ reader: inout ChunkReader, count: Int
    ) throws(ChunkError) -> (indices: [Int64], texts: [String]) {
        let textCount = try reader.count(max: min(count, reader.remaining), "number of texts")
        var texts: [String] = []
        texts.reserveCapacity(textCount)
        for _ in 0..<textCount {
            let part = try reader.take(try reader.count(max: reader.remaining, "length of a text"))
            guard let text = String(validating: reader.bytes[part], as: UTF8.self) else {
                throw ChunkError.malformed("a text is not UTF-8")
            }
            texts.append(text)
        }
        guard textCount > 1 else {
            guard textCount == 1 || count == 0 else { throw ChunkError.malformed("rows without texts") }
            return ([Int64](repeating: 0, count: count), texts)
        }
        let indices = try IntegerStream.read(&reader, count: count)
        guard indices.allSatisfy({ $0 >= 0 && $0 < textCount }) else {
            throw ChunkError.malformed("an index beyond the texts")
        }
        return (indices, texts)
    }
}
