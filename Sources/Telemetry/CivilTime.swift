/// What a calendar on the wall and a clock beside it show: a local date and time of day, without its zone.
///
/// The calendar is the Gregorian one for all of time. Fields may be out of range when a moment is asked for
/// (day 32, hour 24): they carry over into the next larger field.
public struct CivilTime: Hashable, Sendable {
    public var year: Int
    /// 1 to 12.
    public var month: Int
    /// 1 to 31.
    public var day: Int
    public var hour: Int
    public var minute: Int
    public var second: Int
    public var microsecond: Int

    public init(
        year: Int, month: Int = 1, day: Int = 1, hour: Int = 0, minute: Int = 0, second: Int = 0, microsecond: Int = 0
    ) {
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
        self.microsecond = microsecond
    }

    /// The local time of a moment in a zone.
    public init(_ moment: Timestamp, in zone: TimeZoneTable) {
        self.init(moment, secondsEastOfUTC: zone.offset(at: moment).secondsEastOfUTC)
    }

    /// The local time of a moment under an offset that the caller has looked up; it holds until `Offset.validUntil`.
    public init(_ moment: Timestamp, secondsEastOfUTC: Int) {
        let local = moment.wholeSeconds + secondsEastOfUTC
        let days = local.flooredQuotient(by: 86_400)
        let secondOfDay = local - days * 86_400
        let date = Self.date(daysSinceEpoch: days)
        self.init(
            year: date.year, month: date.month, day: date.day, hour: secondOfDay / 3600,
            minute: secondOfDay / 60 % 60, second: secondOfDay % 60, microsecond: moment.microsecondOfSecond)
    }

    /// Days from 1970-01-01 to this date.
    public var daysSinceEpoch: Int { Self.daysSinceEpoch(year: year, month: month, day: day) }

    /// 0 for Sunday to 6 for Saturday.
    public var weekday: Int { (daysSinceEpoch + 4).flooredRemainder(by: 7) }

    /// 1 for the first of January to 366.
    public var dayOfYear: Int { daysSinceEpoch - Self.daysSinceEpoch(year: year, month: 1, day: 1) + 1 }

    /// The week of ISO 8601, which begins on Monday and belongs to the year of its Thursday.
    public var isoWeek: (year: Int, week: Int) {
        let thursday = daysSinceEpoch + 3 - (weekday + 6) % 7
        let weekYear = Self.date(daysSinceEpoch: thursday).year
        return (weekYear, (thursday - Self.daysSinceEpoch(year: weekYear, month: 1, day: 1)) / 7 + 1)
    }

    /// Seconds from 1970-01-01T00:00:00 on the same wall clock.
    var secondsSinceEpoch: Int {
        let limit = -Self.fieldMagnitudeMax...Self.fieldMagnitudeMax
        return daysSinceEpoch * 86_400 + hour.clamped(to: limit) * 3600 + minute.clamped(to: limit) * 60
            + second.clamped(to: limit)
    }
}

extension CivilTime {
    /// Fields beyond this are cut, so that no input overflows.
    static let fieldMagnitudeMax = 1_000_000_000
    /// Years beyond this hold no timestamp.
    static let yearMagnitudeMax = 300_000

    /// Days from 1970-01-01 to a date; the month may be any number, the day too.
    ///
    /// Years are counted from March, so that the leap day is the last of its year.
    static func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int {
        let limit = -fieldMagnitudeMax...fieldMagnitudeMax
        let monthIndex = month.clamped(to: limit) - 1
        let anyYear = year.clamped(to: limit) + monthIndex.flooredQuotient(by: 12)
        let ordinaryMonth = monthIndex.flooredRemainder(by: 12) + 1
        let marchYear = anyYear.clamped(to: -yearMagnitudeMax...yearMagnitudeMax) - (ordinaryMonth <= 2 ? 1 : 0)
        let era = marchYear.flooredQuotient(by: 400)
        let yearOfEra = marchYear - era * 400
        let dayOfMarchYear = (153 * ((ordinaryMonth + 9) % 12) + 2) / 5
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfMarchYear
        return era * 146_097 + dayOfEra - 719_468 + day.clamped(to: limit) - 1
    }

    /// The date that lies some days after 1970-01-01.
    static func date(daysSinceEpoch days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted.flooredQuotient(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfMarchYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfMarchYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let day = dayOfMarchYear - (153 * marchMonth + 2) / 5 + 1
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
    }
}

extension Int {
    /// The quotient rounded down, whatever the sign.
    func flooredQuotient(by divisor: Int) -> Int {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }

    /// What is left by `flooredQuotient`: 0 up to the divisor.
    func flooredRemainder(by divisor: Int) -> Int {
        let remainder = self % divisor
        return remainder < 0 ? remainder + divisor : remainder
    }

    func clamped(to limits: ClosedRange<Int>) -> Int {
        Swift.min(Swift.max(self, limits.lowerBound), limits.upperBound)
    }
}

extension Timestamp {
    /// After every moment that a table tells apart.
    static let never = Timestamp(microseconds: .max)

    /// A moment in whole seconds; what a timestamp cannot hold becomes the nearest that it can.
    init(wholeSeconds seconds: Int) {
        let (scaled, overflow) = Int64(seconds).multipliedReportingOverflow(by: 1_000_000)
        self.init(microseconds: overflow ? (seconds < 0 ? .min : .max) : scaled)
    }

    /// Seconds since the epoch, rounded down.
    var wholeSeconds: Int { Int(microseconds).flooredQuotient(by: 1_000_000) }

    /// The rest that `wholeSeconds` leaves.
    var microsecondOfSecond: Int { Int(microseconds).flooredRemainder(by: 1_000_000) }
}
