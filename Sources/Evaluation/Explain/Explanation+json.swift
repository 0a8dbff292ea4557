import Telemetry

extension ExplainedInterval {
    /// `began`, `ended` and `messages`, to stand beside the interval.
    public var members: [JSONValue.Member] {
        [.init("began", began.json), .init("ended", ended.json), .init("messages", messages.json)]
    }

    /// The same with the interval in front, as it is without `id` and `timestamp`.
    public var json: JSONValue { .object([.init("interval", .object(interval.fields))] + members) }
}

extension RefusedCandidate {
    /// `begin`, `end`, `duration`, why it was refused, and why it began and ended.
    public var json: JSONValue {
        .object([
            .init("begin", JSONValue(exactly: first)), .init("end", JSONValue(exactly: last)),
            .init("duration", JSONValue(seconds: last.microseconds - first.microseconds)),
            .init("is_final", .boolean(isFinal)), .init("reasons", .array(reasons.map(\.json))),
            .init("began", began.json), .init("ended", ended.json),
        ])
    }
}

extension Explanation {
    public var json: JSONValue {
        .object([
            .init("intervals", .array(intervals.map(\.json))), .init("refused", .array(refused.map(\.json))),
            .init("hidden", hidden.json), .init("is_cut", .boolean(isCut)),
        ])
    }
}

extension ExplainedBorder {
    /// `timestamp`, the code and the words of the first cause, all causes, the other selectors, and the merging.
    public var json: JSONValue {
        var members: [JSONValue.Member] = [.init("timestamp", JSONValue(exactly: moment))]
        if let first = causes.first {
            members += [.init("code", .string(first.code.rawValue)), .init("text", .string(first.text))]
        }
        members.append(.init("causes", .array(causes.map(\.json))))
        if !others.isEmpty { members.append(.init("others", .array(others.map(\.json)))) }
        if let merging { members.append(.init("merge", merging.json)) }
        return .object(members)
    }
}

extension ExplainedCause {
    public var json: JSONValue {
        var members: [JSONValue.Member] = [.init("code", .string(code.rawValue)), .init("text", .string(text))]
        if let selector { members.append(.init("selector", selector.json)) }
        members += details
        if let message { members.append(.init(message.moment == nil ? "fields" : "message", message.json)) }
        return .object(members)
    }
}

extension SelectorLabel {
    public var json: JSONValue {
        .object(
            [.init("index", .number(Double(index)))] + (name.isEmpty ? [] : [.init("name", .string(name))])
                + [.init("type", .string(type))])
    }
}

extension ExplainedMerging {
    public var json: JSONValue {
        var members: [JSONValue.Member] = [.init("code", .string(code.rawValue)), .init("text", .string(text))]
        if let moment { members.append(.init("timestamp", JSONValue(exactly: moment))) }
        return .object(members + details)
    }
}

extension ExplainedMessages {
    public var json: JSONValue {
        var members = [
            ("count", count), ("on", on), ("off_absorbed", off), ("unknown", unknown), ("unseen", unseen),
        ].map { JSONValue.Member($0.0, .number(Double($0.1))) }
        if !absorbed.isEmpty { members.append(.init("absorbed", .array(absorbed.map(\.json)))) }
        if hidden.count > 0 { members.append(.init("hidden", hidden.json)) }
        return .object(members)
    }
}

extension AbsorbedMessage {
    public var json: JSONValue {
        .object([
            .init("state", .string(isUnknown ? "unknown" : "off")), .init("selector", selector.json),
            .init("message", message.json),
        ])
    }
}

extension HiddenMessages {
    public var json: JSONValue {
        .object([
            .init("count", .number(Double(count))),
            .init("validate_message", .number(Double(byValidateMessage))),
            .init("update_period", .number(Double(byUpdatePeriod))),
            .init("first", .array(samples.map(\.json))),
        ])
    }
}

extension HiddenMessage {
    public var json: JSONValue {
        var members: [JSONValue.Member] = [.init("code", .string(cause.rawValue))]
        if let secondsLate { members.append(.init("seconds_late", .number(secondsLate))) }
        return .object(members + [.init("message", message.json)])
    }
}
