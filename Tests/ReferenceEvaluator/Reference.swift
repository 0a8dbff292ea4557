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
// 12. `inactive`: ON at both sides of a gap and in messages accepted later than the threshold; ON_NEW where a gap
//     begins at a message that neither ends another gap nor was late. The last message begins a gap if `now` is beyond
//     the threshold, and only then the run is active.
// 13. Geofences: borders belong to them; equal priorities as listed; a polygon is plane in degrees; a corridor reaches
//     half its width to each side. `geofence()`, `geofences()` look at the assigned ones only and err without a valid
//     position. The counter `geofence` names what the first geofence selector found at `firstOn`; a message that this
//     selector does not see is judged by its own position, without a leg (never generated).
// 29. `crossing`: the leg is straight on the plane in degrees; it touches a polygon where it meets a side, a circle or
//     a corridor where it comes within the border of the center, of the path or of a point of the path, on a plane that
//     touches the globe there; and whatever contains one of its ends, so the leg that leaves a geofence touches it. (A
//     leg that only grazes a circle or the end of a corridor: never generated.) A gap between any two neighbours that
//     the selector sees forgets the position before.
// 30. `calc` selectors and counters see the kept intervals of the source in their final form, `active` ones as they are
//     at `now`. A missing source is refused here.
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
// 25. `message`: missing fields and errors are left out, a present null is written (never generated); `extremum`
//     overrides `method`, takes numbers and booleans, and the first among equals; without `fields` it is unsupported.
// 26. `route` without a position is absent; it ignores `mileage_outlier_speed`. Points are rounded, halves away from
//     zero.
// 27. A valid position has latitude and longitude of type number; only `position.valid` exactly false makes it invalid.
//     `distance_to()` needs a valid position, an outlier is one. An outlier needs more than the speed, not as much.
// 28. `datetime` ignores `validate_message`, takes `begin` and `%c` by default, and the C locale.
// 31. `aggregate_by_field`: keys are texts, numbers and booleans as `+` writes them; an array gives a group an element,
//     an object its `id`; null, an error, an object without `id` and an empty array give none (null: never generated).
//     Two equal elements of one array count twice (never generated). No group at all is absent for messages, `[]` for
//     source intervals (never generated). The key's own `aggregate` is ignored. A field without a value is left out.
// 32. Sums over groups and over source intervals run in the lanes of all sums, by index among the values that count
//     (generated only where every order gives the same, or as `near.`).
// 33. `calc` counters: objects show a null (never generated), leave out errors and what is absent; `aggregate` takes
//     neither nulls nor errors into account; the default is judged by the values that are left. Without `fields`, a
//     counter that no source interval has is left out.
// 34. `dataset` with `allow_unknown`: a message of which no field is known is `{}` (never generated). An infinite
//     number is unknown.
// 35. Variables: one that has no value yet hides the parameter all the same. `#x` in its own expression is its value
//     after the previous message that it sees, an error at the first. Its own `validate_message` reads the value
//     before. Names of stamps, constants and positions are never shadowed (never generated).
// 36. Accumulators: `reset_expression` reads the counters before the accumulator; an error is no reset. With both
//     resets either resets. It has a value in every interval.
// 37. `mileage_formula` counts for outliers too. Vincenty's formula that does not settle gives the haversine (never
//     generated).

/// A calculator evaluated the slow and plain way: row by row, over the whole history, everything anew each time.
///
/// It is what property tests compare the engine with. It knows the whole language. A calculator that reads the
/// intervals of others is evaluated with them, as a `ReferenceNest`.
public struct Reference {
    let definition: CalculatorDefinition
    private var surroundings: Surroundings

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
            mileageOutlierSpeed: definition.mileageOutlierSpeed, mileageFormula: definition.mileageFormula)
    }

    /// The intervals of a device's messages, which are in order, one for each timestamp.
    public func evaluate(_ messages: [RefMessage], nowMicroseconds: Int64) -> [RefInterval] {
        let stream = stream(messages)
        let selectors = definition.selectors.map { SelectorRuns($0, stream, nowMicroseconds: nowMicroseconds) }
        let gaps = Gaps(selectors: selectors)
        let stretches = Stretch.intersections(selectors.map { $0.runs(gaps: gaps) })
        var kept: [RefInterval] = []
        for stretch in stretches {
            let previous = kept.last?.fields
            let (first, last) = stretch.merged(selectors, gaps)
            let isActive = zip(selectors, stretch.runs).allSatisfy { $0.isActive($1) }
            var evaluation = CounterEvaluation(
                stream: stream.selecting(Array(first...last)), isActive: isActive,
                beginMicroseconds: stream.messages[first].timestampMicroseconds,
                endMicroseconds: stream.messages[last].timestampMicroseconds,
                geofence: geofence(at: stretch.first, stream, selectors), previous: previous)
            let interval = RefInterval(
                beginMicroseconds: evaluation.beginMicroseconds, endMicroseconds: evaluation.endMicroseconds,
                firstOnMicroseconds: stream.messages[stretch.first].timestampMicroseconds, isActive: isActive,
                counters: [])
            let counted = counted(interval, &evaluation)
            if isValid(counted.fields, previous) { kept.append(counted) }
        }
        return kept
    }

    private func stream(_ messages: [RefMessage]) -> MessageStream {
        MessageStream(messages.filter(isInTime), surroundings).validated(by: definition.validateMessage)
    }

    /// The timestamps of messages whose leg touches a geofence of a crossing selector just so, or misses it just so.
    func doubtfulCrossings(in messages: [RefMessage]) -> Set<Int64> {
        let stream = stream(messages)
        return definition.selectors.reduce(into: []) { times, selector in
            let view = stream.validated(by: selector.validateMessage)
            let places = SelectorRuns.doubtfulCrossings(selector, view)
            times.formUnion(places.map { view.messages[$0].timestampMicroseconds })
        }
    }

    /// The intervals on a device of which other calculators have found intervals before.
    func evaluate(
        _ messages: [RefMessage], nowMicroseconds: Int64, sources: [Int: SourceIntervals]
    ) -> [RefInterval] {
        var nested = self
        nested.surroundings.sources = sources
        guard let source = definition.messagesSource else {
            return nested.evaluate(messages, nowMicroseconds: nowMicroseconds)
        }
        let intervals = sources[source]?.intervals ?? []
        return nested.evaluate(Self.messages(intervals), nowMicroseconds: nowMicroseconds)
    }

    /// Closed intervals as messages; an end that is not later than the one before moves up behind it.
    private static func messages(_ intervals: [RefInterval]) -> [RefMessage] {
        var messages: [RefMessage] = []
        for interval in intervals where !interval.isActive {
            var time = interval.endMicroseconds
            if let last = messages.last { time = max(time, last.timestampMicroseconds + 1) }
            messages.append(
                RefMessage(timestampMicroseconds: time, acceptanceMicroseconds: time, values: interval.fields))
        }
        return messages
    }

    /// Rule 1: a message older than `update_period` at its acceptance is invisible.
    private func isInTime(_ message: RefMessage) -> Bool {
        let period = definition.updatePeriodMicroseconds
        return period == 0 || message.timestampMicroseconds >= message.acceptanceMicroseconds - period
    }

    /// What the first geofence selector finds at a place, or without one the first of the assigned geofences there.
    private func geofence(at place: Int, _ stream: MessageStream, _ selectors: [SelectorRuns]) -> Geofence? {
        if let selector = selectors.first(where: \.findsGeofences) { return selector.geofence(at: place) }
        return Position(stream.messages[place])
            .flatMap { Geofence.containing($0, in: surroundings.geofences).first }
    }

    private func isValid(_ fields: [String: RefValue], _ previous: [String: RefValue]?) -> Bool {
        guard let expression = definition.validateInterval else { return true }
        return expression.isTrue(in: IntervalScope(surroundings: surroundings, fields: fields, previous: previous))
    }

    /// The interval with its counters, each of which sees those before it.
    private func counted(_ interval: RefInterval, _ evaluation: inout CounterEvaluation) -> RefInterval {
        var interval = interval
        for counter in definition.counters {
            guard let value = evaluation.value(of: counter, fields: interval.fields) else { continue }
            interval.counters.append((counter.name, value))
        }
        return interval
    }
}
