import Foundation

// DECISIONS where the rules leave a choice; "(never generated)" marks those that no random case depends on.
//
// Stream
//  1. A message that `update_period` hides is gone before `validate_message`: its `#x` does not see it (never
//     generated).
//  2. The zone given to `init` counts, not the text of `timezone`. Constants (`ident`, …) win over a message's own
//     values.
// Selectors
//  3. Rule 37 by the letter: a null result of `change` is UNKNOWN, although Q1 gives it an interval (never generated).
//  4. The last known value of `change`, bucket of `datetime` and geofence outlive UNKNOWN, OFF and gaps.
//  5. `invert` makes OFF of ON_NEW too; with `change` that means never ON (never generated).
//  6. A gap sets the state before to OFF whether or not a run is open.
//  7. `min_active`, `max_active` and `min_duration` compare with whole seconds exactly: span >= minimum stays, an ON
//     message at span > `max_active` begins a piece. Pieces but the last are closed; OFF messages between two pieces
//     belong to neither. `merge_message_after` extends a piece into the next one.
//  8. Absent `min_active`: a run whose first and last ON message are one is dropped, even if it is still open.
//  9. A merge is refused if the neighbours are further apart than any selector's `max_messages_time_diff`, or lie
//     within a gap between two messages that such a selector sees (they differ only with a selector's own
//     `validate_message`, never generated together).
// 10. Runs meet as ranges of the calculator's stream: an OFF message that one run absorbs may be the first of
//     another's, and then of the interval; `firstOn` is the first message of that overlap.
// 11. At an end where open and closed runs meet only the closed ones are asked for `merge_message_after`; where only
//     open ones lie, nothing is merged. A run that goes on beyond the border is not asked.
// 12. `inactive` (never generated): ON at both sides of a gap and in messages accepted later than the threshold, ON_NEW
//     where a gap begins that follows no gap; the last message begins one if `now` is beyond the threshold; active only
//     then. Absent `split`: one bucket.
// 13. Geofences: borders belong to them; equal priorities as listed; a polygon is plane in degrees; a corridor reaches
//     half its width to each side. `geofence()`, `geofences()` look at the assigned ones only and err without a valid
//     position. Another geofence than the last known one is ON_NEW even after OFF within `max_inactive` (never
//     generated). The counter `geofence` names the one at `firstOn` (never generated).
// Expressions
// 14. A numeric string has an optional sign, digits, a fraction, an exponent, and nothing else: no spaces, no hex.
// 15. A string beside a boolean under `==` is cast like one beside a number. JSON equals JSON by structure, never
//     anything else. `~` binds like `==` and errs unless both sides are strings. Wildcards count in `==`, `!=` and `~`,
//     by scalar and case. Order between a numeric and another string errs. (The first two and the precedence: never
//     generated.)
// 16. `%` has the sign of the dividend. Shifts by less than 0 or more than 63 err. Bitwise operands are cast like
//     numbers.
// 17. No error for NaN or infinity (sqrt(-1), log(0)): a counter that ends with one is absent (never generated).
// 18. `round` goes away from zero at halves. `min`, `max` take any number of arguments. `length`, `substring` count
//     unicode scalars from 0 and are clamped. Text functions err for what is no string, `json_array_contains` for what
//     is no array; its equality has no wildcards. `toboolean`, `isnull` and the like of an error are errors.
// 19. A JSON pointer or `json()` that finds nothing is an error, `metadata()` null. `metadata("a.b")` is the key `a.b`.
// 20. Over intervals `previous('x')` and `#x` are null also where the previous interval lacks x (never generated);
//     functions of messages, and `hour()` without argument, err.
// 21. `server.timestamp` is the stamp of acceptance. `hour()` and the like cut the fraction of a second off.
// Counters
// 22. `minimum`, `maximum`, `average`, `summary`, `difference` count numbers and booleans; strings, numeric too, and
//     JSON are passed over. `distinct` tells types apart, keeps the order of appearance and does not open arrays.
// 23. A null or an error of an interval counter, and a null of `specified`, leave the counter absent.
// 24. `duration` of a counter that sees no message is absent; null counts as false, not as an error.
// 25. `message`: missing fields and errors are left out, a present null is written; `extremum` overrides `method`,
//     takes numbers and booleans, and the first among equals; without `fields` it is unsupported; `aggregate` is
//     ignored.
// 26. `route` without a position is absent; it ignores `mileage_outlier_speed`. Points are rounded, halves away from
//     zero.
// 27. A valid position has latitude and longitude of type number; only `position.valid` exactly false makes it invalid.
//     `distance_to()` needs a valid position, an outlier is one. An outlier needs more than the speed, not as much.
// 28. `datetime` ignores `validate_message`, takes `begin` and `%c` by default, and the C locale.

/// A calculator evaluated the slow and plain way: row by row, over the whole history, everything anew each time.
///
/// It is what property tests compare the engine with. It knows expression (boolean, change), datetime,
/// geofence and inactive selectors, and parameter, expression, interval, datetime, active, geofence, route, message and
/// specified counters.
public struct Reference {
    private let definition: CalculatorDefinition
    private let surroundings: Surroundings

    /// Reads a calculator. `timeZone` is the one its `timezone` names; `constants` are the parameters that each message
    /// of the device carries (`ident`, `device.id`, `device.name`); `metadataJSON` is the device's metadata, an object;
    /// `geofencesJSON` is an array of the geofences assigned to the calculator.
    public init(
        calculatorJSON: String, timeZone: TimeZone, constants: [String: RefValue] = [:], metadataJSON: String = "{}",
        geofencesJSON: String = "[]"
    ) throws(ReferenceError) {
        definition = try CalculatorDefinition(calculatorJSON)
        surroundings = Surroundings(
            timeZone: timeZone, constants: constants, metadata: try JSONTree(metadataJSON),
            geofences: try Geofence.list(try JSONTree(geofencesJSON)),
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
                endMicroseconds: stream.messages[last].timestampMicroseconds,
                geofence: geofence(at: stream.messages[stretch.first], selectors))
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

    /// The geofence of the first geofence selector, or of those assigned, at a message.
    private func geofence(at message: RefMessage, _ selectors: [SelectorRuns]) -> Geofence? {
        let geofences = selectors.lazy.compactMap(\.geofences).first ?? surroundings.geofences
        return Position(message).flatMap { Geofence.containing($0, in: geofences).first }
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
