import Expressions
import Telemetry
import Testing

/// An expression with messages to try it on; nil stands for an error.
struct Trial {
    let program: Program
    let block: ExpressionBlock
    let environment: ExpressionEnvironment

    /// Messages are a JSON array of objects; one without a timestamp comes a second after the one before.
    init(
        _ source: String, _ messages: String = "[{}]", metadata: String = "{}", outlierSpeed: Double = 0,
        scope: ExpressionScope = .messages, variables: Set<String> = [], geofences: String = "[]",
        formula: MileageFormula = .haversine
    ) throws {
        try self.init(
            source, JSONValue(parsing: messages).arrayValue ?? [], metadata: JSONValue(parsing: metadata),
            outlierSpeed: outlierSpeed, scope: scope, variables: variables,
            geofences: GeofenceSet((JSONValue(parsing: geofences).arrayValue ?? []).map { try Geofence($0) }),
            formula: formula)
    }

    init(
        _ source: String, _ messages: [JSONValue], metadata: JSONValue = .object([]), outlierSpeed: Double = 0,
        scope: ExpressionScope = .messages, variables: Set<String> = [], geofences: GeofenceSet = .empty,
        formula: MileageFormula = .haversine
    ) throws {
        var layout = ColumnLayout()
        program = try Program(source, scope: scope, variables: variables, layout: &layout)
        var timestamps: [Int64] = []
        for message in messages {
            let given = message["timestamp"]?.numberValue.map { Timestamp(seconds: $0).microseconds }
            timestamps.append(given ?? (timestamps.last ?? -1_000_000) + 1_000_000)
        }
        let columns = layout.names.map { name in
            var column = ValueColumn()
            for (row, message) in messages.enumerated() {
                let isOwn = name == "timestamp" && message[name] == nil && scope == .messages
                column.append(isOwn ? .number(Double(timestamps[row]) / 1e6) : message[name]?.value)
            }
            return column
        }
        block = ExpressionBlock(timestamps: timestamps, columns: columns)
        environment = ExpressionEnvironment(
            metadata: metadata, mileageOutlierSpeed: outlierSpeed, mileageFormula: formula, geofences: geofences)
    }

    /// The column of results over all messages at once.
    var column: ValueColumn {
        var memory = ProgramMemory(for: program)
        return program.evaluate(block, memory: &memory, environment: environment)
    }

    var results: [Value?] { (0..<block.count).map { column[$0] } }

    /// The results one message at a time, the memory saved and read again between any two.
    func resultsApart() throws -> [Value?] {
        var memory = ProgramMemory(for: program)
        var results: [Value?] = []
        for row in 0..<block.count {
            results.append(program.evaluate(block, rows: row..<row + 1, memory: &memory, environment: environment)[0])
            var writer = ByteWriter()
            memory.write(to: &writer)
            var reader = ByteReader(writer.bytes)
            let restored = try ProgramMemory(for: program, from: &reader)
            try #require(restored == memory && reader.isAtEnd)
            memory = restored
        }
        return results
    }

    /// The one result over the one message `{}`.
    static func value(_ source: String) throws -> Value? { try Trial(source).results[0] }

    /// Results as a test writes them: a JSON array in which `"!"` stands for an error.
    static func expected(_ text: String) throws -> [Value?] {
        (try JSONValue(parsing: text).arrayValue ?? []).map { $0 == .string("!") ? nil : $0.value }
    }
}
