import Telemetry

/// Reads CSV files with a header row.
struct CSVReader: FileFormatReader {
    /// So many rows are read ahead to find out the order of dates.
    static let sampleCountMax = 200

    private var scanner: CSVScanner
    private let plan: CSVPlan
    private let keys: [Int]
    private let constantKeys: [Int]
    private let timestampKey: Int
    private let identKey: Int
    private let zone: TimeZoneTable
    private var dateOrder: DateOrder?
    private let decimalComma: Bool
    /// Rows read ahead, the last one first.
    private var sample: [Row] = []
    private var moment: [UInt8] = []

    private struct Row {
        var scanner: CSVScanner
        var outcome: CSVScanner.Outcome
    }

    var columns: [ImportedColumn] { plan.columns }

    init(
        _ source: inout ByteSource, _ assembler: inout MessageAssembler, _ options: ImportOptions
    ) throws(ImportError) {
        let (header, delimiter) = try Self.readHeader(&source)
        scanner = CSVScanner(delimiter: delimiter)
        decimalComma = delimiter != UInt8(ascii: ",")
        let plan = try CSVPlan(header: header, options: options)
        self.plan = plan
        zone = options.timeZone
        keys = plan.values.map { assembler.key($0.parameter) }
        constantKeys = plan.constants.map { assembler.key($0.parameter) }
        timestampKey = assembler.key("timestamp")
        identKey = assembler.key("ident")
        if case .date(let order) = plan.timestampFormat { dateOrder = order }
        if plan.timestampFormat == .automatic { try readSample(&source) }
    }

    mutating func read(
        _ source: inout ByteSource, _ assembler: inout MessageAssembler, countMax: Int
    ) throws(ImportError) -> Bool {
        while assembler.count + assembler.refusedCount < countMax {
            let outcome = try nextRow(&source)
            assembler.begin(index: scanner.line)
            switch outcome {
            case .end: return false
            case .row: assemble(&assembler)
            case .tooLong:
                assembler.refuseMessage(
                    nil, "the row is longer than \(CSVScanner.rowLengthMax) bytes; a quote may not be closed")
            }
        }
        return true
    }
}

extension CSVReader {
    private static func readHeader(
        _ source: inout ByteSource
    ) throws(ImportError) -> (header: [String], delimiter: UInt8) {
        var line: [UInt8] = []
        while let byte = try source.peek(), byte != 0x0a, line.count < CSVScanner.rowLengthMax {
            line.append(byte)
            _ = try source.next()
        }
        _ = try source.take(0x0a)
        let delimiter = CSVScanner.delimiter(ofHeader: line)
        var scanner = CSVScanner(delimiter: delimiter)
        var memory = ByteSource(memory: line)
        guard try scanner.readRow(&memory) == .row else { throw .wrongUse("the file has no header row") }
        return ((0..<scanner.fieldCount).map { scanner.text($0) }, delimiter)
    }

    /// Puts the next row into the scanner.
    private mutating func nextRow(_ source: inout ByteSource) throws(ImportError) -> CSVScanner.Outcome {
        guard let row = sample.popLast() else { return try scanner.readRow(&source) }
        scanner = row.scanner
        return row.outcome
    }

    /// Reads ahead and finds out whether dates give the month first or the day.
    private mutating func readSample(_ source: inout ByteSource) throws(ImportError) {
        var rows: [Row] = []
        var monthFirst = 0
        var dayFirst = 0
        var ambiguous = 0
        while rows.count < Self.sampleCountMax {
            let outcome = try scanner.readRow(&source)
            if outcome == .end { break }
            rows.append(Row(scanner: scanner, outcome: outcome))
            guard let column = plan.timestampColumns.first,
                let (first, second) = MomentText.ambiguousParts(scanner.bytes[scanner.field(column)])
            else { continue }
            ambiguous += 1
            if 13...31 ~= second, 1...12 ~= first { monthFirst += 1 }
            if 13...31 ~= first, 1...12 ~= second { dayFirst += 1 }
        }
        sample = rows.reversed()
        guard ambiguous > 0 else { return }
        guard (monthFirst == 0) != (dayFirst == 0) else {
            let names = plan.timestampColumns.map { plan.columns[$0].column }.joined(separator: "+")
            throw .wrongUse(
                "the dates may be month/day or day/month; say --map timestamp=\(names):mdy or --map timestamp=\(names):dmy"
            )
        }
        dateOrder = monthFirst > 0 ? .monthFirst : .dayFirst
    }

    private mutating func assemble(_ assembler: inout MessageAssembler) {
        guard setTimestamp(&assembler) else { return }
        if let column = plan.identColumn {
            let text = scanner.bytes[scanner.field(column)]
            if !text.isEmpty { set(identKey, text, &assembler) }
        }
        for (index, constant) in plan.constants.enumerated() {
            assembler.set(constantKeys[index], text: constant.text.utf8)
        }
        for (index, value) in plan.values.enumerated() {
            let text = scanner.bytes[scanner.field(value.column)]
            if !text.isEmpty { set(keys[index], text, value.reading, &assembler) }
        }
        assembler.finish()
    }

    /// Sets the message's moment; refuses the row where there is none.
    private mutating func setTimestamp(_ assembler: inout MessageAssembler) -> Bool {
        moment.removeAll(keepingCapacity: true)
        for column in plan.timestampColumns {
            if !moment.isEmpty { moment.append(0x20) }
            moment.append(contentsOf: scanner.bytes[scanner.field(column)])
        }
        guard !moment.isEmpty else {
            assembler.refuseMessage("timestamp", "is missing")
            return false
        }
        switch plan.timestampFormat {
        case .automatic, .epoch:
            if let number = NumberText.number(moment[...], decimalComma: decimalComma) {
                var perSecond = 1.0
                if case .epoch(let given) = plan.timestampFormat { perSecond = given }
                assembler.set(timestampKey, number: number / perSecond)
                return true
            }
            if plan.timestampFormat != .automatic { break }
            fallthrough
        case .iso, .date:
            if let found = MomentText.moment(moment[...], order: dateOrder, zone: zone) {
                assembler.set(timestamp: found)
                return true
            }
        }
        assembler.refuseMessage("timestamp", "'\(String(decoding: moment.prefix(40), as: UTF8.self))' is no date")
        return false
    }

    /// Sets a text, repaired where it is not UTF-8.
    private func set(_ key: Int, _ text: ArraySlice<UInt8>, _ assembler: inout MessageAssembler) {
        if text.allSatisfy({ $0 < 0x80 }) {
            assembler.set(key, text: text)
        } else {
            assembler.set(key, text: String(decoding: text, as: UTF8.self).utf8)
        }
    }

    private func set(
        _ key: Int, _ text: ArraySlice<UInt8>, _ reading: CSVPlan.Reading, _ assembler: inout MessageAssembler
    ) {
        if reading.conversion == .fix { return assembler.set(key, boolean: Self.isFix(text)) }
        if reading.type == .string { return set(key, text, &assembler) }
        if reading.type == .boolean {
            if let flag = Self.boolean(text) { assembler.set(key, boolean: flag) } else { set(key, text, &assembler) }
            return
        }
        let isNumber = reading.type == .number || reading.conversion != nil || !NumberText.hasLeadingZero(text)
        guard isNumber, let number = NumberText.number(text, decimalComma: decimalComma) else {
            if reading.conversion != nil { return assembler.refuse(key, "must be a number") }
            if let flag = Self.flag(text) { return assembler.set(key, boolean: flag) }
            return set(key, text, &assembler)
        }
        guard case .linear(let factor, let offset)? = reading.conversion else {
            return assembler.set(key, number: number)
        }
        // Six decimals: what a conversion adds beyond them is noise, and costs storage.
        let converted = number * factor + offset
        assembler.set(key, number: abs(converted) < 1e9 ? (converted * 1e6).rounded() / 1e6 : converted)
    }

    private static func flag(_ text: ArraySlice<UInt8>) -> Bool? {
        switch String(decoding: text.prefix(6), as: UTF8.self).lowercased() {
        case "true": true
        case "false": false
        default: nil
        }
    }

    private static func boolean(_ text: ArraySlice<UInt8>) -> Bool? {
        switch String(decoding: text.prefix(6), as: UTF8.self).lowercased() {
        case "yes", "on", "1", "1.0": true
        case "no", "off", "0", "0.0": false
        default: flag(text)
        }
    }

    private static func isFix(_ text: ArraySlice<UInt8>) -> Bool {
        if let number = NumberText.number(text) { return number >= 2 }
        return !["", "none", "no", "false", "invalid", "v"].contains(String(decoding: text, as: UTF8.self).lowercased())
    }
}
