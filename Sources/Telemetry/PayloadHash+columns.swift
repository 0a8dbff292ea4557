extension PayloadHash {
    /// The hash of each row of some columns, as the one that its message was given when it came.
    ///
    /// `nameHashes` are the stable hashes of the columns' names (`ParameterTable.nameHash`), in their order.
    public static func hashes(of columns: [MessageColumn], nameHashes: [UInt64], count: Int) -> [UInt64] {
        precondition(nameHashes.count == columns.count, "every column has a name")
        var sums = [UInt64](repeating: 0, count: count)
        for (column, name) in zip(columns, nameHashes) where !ignoredHashes.contains(name) {
            precondition(column.values.count == count, "every column has a row a message")
            add(column.values, named: name &* nameFactor, to: &sums)
        }
        for row in sums.indices { sums[row] = mix64(sums[row]) }
        return sums
    }

    private static func add(_ values: ValueColumn, named name: UInt64, to sums: inout [UInt64]) {
        switch values.uniform {
        case .absent, .error: return
        case .number: addNumbers(values.numbers, named: name, to: &sums)
        case .boolean:
            let on = mix64(name ^ Value.boolean(true).stableHash)
            let off = mix64(name ^ Value.boolean(false).stableHash)
            for row in sums.indices { sums[row] &+= values.numbers[row] != 0 ? on : off }
        case .null, .string, .json, nil: addMixed(values, named: name, to: &sums)
        }
    }

    private static func addNumbers(_ numbers: [Double], named name: UInt64, to sums: inout [UInt64]) {
        for row in sums.indices { sums[row] &+= mix64(name ^ Value.stableHash(of: numbers[row])) }
    }

    private static func addMixed(_ values: ValueColumn, named name: UInt64, to sums: inout [UInt64]) {
        // Of each text once: there are few.
        let strings = values.texts.map { Value.string($0).stableHash }
        let texts = values.texts.map { Value.json($0).stableHash }
        for row in sums.indices {
            let number = values.numbers[row]
            switch values.kind(row) {
            case .absent, .error: continue
            case .null: sums[row] &+= mix64(name ^ Value.null.stableHash)
            case .boolean: sums[row] &+= mix64(name ^ Value.boolean(number != 0).stableHash)
            case .number: sums[row] &+= mix64(name ^ Value.stableHash(of: number))
            case .string: sums[row] &+= mix64(name ^ strings[Int(number)])
            case .json: sums[row] &+= mix64(name ^ texts[Int(number)])
            }
        }
    }
}
