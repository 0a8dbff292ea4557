/// The offsets of one time zone from UTC over all of time.
///
/// A table is made from the bytes of a compiled zone file, which someone outside the core has read. Lookups are a
/// binary search; moments after the last transition of the file follow its rule, without a limit of years.
public struct TimeZoneTable: Sendable, Hashable {
    /// The name by which the table was asked for, such as `Africa/Nairobi`.
    public var name: String
    /// The moments, in seconds, at which the offset changes, ascending; `typeIndices` tells to what.
    let transitions: [Int]
    let typeIndices: [UInt8]
    let types: [LocalTimeType]
    /// What holds before the first transition.
    let firstType: LocalTimeType
    /// What holds from the last transition on; without it the last type stays.
    let rule: TimeZoneRule?

    public static let utc = TimeZoneTable(
        name: "UTC", types: [LocalTimeType(secondsEastOfUTC: 0, isDaylightSaving: false, abbreviation: "UTC")],
        firstType: LocalTimeType(secondsEastOfUTC: 0, isDaylightSaving: false, abbreviation: "UTC"))

    init(
        name: String, transitions: [Int] = [], typeIndices: [UInt8] = [], types: [LocalTimeType],
        firstType: LocalTimeType, rule: TimeZoneRule? = nil
    ) {
        self.name = name
        self.transitions = transitions
        self.typeIndices = typeIndices
        self.types = types
        self.firstType = firstType
        self.rule = rule
    }

    /// How local time stands to UTC at one moment, and how long that holds.
    public struct Offset: Sendable, Hashable {
        public var secondsEastOfUTC: Int
        public var abbreviation: String
        public var isDaylightSaving: Bool
        /// The first moment at which to ask again; a moment after all others if this offset holds for ever.
        public var validUntil: Timestamp
    }

    /// The offset at a moment; before the first transition it is that of the zone's first standard time.
    public func offset(at moment: Timestamp) -> Offset {
        let period = period(at: moment.wholeSeconds)
        return Offset(
            secondsEastOfUTC: period.type.secondsEastOfUTC, abbreviation: period.type.abbreviation,
            isDaylightSaving: period.type.isDaylightSaving, validUntil: Timestamp(wholeSeconds: period.end))
    }

    /// The moment at which the clocks of this zone show a local time.
    ///
    /// Of a local time that comes twice it is the earlier moment. A local time that the clocks skip is moved forward
    /// by as much as they skip: 02:30 becomes 03:30.
    public func moment(local: CivilTime) -> Timestamp {
        let carried = local.microsecond.clamped(to: -CivilTime.fieldMagnitudeMax...CivilTime.fieldMagnitudeMax)
        let seconds = second(local: local.secondsSinceEpoch + carried.flooredQuotient(by: 1_000_000))
        let whole = Timestamp(wholeSeconds: seconds).microseconds
        let (sum, overflow) = whole.addingReportingOverflow(Int64(carried.flooredRemainder(by: 1_000_000)))
        return Timestamp(microseconds: overflow ? .max : sum)
    }

    /// The second at which local time is `local`: the first period in which it occurs, otherwise the gap it falls into.
    private func second(local: Int) -> Int {
        var period = period(at: local - LocalTimeType.offsetMagnitudeMax)
        var afterGap: Int?
        while true {
            let candidate = local - period.type.secondsEastOfUTC
            if candidate < period.begin { return afterGap ?? period.begin }
            if candidate < period.end { return candidate }
            afterGap = candidate
            period = self.period(at: period.end)
        }
    }
}

/// One kind of local time of a zone: standard time, summer time, war time.
struct LocalTimeType: Sendable, Hashable {
    /// No zone is further from UTC than this; a file that says so is refused.
    static let offsetMagnitudeMax = 26 * 3600

    var secondsEastOfUTC: Int
    var isDaylightSaving: Bool
    var abbreviation: String
}

/// A stretch of time with one offset: `begin` belongs to it, `end` does not; both in seconds.
struct OffsetPeriod {
    static let secondMin = -1 << 60
    static let secondMax = 1 << 60

    var begin: Int
    var end: Int
    var type: LocalTimeType
}

extension TimeZoneTable {
    /// The period around a second.
    func period(at second: Int) -> OffsetPeriod {
        let count = transitionCount(notAfter: second)
        if count == transitions.count {
            let begin = transitions.last ?? OffsetPeriod.secondMin
            if var period = rule?.period(at: second) {
                period.begin = max(period.begin, begin)
                return period
            }
            return OffsetPeriod(begin: begin, end: OffsetPeriod.secondMax, type: type(after: count))
        }
        let begin = count == 0 ? OffsetPeriod.secondMin : transitions[count - 1]
        return OffsetPeriod(begin: begin, end: transitions[count], type: type(after: count))
    }

    /// The type that holds once `count` transitions have passed.
    private func type(after count: Int) -> LocalTimeType {
        count == 0 ? firstType : types[Int(typeIndices[count - 1])]
    }

    private func transitionCount(notAfter second: Int) -> Int {
        var lower = 0
        var upper = transitions.count
        while lower < upper {
            let middle = (lower + upper) / 2
            if transitions[middle] <= second { lower = middle + 1 } else { upper = middle }
        }
        return lower
    }
}

/// Why there is no table for a zone.
public enum TimeZoneError: Error, Hashable, Sendable {
    /// The bytes are not a zone file.
    case malformed(name: String, reason: String)
    /// The name is not one that would be looked for.
    case refused(name: String, reason: String)
    /// There is no such zone; `nearest` is the known name that looks most like it.
    case unknown(name: String, nearest: String?)
}

extension TimeZoneError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .malformed(let name, let reason): "the table of time zone \"\(name)\" cannot be read: \(reason)"
        case .refused(let name, let reason): "\"\(name)\" is not a name of a time zone: \(reason)"
        case .unknown(let name, nil): "unknown time zone \"\(name)\""
        case .unknown(let name, .some(let nearest)): "unknown time zone \"\(name)\"; did you mean \"\(nearest)\"?"
        }
    }
}
