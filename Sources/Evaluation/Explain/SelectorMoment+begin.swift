import Calculators
import Expressions
import Telemetry

/// Why a run begins.
extension SelectorMoment {
    func begin(_ cause: RunCause) -> ExplainedCause {
        switch cause {
        case .onNew: return novelty(.onNew)
        case .afterGap:
            let gap = before.lastSeen.map { moment - $0 } ?? 0
            return self.cause(
                .afterGap,
                "\(state), after \(gap.secondsText) without a message, over max_messages_time_diff of "
                    + options.maxMessagesTimeDiff.secondsText, seconds: gap, limit: options.maxMessagesTimeDiff)
        case .splitMaxActive:
            let span = moment - (before.run?.partFirst ?? moment)
            return self.cause(
                .splitMaxActive,
                "\(state); the part before would have lasted \(span.secondsText), over max_active of "
                    + options.maxActive.secondsText, seconds: span, limit: options.maxActive)
        case .silence: return silence(until: moment)
        case .late: return late
        case .on, .off, .maxInactive, .gap, .maxActive: return self.cause(.on, state, here)
        }
    }

    /// A silence that begins with the message before.
    private func silence(until moment: Int64) -> ExplainedCause {
        let span = moment - (before.lastSeen ?? moment)
        return cause(
            .silence,
            "the next message came after \(span.secondsText), over delay_threshold of \(threshold.secondsText)",
            seconds: span, limit: threshold)
    }

    private var late: ExplainedCause {
        guard case .inactive(_, let acceptance) = selector.kind, let accepted = row.columns[acceptance].numeric(0)
        else { return cause(.late, "the message came late") }
        let delay = Int64((accepted * 1e6).rounded()) - moment
        return cause(
            .late, "the message came \(delay.secondsText) late, over delay_threshold of \(threshold.secondsText)",
            seconds: delay, limit: threshold)
    }

    var threshold: Int64 { if case .inactive(let threshold, _) = selector.kind { threshold } else { 0 } }

    /// What makes a message the first of another run: it begins one, and ends the one before.
    func novelty(_ code: ExplainedCause.Code) -> ExplainedCause {
        switch selector.kind {
        case .change: return changed(code)
        case .datetime(let unit): return cause(code, bucketText(unit), here)
        case .geofence:
            let place = after.geofenceHere ?? ""
            guard let from = before.geofenceHere else { return cause(code, "inside the geofence '\(place)'", here) }
            return cause(code, "from the geofence '\(from)' into '\(place)'", [.init("old", .string(from))] + here)
        case .source(let source):
            return cause(code, "inside another interval of calculator \(source.calculator)", here)
        case .boolean, .inactive: return cause(code, state, here)
        }
    }

    private func changed(_ code: ExplainedCause.Code) -> ExplainedCause {
        let (old, new) = (before.lastValue?.finiteJSON, after.lastValue?.finiteJSON ?? .null)
        let values = [old.map { JSONValue.Member("old", $0) }, .init("new", new)].compactMap { $0 }
        guard let old else { return cause(code, "the first value is \(new.text)", values) }
        return cause(code, "the value changed from \(old.text) to \(new.text)", values)
    }

    private func bucketText(_ unit: CalendarUnit?) -> String {
        unit.map { "the \($0.rawValue) \(bucketName($0)) begins" } ?? state
    }
}

/// What the message is to the selector.
extension SelectorMoment {
    /// Its state in words.
    var state: String {
        switch selector.kind {
        case .boolean, .change: return expressionState
        case .datetime(let unit): return unit.map { "in the \($0.rawValue) \(bucketName($0))" } ?? "a message"
        case .geofence:
            if mark == .unknown { return "without a valid position" }
            return after.geofenceHere.map { "inside the geofence '\($0)'" } ?? "outside of all geofences"
        case .inactive: return mark == .on ? "a silence goes on" : "a message in time"
        case .source(let source):
            let isInside = (mark == .on) != options.invert
            return "\(isInside ? "inside" : "outside of") the intervals of calculator \(source.calculator)"
        }
    }

    private var expressionState: String {
        guard let whole = message.whole else { return mark == .on ? "the expression is on" : "the expression is off" }
        if let error = whole.error { return "the expression cannot be evaluated: \(error.reason)" }
        let value = whole.value?.finiteJSON ?? .null
        if case .change = selector.kind { return "the value is \(value.text)" }
        if mark == .unknown { return "the expression is null" }
        let suffix = options.invert ? ", and the selector is inverted" : ""
        return "the expression is \(value.text)\(suffix)"
    }

    /// The geofence, bucket, value or source interval that the message lies in.
    var here: [JSONValue.Member] {
        switch selector.kind {
        case .change: return after.lastValue.map { [.init("value", $0.finiteJSON)] } ?? []
        case .datetime(let unit): return unit.map { [.init("bucket", .string(bucketName($0)))] } ?? []
        case .geofence(let geofence):
            guard mark != .unknown, let name = after.geofenceHere else { return [] }
            let point = geofence.position.point(row, 0)
            let inside = point.flatMap {
                geofence.geofences(environment).first(latitude: $0.latitude, longitude: $0.longitude)
            }
            return [.init("geofence", .string(name))] + (inside == nil ? [.init("is_crossed", .boolean(true))] : [])
        case .source(let source): return sourceInterval(source)
        case .boolean, .inactive: return []
        }
    }

    private func sourceInterval(_ source: SourceReference) -> [JSONValue.Member] {
        let calculator = JSONValue.Member("calc_id", .number(Double(source.calculator.rawValue)))
        guard (mark == .on) != options.invert, case .number(let identity)? = after.lastValue,
            let interval = (sources[source.calculator] ?? []).first(where: {
                Double($0.firstOn.microseconds) == identity
            })
        else { return [calculator] }
        let borders: [JSONValue.Member] = [
            .init("begin", JSONValue(exactly: interval.begin)), .init("end", JSONValue(exactly: interval.end)),
        ]
        return [calculator, .init("source_interval", .object(borders))]
    }

    /// The hour, day, week, month or year of the message, by its local name.
    private func bucketName(_ unit: CalendarUnit) -> String {
        let pattern =
            switch unit {
            case .hour: "%Y-%m-%d %H:00"
            case .day: "%Y-%m-%d"
            case .week: "%G-W%V"
            case .month: "%Y-%m"
            case .year: "%Y"
            }
        return TimeFormat(pattern).text(Timestamp(microseconds: moment), in: environment.timeZone)
    }
}
