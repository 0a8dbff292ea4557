import Evaluation
import ReferenceEvaluator
import Telemetry

extension Value {
    public init(_ value: RefValue) {
        self =
            switch value {
            case .null: .null
            case .boolean(let flag): .boolean(flag)
            case .number(let number): .number(number)
            case .string(let text): .string(text)
            case .json(let text): .json(text)
            }
    }
}

extension RefValue {
    public init(_ value: Value) {
        self =
            switch value {
            case .null: .null
            case .boolean(let flag): .boolean(flag)
            case .number(let number): .number(number)
            case .string(let text): .string(text)
            case .json(let text): .json(text)
            }
    }
}

extension RefInterval {
    public init(_ interval: Interval) {
        self.init(
            beginMicroseconds: interval.begin.microseconds, endMicroseconds: interval.end.microseconds,
            firstOnMicroseconds: interval.firstOn.microseconds, isActive: interval.isActive,
            counters: interval.counters.map { ($0.name, RefValue($0.value)) })
    }
}
