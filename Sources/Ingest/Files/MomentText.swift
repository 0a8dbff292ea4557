import Telemetry

/// In which order a date with slashes gives its parts.
enum DateOrder: Equatable {
    case monthFirst, dayFirst
}

/// How a column writes moments.
enum MomentFormat: Equatable {
    /// A number of seconds, or a date as it comes.
    case automatic
    /// A number that is divided by this to give seconds.
    case epoch(perSecond: Double)
    case iso
    case date(DateOrder)

    init?(_ name: String) {
        switch name {
        case "s": self = .epoch(perSecond: 1)
        case "ms": self = .epoch(perSecond: 1e3)
        case "us": self = .epoch(perSecond: 1e6)
        case "iso": self = .iso
        case "mdy": self = .date(.monthFirst)
        case "dmy": self = .date(.dayFirst)
        default: return nil
        }
    }
}

/// Reads dates and times of day.
struct MomentText {
    private let bytes: ArraySlice<UInt8>
    private var offset: Int

    private init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        offset = bytes.startIndex
    }

    /// The moment of a text such as `2021-03-29 11:13:45.5`, `2021-03-29T11:13:45+01:00`, `3/29/2021 11:13:45 PM`.
    ///
    /// A text that does not name its offset from UTC is local to the zone. Nil if it is no date; one with the year last
    /// needs the order of the others, except that points stand for the day first.
    static func moment(_ text: ArraySlice<UInt8>, order: DateOrder?, zone: TimeZoneTable) -> Timestamp? {
        var reader = MomentText(text)
        guard var civil = reader.date(order) else { return nil }
        guard !reader.isAtEnd else { return zone.moment(local: civil) }
        guard reader.skip("T") || reader.skip("t") || reader.skip(" ") || reader.skip(",") else { return nil }
        while reader.skip(" ") {}
        guard reader.time(&civil) else { return nil }
        while reader.skip(" ") {}
        if reader.isAtEnd { return zone.moment(local: civil) }
        guard let seconds = reader.offsetFromUTC(), reader.isAtEnd else { return nil }
        return TimeZoneTable.utc.moment(local: civil).advanced(bySeconds: -Double(seconds))
    }

    /// The first two numbers of a date with the year last; nil for other texts.
    static func ambiguousParts(_ text: ArraySlice<UInt8>) -> (Int, Int)? {
        var reader = MomentText(text)
        guard let first = reader.number(digitsMax: 2), reader.skip("/") || reader.skip("-"),
            let second = reader.number(digitsMax: 2), reader.skip("/") || reader.skip("-"),
            reader.number(digitsMax: 4) != nil
        else { return nil }
        return (first, second)
    }
}

extension MomentText {
    private var isAtEnd: Bool { offset == bytes.endIndex }

    private mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
        guard offset < bytes.endIndex, bytes[offset] == UInt8(ascii: scalar) else { return false }
        offset += 1
        return true
    }

    private mutating func number(digitsMax: Int) -> Int? {
        var value = 0
        let start = offset
        while offset < bytes.endIndex, offset - start < digitsMax, 0x30...0x39 ~= bytes[offset] {
            value = value * 10 + Int(bytes[offset] - 0x30)
            offset += 1
        }
        return offset > start ? value : nil
    }

    private mutating func date(_ order: DateOrder?) -> CivilTime? {
        let start = offset
        guard let first = number(digitsMax: 4) else { return nil }
        let isYearFirst = offset - start == 4
        let separators: [Unicode.Scalar] = ["-", "/", "."]
        guard let separator = separators.first(where: { skip($0) }), let second = number(digitsMax: 2), skip(separator),
            let third = number(digitsMax: isYearFirst ? 2 : 4)
        else { return nil }
        if isYearFirst { return valid(first, second, third) }
        switch separator == "." ? .dayFirst : order {
        case .monthFirst: return valid(third, first, second)
        case .dayFirst: return valid(third, second, first)
        case nil: return nil
        }
    }

    private func valid(_ year: Int, _ month: Int, _ day: Int) -> CivilTime? {
        guard 1...12 ~= month, 1...31 ~= day, year >= 1000 else { return nil }
        let civil = CivilTime(year: year, month: month, day: day)
        let back = CivilTime(TimeZoneTable.utc.moment(local: civil), in: .utc)
        return back.day == day ? civil : nil
    }

    /// `11:13`, `11:13:45.123`, `11:13:45 PM`.
    private mutating func time(_ civil: inout CivilTime) -> Bool {
        guard let hour = number(digitsMax: 2), hour < 24, skip(":"), let minute = number(digitsMax: 2), minute < 60
        else { return false }
        civil.hour = hour
        civil.minute = minute
        if skip(":") {
            guard let second = number(digitsMax: 2), second <= 60 else { return false }
            civil.second = second
            if skip(".") || skip(",") {
                guard let fraction = fraction() else { return false }
                civil.microsecond = fraction
            }
        }
        return halfOfDay(&civil)
    }

    private mutating func fraction() -> Int? {
        let start = offset
        guard var value = number(digitsMax: 6) else { return nil }
        for _ in offset - start..<6 { value *= 10 }
        while number(digitsMax: 9) != nil {}
        return value
    }

    private mutating func halfOfDay(_ civil: inout CivilTime) -> Bool {
        let before = offset
        while skip(" ") {}
        let isMorning = skip("A") || skip("a")
        guard isMorning || skip("P") || skip("p"), skip("M") || skip("m") else {
            offset = before
            return true
        }
        guard 1...12 ~= civil.hour else { return false }
        civil.hour = civil.hour % 12 + (isMorning ? 0 : 12)
        return true
    }

    /// `Z`, `UTC`, `+01:00`, `-0300`, `+01`.
    private mutating func offsetFromUTC() -> Int? {
        if skip("Z") || skip("z") { return 0 }
        if skip("U") { return skip("T") && skip("C") ? 0 : nil }
        let isWest = skip("-")
        guard isWest || skip("+"), let hours = number(digitsMax: 2), hours <= 18 else { return nil }
        _ = skip(":")
        let minutes = number(digitsMax: 2) ?? 0
        guard minutes < 60 else { return nil }
        return (hours * 3600 + minutes * 60) * (isWest ? -1 : 1)
    }
}
