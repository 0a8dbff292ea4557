/// The stretches of the local calendar by which intervals are split.
public enum CalendarUnit: String, CaseIterable, Sendable {
    case hour, day, week, month, year
}

extension TimeZoneTable {
    /// One hour, day, week, month or year of local time.
    public struct Bucket: Sendable, Hashable {
        /// Different for every bucket of a unit, greater for a later one.
        public var label: Int64
        /// The first moment that is in another bucket; a moment after all others if there is none.
        public var until: Timestamp

        public init(label: Int64, until: Timestamp) {
            self.label = label
            self.until = until
        }
    }

    /// The bucket that a moment is in.
    ///
    /// Ask once for a run of messages and compare the others with `until`. Days, weeks (from Monday), months and
    /// years begin at local midnight: the first of two, and the first moment after a gap that swallows it. So they
    /// never come back when the clocks go back over midnight, and each is one bucket. An hour that the clocks repeat
    /// is two.
    public func bucket(_ unit: CalendarUnit, at moment: Timestamp) -> Bucket {
        let second = moment.wholeSeconds
        return unit == .hour ? hourBucket(at: second) : dateBucket(unit, at: second)
    }
}

// MARK: Days, weeks, months, years

extension TimeZoneTable {
    private func dateBucket(_ unit: CalendarUnit, at second: Int) -> Bucket {
        let latest = latestLocalSecond(at: second)
        let label = unit.index(day: latest.flooredQuotient(by: 86_400))
        let boundary = unit.firstDay(index: label + 1) * 86_400
        return Bucket(label: Int64(label), until: firstMoment(local: boundary, from: second))
    }

    /// The latest local time that the clocks have shown up to a second, that of the second itself included.
    ///
    /// It differs from the local time only while the clocks repeat something, so a short look back is enough.
    private func latestLocalSecond(at second: Int) -> Int {
        var period = period(at: second)
        var latest = second + period.type.secondsEastOfUTC
        while period.begin > second - 2 * LocalTimeType.offsetMagnitudeMax {
            period = self.period(at: period.begin - 1)
            latest = max(latest, period.end - 1 + period.type.secondsEastOfUTC)
        }
        return latest
    }

    /// The first moment, not before `second`, at which local time has reached `boundary`.
    private func firstMoment(local boundary: Int, from second: Int) -> Timestamp {
        var period = period(at: second)
        while true {
            let candidate = max(period.begin, boundary - period.type.secondsEastOfUTC)
            if candidate < period.end { return Timestamp(wholeSeconds: candidate) }
            if period.end >= OffsetPeriod.secondMax { return .never }
            period = self.period(at: period.end)
        }
    }
}

extension CalendarUnit {
    /// The number of the unit that a day, counted from 1970-01-01, is in.
    fileprivate func index(day: Int) -> Int {
        switch self {
        case .hour, .day: return day
        // 1970-01-01 was a Thursday.
        case .week: return (day + 3).flooredQuotient(by: 7)
        case .month:
            let date = CivilTime.date(daysSinceEpoch: day)
            return date.year * 12 + date.month - 1
        case .year: return CivilTime.date(daysSinceEpoch: day).year
        }
    }

    /// The first day of the unit with a number.
    fileprivate func firstDay(index: Int) -> Int {
        switch self {
        case .hour, .day: return index
        case .week: return index * 7 - 3
        case .month:
            let year = index.flooredQuotient(by: 12)
            return CivilTime.daysSinceEpoch(year: year, month: index - year * 12 + 1, day: 1)
        case .year: return CivilTime.daysSinceEpoch(year: index, month: 1, day: 1)
        }
    }
}

// MARK: Hours

extension TimeZoneTable {
    /// An hour of the local clock; wherever the clocks go back another one begins. Its label is its first second.
    private func hourBucket(at second: Int) -> Bucket {
        let period = period(at: second)
        let hour = (second + period.type.secondsEastOfUTC).flooredQuotient(by: 3600)
        return Bucket(
            label: Int64(hourBegin(hour, in: period)), until: Timestamp(wholeSeconds: hourEnd(hour, in: period)))
    }

    private func hourBegin(_ hour: Int, in last: OffsetPeriod) -> Int {
        var period = last
        while true {
            let begin = hour * 3600 - period.type.secondsEastOfUTC
            if begin >= period.begin || period.begin <= OffsetPeriod.secondMin { return begin }
            let before = self.period(at: period.begin - 1)
            let isSameHour = (before.end - 1 + before.type.secondsEastOfUTC).flooredQuotient(by: 3600) == hour
            let goesBack = period.type.secondsEastOfUTC < before.type.secondsEastOfUTC
            if goesBack || !isSameHour { return period.begin }
            period = before
        }
    }

    private func hourEnd(_ hour: Int, in first: OffsetPeriod) -> Int {
        var period = first
        while true {
            let end = (hour + 1) * 3600 - period.type.secondsEastOfUTC
            if end <= period.end { return end }
            let after = self.period(at: period.end)
            let isSameHour = (after.begin + after.type.secondsEastOfUTC).flooredQuotient(by: 3600) == hour
            let goesBack = after.type.secondsEastOfUTC < period.type.secondsEastOfUTC
            if goesBack || !isSameHour { return period.end }
            period = after
        }
    }
}
