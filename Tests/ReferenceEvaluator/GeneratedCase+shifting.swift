extension GeneratedCase {
    private static let weekMicroseconds: Int64 = 604_800_000_000

    /// The same case some weeks later or earlier: every timestamp, every acceptance and the present moment.
    ///
    /// Intervals move along if `movesWithWeeks`.
    public func shifted(weeks: Int) -> GeneratedCase {
        let change = Int64(weeks) * Self.weekMicroseconds
        func moved(_ message: RefMessage) -> RefMessage {
            RefMessage(
                timestampMicroseconds: message.timestampMicroseconds + change,
                acceptanceMicroseconds: message.acceptanceMicroseconds + change, values: message.values)
        }
        var shifted = self
        shifted.messages = messages.map(moved)
        shifted.rawMessages = rawMessages.map(moved)
        shifted.nowMicroseconds += change
        return shifted
    }

    /// The same case with every calculator's clock in UTC.
    public var inUTC: GeneratedCase {
        var changed = self
        changed.timeZoneIdentifier = "UTC"
        changed.calculatorJSON = Self.withUTC(calculatorJSON)
        for index in sources.indices {
            changed.sources[index].timeZoneIdentifier = "UTC"
            changed.sources[index].json = Self.withUTC(sources[index].json)
        }
        return changed
    }

    private static func withUTC(_ json: String) -> String {
        guard case .object(var members)? = try? JSONTree(json) else { return json }
        for index in members.indices where members[index].key == "timezone" { members[index].value = .string("UTC") }
        return JSONTree.object(members).text
    }

    /// Whether the begin, end and first ON message of every interval move with `shifted(weeks:)`, in all calculators of
    /// a `wholeCase`.
    ///
    /// That is so in UTC where nothing reads a longer part of the calendar than the week, and stamps are whole seconds,
    /// of which differences are exact. Values of counters that show a moment change all the same.
    public var movesWithWeeks: Bool {
        let isWhole = messages.allSatisfy {
            $0.timestampMicroseconds % 1_000_000 == 0 && $0.acceptanceMicroseconds % 1_000_000 == 0
        }
        return isWhole
            && calculators.allSatisfy { calculator in
                let json = calculator.json.replacing("weekday(", with: "")
                return calculator.timeZoneIdentifier == "UTC"
                    && !["month", "year", "day("].contains { json.contains($0) }
            }
    }
}

extension RefInterval {
    /// The interval with its borders some weeks later or earlier; its counters stay.
    public func shifted(weeks: Int) -> RefInterval {
        let change = Int64(weeks) * 604_800_000_000
        return RefInterval(
            beginMicroseconds: beginMicroseconds + change, endMicroseconds: endMicroseconds + change,
            firstOnMicroseconds: firstOnMicroseconds + change, isActive: isActive, counters: counters)
    }
}
