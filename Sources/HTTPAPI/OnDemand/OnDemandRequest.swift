import PrimaryStore
import Telemetry

/// What a calculation on demand asks for: a range, and a definition or changes to a stored one.
struct OnDemandRequest: Sendable {
    /// Messages outside of it do not exist.
    let range: TimeRange
    /// The stored calculator that is meant.
    let calculator: CalculatorID?
    /// The fields of a definition that were given.
    let fields: [JSONValue.Member]

    /// Reads `data`, or the body; `takesCalculator` says whether it may name a stored calculator.
    init(_ call: Call, takesCalculator: Bool) throws(APIFailure) {
        var input = try call.dataFields()
        let from = input.moment("from") ?? .distantPast
        let to = input.moment("to").flatMap { $0.microseconds > 0 ? $0 : nil } ?? .distantFuture
        var id: Int64?
        if takesCalculator {
            id = input.integer("calc_id", 1...Int64.max >> 10) ?? input.integer("calculator_id", 1...Int64.max >> 10)
        }
        calculator = id.map { CalculatorID($0) }
        fields = CalculatorEntity.settable.compactMap { key in
            input.value(key).map { JSONValue.Member(key, $0) }
        }
        input.refuseUnknown("a calculation", readOnly: CalculatorEntity.readOnly)
        if from > to { input.fail("from", "is after to") }
        try input.check()
        // 0 says "no limit", as in the programs that always send both.
        range = TimeRange(inclusive: from.microseconds > 0 ? from : .distantPast, to)
    }
}
