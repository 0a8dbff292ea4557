import ArgumentParser
import Telemetry

/// A moment on the command line: seconds since 1970, or ISO 8601, such as `2026-03-29`, `2026-03-29T08:30`,
/// `2026-03-29T08:30:15.5+02:00`, `2026-03-29T06:30:15Z`.
enum CalculateMoment: Equatable, ExpressibleByArgument {
    case instant(Timestamp)
    /// A local time of the calculation's zone.
    case local(CivilTime)
    /// A whole day of it.
    case day(CivilTime)

    init?(argument text: String) {
        if let seconds = Double(text), seconds.isFinite, abs(seconds) < 1e11 {
            self = .instant(Timestamp(seconds: seconds))
            return
        }
        var reader = MomentReader(bytes: Array(text.utf8))
        guard let moment = reader.moment() else { return nil }
        self = moment
    }

    /// The moment; of a day the first.
    func first(in zone: TimeZoneTable) -> Timestamp {
        switch self {
        case .instant(let moment): moment
        case .local(let time), .day(let time): zone.moment(local: time)
        }
    }

    /// The moment; of a day the last.
    func last(in zone: TimeZoneTable) -> Timestamp {
        guard case .day(var time) = self else { return first(in: zone) }
        time.day += 1
        return Timestamp(microseconds: zone.moment(local: time).microseconds - 1)
    }
}

/// Reads ISO 8601.
private struct MomentReader {
    let bytes: [UInt8]
    var offset = 0

    mutating func moment() -> CalculateMoment? {
        guard var civil = date() else { return nil }
        if offset == bytes.count { return .day(civil) }
        guard take("T") || take("t") || take(" "), time(&civil) else { return nil }
        if offset == bytes.count { return .local(civil) }
        guard let east = secondsEast(), offset == bytes.count else { return nil }
        return .instant(TimeZoneTable.utc.moment(local: civil).advanced(bySeconds: -Double(east)))
    }

    private mutating func date() -> CivilTime? {
        guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2),
            (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        let civil = CivilTime(year: year, month: month, day: day)
        // A day that the month does not have would be carried over into the next.
        return CivilTime(TimeZoneTable.utc.moment(local: civil), in: .utc).day == day ? civil : nil
    }

    private mutating func time(_ civil: inout CivilTime) -> Bool {
        guard let hour = number(2), hour < 24, take(":"), let minute = number(2), minute < 60 else { return false }
        (civil.hour, civil.minute) = (hour, minute)
        guard take(":") else { return true }
        guard let second = number(2), second < 60 else { return false }
        civil.second = second
        guard take(".") else { return true }
        let digits = bytes[offset...].prefix { (0x30...0x39).contains($0) }
        offset += digits.count
        civil.microsecond = (0..<6).reduce(0) { sum, index in
            sum * 10 + (index < digits.count ? Int(digits[digits.startIndex + index] - 0x30) : 0)
        }
        return !digits.isEmpty
    }

    private mutating func secondsEast() -> Int? {
        if take("Z") || take("z") { return 0 }
        let isWest = take("-")
        guard isWest || take("+"), let hours = number(2), hours <= 18 else { return nil }
        _ = take(":")
        let minutes = offset < bytes.count ? number(2) : 0
        return minutes.flatMap { $0 < 60 ? (hours * 3600 + $0 * 60) * (isWest ? -1 : 1) : nil }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard offset < bytes.count, bytes[offset] == UInt8(ascii: character) else { return false }
        offset += 1
        return true
    }

    private mutating func number(_ count: Int) -> Int? {
        let digits = bytes[offset...].prefix(count)
        guard digits.count == count, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        offset += count
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
}
