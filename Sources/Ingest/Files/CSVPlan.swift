import Telemetry

/// What each column of a CSV file becomes: the header, the user's mappings and well-known names brought together.
struct CSVPlan {
    /// How the text of a column becomes a value.
    struct Reading: Equatable {
        var type: ParameterDictionary.ValueType?
        var conversion: Conversion?

        enum Conversion: Equatable {
            case linear(factor: Double, offset: Double)
            /// The kind of a fix: 2 and more, `2d`, `3d` are valid positions.
            case fix
        }
    }

    struct Value {
        var column: Int
        var parameter: String
        var reading: Reading
    }

    private(set) var values: [Value] = []
    private(set) var constants: [(parameter: String, text: String)] = []
    private(set) var timestampColumns: [Int] = []
    private(set) var timestampFormat = MomentFormat.automatic
    private(set) var identColumn: Int?
    private(set) var columns: [ImportedColumn]

    private let header: [String]
    private var taken: Set<String> = []

    init(header: [String], options: ImportOptions) throws(ImportError) {
        self.header = header
        columns = header.map { ImportedColumn(column: $0, parameter: nil) }
        for mapping in options.mappings { try add(mapping) }
        let explicit = Set(columns.indices.filter { columns[$0].parameter != nil })
        for index in header.indices where !explicit.contains(index) { try addByName(index, options) }
        joinDateAndTime(explicit)
        guard !timestampColumns.isEmpty else {
            throw .wrongUse(
                "no column looks like a timestamp; name it with --map timestamp=COLUMN (columns: \(columnList))")
        }
    }
}

extension CSVPlan {
    private var columnList: String { header.joined(separator: ", ") }

    private mutating func add(_ mapping: ColumnMapping) throws(ImportError) {
        guard taken.insert(mapping.field).inserted else { throw .wrongUse("\(mapping.field) is mapped twice") }
        switch mapping.source {
        case .constant(let text):
            guard mapping.field != "timestamp" else { throw .wrongUse("a timestamp cannot be a constant") }
            constants.append((mapping.field, text))
        case .column(let text):
            let (found, unit) = try resolve(text)
            if mapping.field != "timestamp", found.count > 1 {
                throw .wrongUse("\(mapping.field): only a timestamp is joined of several columns")
            }
            try add(found, as: mapping.field, unit: unit)
        }
    }

    /// The columns that a mapping names, and what it says of their unit.
    private func resolve(_ text: String) throws(ImportError) -> (columns: [Int], unit: String?) {
        if let found = indices(text) { return (found, nil) }
        if let colon = text.lastIndex(of: ":"), let found = indices(String(text[..<colon])) {
            return (found, String(text[text.index(after: colon)...]))
        }
        throw .wrongUse("there is no column '\(text)' (columns: \(columnList))")
    }

    private func indices(_ text: String) -> [Int]? {
        if let index = index(text) { return [index] }
        let parts = text.split(separator: "+").map { index(String($0)) }
        return parts.count > 1 && !parts.contains(nil) ? parts.compactMap { $0 } : nil
    }

    private func index(_ name: String) -> Int? {
        header.firstIndex(of: name) ?? header.firstIndex { $0.lowercased() == name.lowercased() }
    }

    private mutating func add(_ found: [Int], as parameter: String, unit: String?) throws(ImportError) {
        for index in found { columns[index].parameter = parameter }
        switch parameter {
        case "timestamp":
            timestampColumns = found
            if let unit {
                guard let format = MomentFormat(unit) else {
                    throw .wrongUse("timestamp: '\(unit)' is no format; there are s, ms, us, iso, mdy and dmy")
                }
                timestampFormat = format
            }
        case "ident": identColumn = found.first
        default:
            guard let column = found.first else { return }
            values.append(Value(column: column, parameter: parameter, reading: try reading(parameter, unit)))
        }
    }

    private func reading(_ parameter: String, _ unit: String?) throws(ImportError) -> Reading {
        var reading = Reading(type: ParameterDictionary.entries[parameter]?.type)
        guard let unit else { return reading }
        if unit == "fix" {
            reading.conversion = .fix
        } else if unit.hasPrefix("x"), let factor = Double(unit.dropFirst()), factor.isFinite {
            reading.conversion = .linear(factor: factor, offset: 0)
        } else if let named = ParameterUnit(unit) {
            let (factor, offset) = try named.conversion(to: parameter)
            reading.conversion = .linear(factor: factor, offset: offset)
        } else {
            let names = ParameterUnit.names.joined(separator: ", ")
            throw .wrongUse("\(parameter): unknown unit '\(unit)'; there are \(names)")
        }
        return reading
    }

    /// Maps a column by its own name: a well-known one, or a dotted one, which is a parameter's already.
    private mutating func addByName(_ index: Int, _ options: ImportOptions) throws(ImportError) {
        let name = header[index]
        let known = WellKnownColumn(name)
        guard let parameter = known?.parameter ?? (name.contains(".") ? name : nil) else { return }
        if parameter == "ident", options.ident != nil { return }
        guard taken.insert(parameter).inserted else { return }
        try add([index], as: parameter, unit: known?.unit)
    }

    /// `Date` and `Time` beside one another are one timestamp.
    private mutating func joinDateAndTime(_ explicit: Set<Int>) {
        let isTimeOnly = timestampColumns.count == 1 && header[timestampColumns[0]].lowercased() == "time"
        guard timestampColumns.isEmpty || isTimeOnly, !timestampColumns.contains(where: explicit.contains),
            let date = index("date"), columns[date].parameter == nil
        else { return }
        timestampColumns.insert(date, at: 0)
        columns[date].parameter = "timestamp"
    }
}
