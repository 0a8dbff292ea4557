import SeededRandom

extension WholeGenerator {
    /// One to three selectors; one reads the intervals of `source` if there is one.
    ///
    /// Those of a mirror mostly give many intervals, since they stand for messages.
    mutating func selectors(_ source: Int?, isFed: Bool, isMirror: Bool) -> [JSONTree] {
        if source == nil, isFed || isMirror, random.chance(60) { return [frequentSelector()] }
        let count = random.pick([1, 1, 1, 1, 1, 1, 1, 2, 2, 3])
        var selectors: [JSONTree] = []
        if let source { selectors.append(sourceSelector(source)) }
        while selectors.count < count { selectors.append(selector(isFed: isFed, isFirst: selectors.isEmpty)) }
        return selectors.count > 1 && random.chance(50) ? selectors.reversed() : selectors
    }

    private mutating func selector(isFed: Bool, isFirst: Bool) -> JSONTree {
        switch random.integer(0...99) {
        case 0..<36: return booleanSelector()
        case 36..<54: return changeSelector()
        case 54..<74: return datetimeSelector(isFed: isFed)
        case 74..<90: return geofenceSelector(isFed: isFed)
        default: return isFirst ? inactiveSelector() : random.chance(30) ? inactiveSelector() : booleanSelector()
        }
    }

    private mutating func frequentSelector() -> JSONTree {
        let isChange = random.chance(40)
        var members = [
            member("type", .string("expression")), member("method", .string(isChange ? "change" : "boolean")),
            member("expression", .string(isChange ? changing() : random.pick(Self.lively))),
        ]
        if !isChange || random.chance(20) { members.append(member("min_active", .number(0))) }
        if random.chance(20) { members.append(member("max_active", seconds(2...12))) }
        return .object(members + merges())
    }

    private mutating func booleanSelector() -> JSONTree {
        var members = [member("type", .string("expression"))]
        if random.chance(40) { members.append(member("method", .string("boolean"))) }
        let text = random.chance(60) ? random.pick(Self.lively) : truth()
        members.append(member("expression", .string(text)))
        if random.chance(14) { members.append(member("invert", .boolean(true))) }
        return .object(members + named() + messageOptions() + merges() + limits(dropsSingles: true))
    }

    /// Never inverted, and never of null.
    private mutating func changeSelector() -> JSONTree {
        let members = [
            member("type", .string("expression")), member("method", .string("change")),
            member("expression", .string(changing())),
        ]
        return .object(members + named() + messageOptions() + merges() + limits(dropsSingles: false))
    }

    private mutating func datetimeSelector(isFed: Bool) -> JSONTree {
        let splits =
            switch isFed ? pace : stepSeconds {
            case ...60: ["hour", "hour", "hour", "day"]
            case ...600: ["hour", "hour", "day", "week"]
            case ...3_600: ["hour", "day", "day", "week", "month", "year"]
            default: ["day", "week", "month", "month", "year", "year"]
            }
        var members = [member("type", .string("datetime"))]
        if random.chance(94) { members.append(member("split", .string(random.pick(splits)))) }
        members += named() + messageOptions()
        for key in ["merge_message_before", "merge_message_after"] where random.chance(45) {
            members.append(member(key, .boolean(true)))
        }
        return .object(members)
    }

    private mutating func geofenceSelector(isFed: Bool) -> JSONTree {
        var members = [member("type", .string("geofence"))]
        if assigned.isEmpty || random.chance(45) {
            members.append(member("geofences", .array(geofences(random.integer(1...4), areAssigned: false))))
        } else if random.chance(20) {
            members.append(member("geofences", .array([])))
        }
        if !isFed, random.chance(45) { members.append(member("crossing", .boolean(true))) }
        if random.chance(22) { members.append(member("invert", .boolean(true))) }
        return .object(members + named() + messageOptions() + merges() + limits(dropsSingles: true))
    }

    private mutating func inactiveSelector() -> JSONTree {
        let threshold = Double(random.integer(1...5) * pace) + random.pick([0.0, 0, 1, 0.5])
        return .object(
            [
                member("type", .string("inactive")),
                member("delay_threshold", .number(isWhole ? Double(pace * 2) : threshold)),
            ] + named())
    }

    private mutating func sourceSelector(_ source: Int) -> JSONTree {
        let (kind, key) = random.pick([("calc", "calc_id"), ("calc", "calc_id"), ("calculator", "calculator_id")])
        var members = [member("type", .string(kind)), member(key, .number(Double(source + 1)))]
        if random.chance(40) { members.append(member("validate_interval", .string(sourceTruth(made[source])))) }
        if random.chance(25) { members.append(member("invert", .boolean(true))) }
        if random.chance(25) { members.append(member("max_messages_time_diff", seconds(4...15))) }
        return .object(members + limits(dropsSingles: true))
    }

    private mutating func named() -> [JSONTree.Member] {
        random.chance(12) ? [member("name", .string("selector \(random.integer(1...9))"))] : []
    }

    /// Either a validation or a limit for gaps: what both together mean to merges is open.
    private mutating func messageOptions() -> [JSONTree.Member] {
        if random.chance(32) { return [member("max_messages_time_diff", seconds(2...15))] }
        return random.chance(20) ? [member("validate_message", .string(truth(depth: 1)))] : []
    }

    private mutating func merges() -> [JSONTree.Member] {
        ["merge_message_before", "merge_message_after", "merge_unknown"].compactMap { key in
            random.chance(42) ? member(key, .boolean(true)) : nil
        }
    }

    private mutating func limits(dropsSingles: Bool) -> [JSONTree.Member] {
        var members: [JSONTree.Member] = []
        if random.chance(32) { members.append(member("max_inactive", seconds(1...6))) }
        if random.chance(dropsSingles ? 68 : 20) {
            members.append(member("min_active", random.chance(80) ? .number(0) : seconds(1...2)))
        }
        if random.chance(18) { members.append(member("max_active", seconds(2...12))) }
        if random.chance(14) { members.append(member("min_duration", seconds(1...3))) }
        return members
    }
}
