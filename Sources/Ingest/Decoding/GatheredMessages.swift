import Telemetry

/// The messages of a body as they come, value by value, until they are sorted into columns.
///
/// What a message costs while it is read is one copy of its values. The columns are made when it is known how long they
/// are: one allocation each, however the messages of devices are mixed.
struct GatheredMessages {
    struct Row {
        /// The place in the body, or the line of the file.
        var index: Int
        var timestamp: Int64
        var acceptance: Int64
        var hash: UInt64
        var cells: Range<Int>
    }

    private(set) var rows: [Row] = []
    private(set) var cells: [GatheredCell] = []
    private(set) var texts = GatheredTexts()

    /// Adds the cells of a message, whose texts lie in `texts`.
    mutating func append(
        _ message: [MessageCell], texts bytes: [UInt8], keys: borrowing KeyCache, timestamp: Int64, acceptance: Int64,
        index: Int
    ) {
        let start = cells.count
        var sum: UInt64 = 0
        for cell in message where cell.kind != .absent {
            let (number, valueHash) = payload(cell, bytes)
            cells.append(GatheredCell(key: Int32(truncatingIfNeeded: cell.key), kind: cell.kind, number: number))
            if let name = keys.keys[cell.key].nameHash { sum &+= mix64(name ^ valueHash) }
        }
        rows.append(
            Row(
                index: index, timestamp: timestamp, acceptance: acceptance, hash: mix64(sum),
                cells: start..<cells.count))
    }

    /// What is stored of a cell, and the stable hash of its value, as `Value.stableHash` defines it.
    private mutating func payload(_ cell: MessageCell, _ bytes: [UInt8]) -> (number: Double, hash: UInt64) {
        switch cell.kind {
        case .number: return (cell.number, mix64(cell.number.bitPattern ^ 0x2545_f491_4f6c_dd1d))
        case .boolean: return (cell.number, Value.boolean(cell.number != 0).stableHash)
        case .string, .json:
            let (index, hash) = texts.add(bytes[cell.text], of: cell.key)
            return (Double(index), cell.kind == .string ? hash : mix64(hash ^ 0x5851_f42d_4c95_7f2d))
        case .null, .absent, .error: return (0, Value.null.stableHash)
        }
    }
}

/// The texts of a body: one that a parameter repeats from message to message is kept once.
struct GatheredTexts {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    private var hashes: [UInt64] = []
    /// The last text of each key; -1 for none.
    private var lastOfKey: [Int] = []

    /// The index of a text, and the stable hash of its bytes.
    mutating func add(_ text: ArraySlice<UInt8>, of key: Int) -> (index: Int, hash: UInt64) {
        if key >= lastOfKey.count {
            lastOfKey.append(contentsOf: repeatElement(-1, count: key + 1 - lastOfKey.count))
        }
        let last = lastOfKey[key]
        if last >= 0, bytes[range(last)].elementsEqual(text) { return (last, hashes[last]) }
        bytes.append(contentsOf: text)
        ends.append(bytes.count)
        hashes.append(hash64(text))
        lastOfKey[key] = ends.count - 1
        return (ends.count - 1, hashes[ends.count - 1])
    }

    subscript(index: Int) -> String { String(decoding: bytes[range(index)], as: UTF8.self) }

    func areEqual(_ left: Int, _ right: Int) -> Bool {
        left == right || bytes[range(left)].elementsEqual(bytes[range(right)])
    }

    private func range(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }
}
