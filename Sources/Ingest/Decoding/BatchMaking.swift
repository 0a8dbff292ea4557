import Telemetry

/// Makes batches of columns out of gathered messages, one group of messages after the other.
struct BatchMaking {
    /// A larger batch, of rows times parameters, has values in some share of its places: where each message brings
    /// names of its own, a group becomes several batches, so that what is made stays in proportion to what was sent.
    static let sparseCellCountMax = 1 << 16
    static let placesPerValueMax = 8

    private let messages: GatheredMessages
    private let parameters: [ParameterID?]
    /// The column of each key in the batch being made; -1 for none.
    private var columnOfKey: [Int32]
    private var keyOfColumn: [Int] = []
    private var numbers: [Double] = []
    private var kinds: [ValueKind] = []

    init(_ messages: GatheredMessages, keys: borrowing KeyCache) {
        self.messages = messages
        parameters = keys.keys.map(\.parameter)
        columnOfKey = [Int32](repeating: -1, count: parameters.count)
    }

    /// The messages of some rows, in their order, mostly in one batch.
    mutating func groups(of rows: [Int], _ ident: String?) -> [IdentMessages] {
        var groups: [IdentMessages] = []
        var rest = rows[...]
        while !rest.isEmpty {
            let part = rest.prefix(nameColumns(of: rest))
            fill(part)
            groups.append(
                IdentMessages(
                    ident: ident, messages: batch(of: part), firstIndex: messages.rows[part[part.startIndex]].index))
            rest = rest.dropFirst(part.count)
            for key in keyOfColumn { columnOfKey[key] = -1 }
            keyOfColumn.removeAll(keepingCapacity: true)
        }
        return groups
    }

    /// Finds the columns of the first rows, and how many rows these are.
    private mutating func nameColumns(of rows: ArraySlice<Int>) -> Int {
        var count = 0
        var valueCount = 0
        for row in rows {
            let known = keyOfColumn.count
            for place in messages.rows[row].cells {
                let key = Int(messages.cells[place].key)
                guard columnOfKey[key] < 0 else { continue }
                columnOfKey[key] = Int32(keyOfColumn.count)
                keyOfColumn.append(key)
            }
            valueCount += messages.rows[row].cells.count
            let isDense =
                keyOfColumn.count * (count + 1) <= max(Self.sparseCellCountMax, valueCount * Self.placesPerValueMax)
            guard count == 0 || isDense else {
                for key in keyOfColumn[known...] { columnOfKey[key] = -1 }
                keyOfColumn.removeLast(keyOfColumn.count - known)
                break
            }
            count += 1
        }
        return count
    }

    /// Puts the cells of the rows into their columns, which lie one behind the other.
    private mutating func fill(_ rows: ArraySlice<Int>) {
        let count = keyOfColumn.count * rows.count
        if numbers.count < count {
            numbers = [Double](repeating: 0, count: count)
            kinds = [ValueKind](repeating: .absent, count: count)
        } else {
            for index in 0..<count {
                numbers[index] = 0
                kinds[index] = .absent
            }
        }
        for (place, row) in rows.enumerated() {
            for number in messages.rows[row].cells {
                let cell = messages.cells[number]
                let index = Int(columnOfKey[Int(cell.key)]) * rows.count + place
                numbers[index] = cell.number
                kinds[index] = cell.kind
            }
        }
    }

    private func batch(of rows: ArraySlice<Int>) -> MessageBatch {
        var columns: [MessageColumn] = []
        columns.reserveCapacity(keyOfColumn.count)
        for (column, key) in keyOfColumn.enumerated() {
            guard let parameter = parameters[key] else { continue }
            let part = column * rows.count..<(column + 1) * rows.count
            columns.append(MessageColumn(parameter: parameter, values: values(part)))
        }
        columns.sort { $0.parameter < $1.parameter }
        return MessageBatch(
            timestamps: rows.map { messages.rows[$0].timestamp },
            acceptances: rows.map { messages.rows[$0].acceptance },
            hashes: rows.map { messages.rows[$0].hash }, columns: columns)
    }

    private func values(_ part: Range<Int>) -> ValueColumn {
        let first = kinds[part.lowerBound]
        let isUniform = kinds[part].allSatisfy { $0 == first }
        var payloads = Array(numbers[part])
        var texts: [String] = []
        if !isUniform || first == .string || first == .json {
            texts = takeTexts(&payloads, kinds[part])
        }
        return isUniform
            ? ValueColumn(uniform: first, numbers: payloads, texts: texts)
            : ValueColumn(kinds: Array(kinds[part]), numbers: payloads, texts: texts)
    }

    /// Collects the texts of a column and makes its payloads point to them; one that repeats is stored once.
    private func takeTexts(_ payloads: inout [Double], _ kinds: ArraySlice<ValueKind>) -> [String] {
        var texts: [String] = []
        var last = -1
        for (place, kind) in kinds.enumerated() where kind == .string || kind == .json {
            let index = Int(payloads[place])
            if last < 0 || !messages.texts.areEqual(last, index) { texts.append(messages.texts[index]) }
            last = index
            payloads[place] = Double(texts.count - 1)
        }
        return texts
    }
}
