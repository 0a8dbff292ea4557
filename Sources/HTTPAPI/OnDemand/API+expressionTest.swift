import Calculators
import Expressions
import Telemetry
import TimeZones

extension API {
    /// Evaluates an expression over messages that come with the request: each sees the one before it.
    func testExpression(_ call: Call) async throws(APIFailure) -> Answer {
        let test = try ExpressionTest(call, limits: limits.onDemand, timeZones: timeZones)
        return Answer(result: try test.results())
    }
}

/// One expression and the messages it is tried on.
struct ExpressionTest: Sendable {
    private let expression: String
    private let messages: [JSONValue]
    private let environment: ExpressionEnvironment

    init(_ call: Call, limits: OnDemandLimits, timeZones: TimeZoneDatabase) throws(APIFailure) {
        var input = InputFields(try call.json())
        let expression = input.string("expression")
        let given = input.value("input")
        let zone = input.string("timezone") ?? "UTC"
        let metadata = input.value("metadata") ?? .object([])
        let geofences = Self.geofences(&input)
        input.refuseUnknown("a test of an expression")
        if expression == nil, input.problems.isEmpty { input.fail("expression", "is missing") }
        if metadata.members == nil { input.fail("metadata", "must be an object, not \(metadata.typeName)") }
        let items = given?.arrayValue
        let messages = items ?? [given ?? .object([])]
        for (index, message) in messages.prefix(limits.testMessagesMax).enumerated() where message.members == nil {
            let key = items == nil ? "input" : "input[\(index)]"
            input.fail(key, "must be an object, not \(message.typeName)")
        }
        try input.check()
        guard messages.count <= limits.testMessagesMax else {
            throw APIFailure(.tooLarge, "a test takes at most \(limits.testMessagesMax) messages", path: "input")
        }
        self.expression = expression ?? ""
        self.messages = messages
        do throws(TimeZoneError) {
            environment = ExpressionEnvironment(
                timeZone: try timeZones.table(zone), metadata: metadata, geofences: GeofenceSet(geofences))
        } catch { throw APIFailure(.badRequest, "timezone: \(error)", path: "timezone") }
    }

    private static func geofences(_ input: inout InputFields) -> [Geofence] {
        guard let value = input.value("geofences") else { return [] }
        guard let items = value.arrayValue, items.count <= GeofenceSelector.inlineMax else {
            input.fail("geofences", "must be an array of at most \(GeofenceSelector.inlineMax) geofences")
            return []
        }
        return items.enumerated().compactMap { index, item in
            do throws(GeofenceError) {
                return try Geofence(item, id: Int64(index + 1))
            } catch {
                input.fail("geofences[\(index)]\(error.path.isEmpty ? "" : ".")\(error.path)", error.reason)
                return nil
            }
        }
    }

    /// One item a message: code 0 with the result, or code 1 with the reason and its place.
    func results() throws(APIFailure) -> [JSONValue] {
        var layout = ColumnLayout()
        let program: Program
        do throws(ExpressionError) {
            program = try Program(expression, layout: &layout)
        } catch { throw APIFailure(error, in: "expression") }
        var memory = ProgramMemory(for: program)
        let column = program.evaluate(block(layout), memory: &memory, environment: environment)
        return messages.indices.map { Self.item($0, column, program) }
    }

    private func block(_ layout: ColumnLayout) -> ExpressionBlock {
        let moments = messages.map { Timestamp(seconds: $0["timestamp"]?.numberValue ?? 0).microseconds }
        let columns = layout.names.map { name in
            var column = ValueColumn()
            for message in messages { column.append(message[name]?.value) }
            return column
        }
        return ExpressionBlock(timestamps: moments, columns: columns)
    }

    private static func item(_ index: Int, _ column: ValueColumn, _ program: Program) -> JSONValue {
        let place = JSONValue.Member("index", JSONValue(index))
        if let problem = problem(index, column, program) {
            let error: JSONValue = .object([
                .init("column", JSONValue(problem.column)), .init("reason", .string(problem.reason)),
            ])
            return .object([.init("code", .number(1)), place, .init("error", error)])
        }
        let result = column[index].map { JSONValue($0) } ?? .null
        return .object([.init("code", .number(0)), place, .init("result", result)])
    }

    private static func problem(_ index: Int, _ column: ValueColumn, _ program: Program) -> ExpressionError? {
        if let problem = program.explain(column, row: index) { return problem }
        guard case .number(let number)? = column[index], !number.isFinite else { return nil }
        return ExpressionError(column: 1, reason: "the result is no finite number")
    }
}
