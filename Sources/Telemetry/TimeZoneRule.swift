/// The rule by which a zone goes on after the last transition of its file: `CET-1CEST,M3.5.0,M10.5.0/3`.
///
/// It is the `TZ` string of POSIX with the extensions of RFC 8536: times of day from -167 to 167 hours.
struct TimeZoneRule: Sendable, Hashable {
    var standard: LocalTimeType
    var saving: Saving?

    /// Daylight saving and the two days of the year on which it begins and ends.
    struct Saving: Sendable, Hashable {
        var type: LocalTimeType
        var begin: Change
        var end: Change
    }

    /// A time on a day of every year.
    struct Change: Sendable, Hashable {
        var day: Day
        /// Seconds after local midnight, by the clock before the change.
        var secondOfDay: Int
    }

    enum Day: Sendable, Hashable {
        /// 1 to 365; the 29th of February is never counted.
        case ordinary(Int)
        /// 0 to 365; the 29th of February counts.
        case counted(Int)
        /// The weekday (0 is Sunday) of a week of a month; week 5 is the last.
        case weekday(month: Int, week: Int, weekday: Int)
    }

    /// The period around a second, as if the rule had held for ever.
    func period(at second: Int) -> OffsetPeriod {
        guard let saving else {
            return OffsetPeriod(begin: OffsetPeriod.secondMin, end: OffsetPeriod.secondMax, type: standard)
        }
        // One year each way is enough but for rules that change twice in the first or the last days of a year.
        let near = period(at: second, saving, yearsAround: 1)
        let isWhole = near.begin > OffsetPeriod.secondMin && near.end < OffsetPeriod.secondMax
        return isWhole ? near : period(at: second, saving, yearsAround: 3)
    }

    /// Of changes at the same second the later one by year counts, so that saving all the year round has no holes.
    private func period(at second: Int, _ saving: Saving, yearsAround: Int) -> OffsetPeriod {
        let local = second + standard.secondsEastOfUTC
        let year = CivilTime.date(daysSinceEpoch: local.flooredQuotient(by: 86_400)).year
        var begin = OffsetPeriod.secondMin
        var end = OffsetPeriod.secondMax
        var isSaving = false
        func take(_ change: Int, toSaving: Bool) {
            if change > second {
                end = min(end, change)
            } else if change >= begin {
                begin = change
                isSaving = toSaving
            }
        }
        for year in year - yearsAround...year + yearsAround {
            take(saving.begin.localSecond(year: year) - standard.secondsEastOfUTC, toSaving: true)
            take(saving.end.localSecond(year: year) - saving.type.secondsEastOfUTC, toSaving: false)
        }
        return OffsetPeriod(begin: begin, end: end, type: isSaving ? saving.type : standard)
    }
}

extension TimeZoneRule.Change {
    /// Seconds from 1970-01-01T00:00:00 on the wall clock to the change of a year.
    func localSecond(year: Int) -> Int { daysSinceEpoch(year: year) * 86_400 + secondOfDay }

    private func daysSinceEpoch(year: Int) -> Int {
        switch day {
        case .counted(let index):
            return CivilTime.daysSinceEpoch(year: year, month: 1, day: 1) + index
        case .ordinary(let number):
            // From the first of March on, count from there: February has 28 days.
            return number <= 59
                ? CivilTime.daysSinceEpoch(year: year, month: 1, day: number)
                : CivilTime.daysSinceEpoch(year: year, month: 3, day: number - 59)
        case .weekday(let month, let week, let weekday):
            let first = CivilTime.daysSinceEpoch(year: year, month: month, day: 1)
            let next = CivilTime.daysSinceEpoch(year: year, month: month + 1, day: 1)
            let lead = (weekday - (first + 4)).flooredRemainder(by: 7)
            let found = first + lead + (week - 1) * 7
            return found < next ? found : found - 7
        }
    }
}

extension TimeZoneRule {
    /// The rule that a text spells; `nil` if it is not one.
    init?(_ text: some Collection<UInt8>) {
        var parser = TimeZoneRuleParser(rest: Array(text)[...])
        guard let rule = parser.rule(), parser.rest.isEmpty else { return nil }
        self = rule
    }
}

/// Reads a rule from its text, from left to right.
private struct TimeZoneRuleParser {
    var rest: ArraySlice<UInt8>

    mutating func rule() -> TimeZoneRule? {
        guard let name = abbreviation(), let west = duration(hoursMax: 24) else { return nil }
        let standard = LocalTimeType(secondsEastOfUTC: -west, isDaylightSaving: false, abbreviation: name)
        if rest.isEmpty { return TimeZoneRule(standard: standard, saving: nil) }
        guard let savingName = abbreviation() else { return nil }
        var east = standard.secondsEastOfUTC + 3600
        if let next = rest.first, next != UInt8(ascii: ",") {
            guard let west = duration(hoursMax: 24) else { return nil }
            east = -west
        }
        // Days that are not given are those of the United States, as the C library has it.
        if rest.isEmpty { rest = Array(",M3.2.0,M11.1.0".utf8)[...] }
        guard skip(","), let begin = change(), skip(","), let end = change() else { return nil }
        let type = LocalTimeType(secondsEastOfUTC: east, isDaylightSaving: true, abbreviation: savingName)
        return TimeZoneRule(standard: standard, saving: .init(type: type, begin: begin, end: end))
    }

    private mutating func change() -> TimeZoneRule.Change? {
        guard let day = day() else { return nil }
        guard skip("/") else { return .init(day: day, secondOfDay: 7200) }
        guard let time = duration(hoursMax: 167) else { return nil }
        return .init(day: day, secondOfDay: time)
    }

    private mutating func day() -> TimeZoneRule.Day? {
        if skip("M") {
            guard let month = number(1...12), skip("."), let week = number(1...5), skip("."),
                let weekday = number(0...6)
            else { return nil }
            return .weekday(month: month, week: week, weekday: weekday)
        }
        return skip("J") ? number(1...365).map { .ordinary($0) } : number(0...365).map { .counted($0) }
    }

    /// Letters, or anything printable between angle brackets.
    private mutating func abbreviation() -> String? {
        let isQuoted = skip("<")
        let bytes = rest.prefix { byte in
            let isLetter = (65...90).contains(byte & 0xDF)
            let isMore = (48...57).contains(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
            return isLetter || isQuoted && isMore
        }
        rest = rest.dropFirst(bytes.count)
        guard bytes.count >= 3, !isQuoted || skip(">") else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `[+-]h[:m[:s]]` in seconds.
    private mutating func duration(hoursMax: Int) -> Int? {
        let isNegative = skip("-")
        if !isNegative { _ = skip("+") }
        guard var seconds = number(0...hoursMax).map({ $0 * 3600 }) else { return nil }
        for unit in [60, 1] where skip(":") {
            guard let part = number(0...59) else { return nil }
            seconds += part * unit
        }
        return isNegative ? -seconds : seconds
    }

    private mutating func number(_ range: ClosedRange<Int>) -> Int? {
        let digits = rest.prefix { (48...57).contains($0) }
        guard (1...3).contains(digits.count) else { return nil }
        rest = rest.dropFirst(digits.count)
        let value = digits.reduce(0) { $0 * 10 + Int($1) - 48 }
        return range.contains(value) ? value : nil
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest = rest.dropFirst()
        return true
    }
}
