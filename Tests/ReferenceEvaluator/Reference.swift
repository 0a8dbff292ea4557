import Foundation

/// A calculator evaluated the slow and plain way: row by row, over the whole history, everything anew each time.
///
/// It is what property tests compare the engine with. It knows expression (boolean, change), datetime and inactive
/// selectors, and parameter, expression, interval, datetime, active, route, message and specified counters.
public struct Reference {
    private let definition: CalculatorDefinition
    private let surroundings: Surroundings

    /// Reads a calculator. `timeZone` is the one its `timezone` names; `constants` are the parameters that each message
    /// of the device carries (`ident`, `device.id`, `device.name`); `metadata` is the device's, a JSON object.
    public init(
        calculatorJSON: String, timeZone: TimeZone, constants: [String: RefValue] = [:], metadataJSON: String = "{}"
    ) throws(ReferenceError) {
        definition = try CalculatorDefinition(calculatorJSON)
        surroundings = Surroundings(
            timeZone: timeZone, constants: constants, metadata: try JSONTree(metadataJSON),
            mileageOutlierSpeed: definition.mileageOutlierSpeed)
    }

    /// The intervals of a device's messages, which are in order, one for each timestamp.
    public func evaluate(_ messages: [RefMessage], nowMicroseconds: Int64) -> [RefInterval] {
        let stream = MessageStream(messages.filter(isInTime), surroundings)
            .validated(by: definition.validateMessage)
        let selectors = definition.selectors.map { SelectorRuns($0, stream, nowMicroseconds: nowMicroseconds) }
        let gaps = Gaps(selectors: selectors)
        let stretches = Stretch.intersections(selectors.map { $0.runs(gaps: gaps) })
        var kept: [RefInterval] = []
        var previous: [String: RefValue]?
        for stretch in stretches {
            let (first, last) = stretch.merged(selectors, gaps)
            let isActive = zip(selectors, stretch.runs).allSatisfy { $0.isActive($1) }
            let evaluation = CounterEvaluation(
                stream: MessageStream(Array(stream.messages[first...last]), surroundings), isActive: isActive,
                beginMicroseconds: stream.messages[first].timestampMicroseconds,
                endMicroseconds: stream.messages[last].timestampMicroseconds)
            let (counters, fields) = counters(evaluation, previous)
            guard isValid(fields, previous) else { continue }
            previous = fields
            kept.append(
                RefInterval(
                    beginMicroseconds: evaluation.beginMicroseconds, endMicroseconds: evaluation.endMicroseconds,
                    firstOnMicroseconds: stream.messages[stretch.first].timestampMicroseconds, isActive: isActive,
                    counters: counters))
        }
        return kept
    }

    /// Rule 1: a message older than `update_period` at its acceptance is invisible.
    private func isInTime(_ message: RefMessage) -> Bool {
        let period = definition.updatePeriodMicroseconds
        return period == 0 || message.timestampMicroseconds >= message.acceptanceMicroseconds - period
    }

    private func isValid(_ fields: [String: RefValue], _ previous: [String: RefValue]?) -> Bool {
        guard let expression = definition.validateInterval else { return true }
        return expression.isTrue(in: IntervalScope(surroundings: surroundings, fields: fields, previous: previous))
    }

    /// The counters in order, and all fields of the interval by name.
    private func counters(
        _ evaluation: CounterEvaluation, _ previous: [String: RefValue]?
    ) -> ([(String, RefValue)], [String: RefValue]) {
        let length = evaluation.endMicroseconds - evaluation.beginMicroseconds
        var fields: [String: RefValue] = [
            "begin": .number(Double(evaluation.beginMicroseconds) / 1e6),
            "end": .number(Double(evaluation.endMicroseconds) / 1e6), "duration": .number(Double(length) / 1e6),
        ]
        var counters: [(String, RefValue)] = []
        for counter in definition.counters {
            guard let value = evaluation.value(of: counter, fields: fields, previous: previous) else { continue }
            counters.append((counter.name, value))
            fields[counter.name] = value
        }
        return (counters, fields)
    }
}
