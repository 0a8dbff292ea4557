import Telemetry

/// A column that grows by one cell at a time, written for speed where all cells are of one kind.
struct ColumnAssembly {
    let parameter: ParameterID
    private var uniform: ValueKind
    private var kinds: [ValueKind] = []
    private var numbers: [Double]
    private var texts: [String] = []
    /// The bytes of the last of `texts`: a text that repeats is stored once.
    private var lastBytes: [UInt8] = []
    private var lastHash: UInt64 = 0
    private var isUniform = true

    /// A column whose first rows are absent.
    init(parameter: ParameterID, absentRows: Int) {
        self.parameter = parameter
        uniform = .absent
        numbers = [Double](repeating: 0, count: absentRows)
    }

    /// Fills up with absent cells to a number of rows.
    mutating func pad(to count: Int) {
        while numbers.count < count { append(.absent, 0) }
    }

    mutating func append(_ kind: ValueKind, _ payload: Double) {
        if isUniform, kind != uniform { becomeMixed(kind) }
        if !isUniform { kinds.append(kind) }
        numbers.append(payload)
    }

    /// Adds a text and gives the stable hash of its bytes.
    mutating func append(_ kind: ValueKind, text: ArraySlice<UInt8>) -> UInt64 {
        if texts.isEmpty || !lastBytes.elementsEqual(text) {
            texts.append(String(decoding: text, as: UTF8.self))
            lastBytes.removeAll(keepingCapacity: true)
            lastBytes.append(contentsOf: text)
            lastHash = hash64(text)
        }
        append(kind, Double(texts.count - 1))
        return lastHash
    }

    /// The finished column.
    func values(count: Int) -> ValueColumn {
        var whole = self
        whole.pad(to: count)
        return whole.isUniform
            ? ValueColumn(uniform: whole.uniform, numbers: whole.numbers, texts: whole.texts)
            : ValueColumn(kinds: whole.kinds, numbers: whole.numbers, texts: whole.texts)
    }

    private mutating func becomeMixed(_ kind: ValueKind) {
        if numbers.isEmpty {
            uniform = kind
        } else {
            isUniform = false
            kinds = [ValueKind](repeating: uniform, count: numbers.count)
        }
    }
}

/// A batch that grows message by message; keys are indices of a `KeyCache`.
struct BatchAssembly {
    private var timestamps: [Int64] = []
    private var acceptances: [Int64] = []
    private var hashes: [UInt64] = []
    private var columns: [ColumnAssembly] = []
    private var columnOfKey: [Int32] = []

    var count: Int { timestamps.count }

    /// Adds the cells of a message, whose texts lie in `texts`.
    mutating func append(
        _ cells: [MessageCell], texts: [UInt8], keys: borrowing KeyCache, timestamp: Int64, acceptance: Int64
    ) {
        var sum: UInt64 = 0
        for cell in cells where cell.kind != .absent {
            guard let parameter = keys.keys[cell.key].parameter else { continue }
            let index = column(cell.key, parameter)
            let valueHash = append(cell, texts, to: index)
            if let name = keys.keys[cell.key].nameHash { sum &+= mix64(name ^ valueHash) }
        }
        timestamps.append(timestamp)
        acceptances.append(acceptance)
        hashes.append(mix64(sum))
    }

    func build() -> MessageBatch {
        let finished = columns.map { MessageColumn(parameter: $0.parameter, values: $0.values(count: count)) }
        return MessageBatch(
            timestamps: timestamps, acceptances: acceptances, hashes: hashes,
            columns: finished.sorted { $0.parameter < $1.parameter })
    }

    private mutating func column(_ key: Int, _ parameter: ParameterID) -> Int {
        if key >= columnOfKey.count {
            columnOfKey.append(contentsOf: repeatElement(-1, count: key + 1 - columnOfKey.count))
        }
        if columnOfKey[key] >= 0 { return Int(columnOfKey[key]) }
        columns.append(ColumnAssembly(parameter: parameter, absentRows: count))
        columnOfKey[key] = Int32(columns.count - 1)
        return columns.count - 1
    }

    /// Adds a cell and gives the stable hash of its value, as `Value.stableHash` defines it.
    private mutating func append(_ cell: MessageCell, _ texts: [UInt8], to index: Int) -> UInt64 {
        columns[index].pad(to: count)
        switch cell.kind {
        case .number:
            columns[index].append(.number, cell.number)
            return mix64(cell.number.bitPattern ^ 0x2545_f491_4f6c_dd1d)
        case .string: return columns[index].append(.string, text: texts[cell.text])
        case .json:
            return mix64(columns[index].append(.json, text: texts[cell.text]) ^ 0x5851_f42d_4c95_7f2d)
        case .boolean:
            columns[index].append(.boolean, cell.number)
            return Value.boolean(cell.number != 0).stableHash
        case .null, .absent, .error:
            columns[index].append(.null, 0)
            return Value.null.stableHash
        }
    }
}

/// A parameter's value in the message being assembled.
struct MessageCell {
    /// The index of the name in the `KeyCache`.
    var key: Int
    /// Absent once the value has been refused.
    var kind: ValueKind
    /// The number, never -0; 1 for true.
    var number: Double = 0
    /// Where a text lies in the assembler's bytes.
    var text: Range<Int> = 0..<0
}
