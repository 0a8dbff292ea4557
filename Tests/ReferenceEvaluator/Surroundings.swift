import Foundation

/// What every expression of a calculator on a device may read beside messages.
struct Surroundings {
    var timeZone: TimeZone
    /// Parameters that each message of the device carries: `ident`, `device.id`, `device.name`.
    var constants: [String: RefValue]
    var metadata: JSONTree
    /// Those assigned to the calculator.
    var geofences: [Geofence] = []
    /// The speed in km/h from which `mileage()` rejects a position; 0 = off.
    var mileageOutlierSpeed: Double
    /// How `mileage()`, `distance()` and `distance_to()` measure.
    var mileageFormula = MileageFormula.haversine
    /// What the calculators that this one reads have found on the device.
    var sources: [Int: SourceIntervals] = [:]
}

/// The intervals of a source calculator, in order of their first ON message.
struct SourceIntervals {
    var intervals: [RefInterval]
    /// The names of its counters as defined.
    var counterNames: [String]
}

/// A moment in the calculator's time zone, taken apart.
struct LocalTime: Equatable {
    var year: Int
    var month: Int
    var day: Int
    var hour: Int
    var minute: Int
    var second: Int
    /// 1 for Monday to 7 for Sunday.
    var weekday: Int
    /// Days since 1970-01-01 of the local date.
    var dayNumber: Int
    var offsetSeconds: Int
    private let date: Date
    private let timeZone: TimeZone

    /// The calendar buckets that have names.
    static let buckets = ["hour", "day", "week", "month", "year"]

    /// The name of the calendar bucket around a moment; nil is one bucket for all time.
    static func bucket(_ split: String?, microseconds: Int64, in timeZone: TimeZone) -> String {
        let local = LocalTime(seconds: floorDivide(Int(microseconds), 1_000_000), in: timeZone)
        return switch split {
        case "hour": "\(local.dayNumber) \(local.hour) \(local.offsetSeconds)"
        case "day": "\(local.dayNumber)"
        case "week": "\(local.dayNumber - local.weekday)"
        case "month": "\(local.year) \(local.month)"
        case "year": "\(local.year)"
        default: "all"
        }
    }

    init(seconds: Int, in timeZone: TimeZone) {
        date = Date(timeIntervalSince1970: Double(seconds))
        self.timeZone = timeZone
        offsetSeconds = timeZone.secondsFromGMT(for: date)
        let local = seconds + offsetSeconds
        dayNumber = Self.floorDivide(local, 86_400)
        let rest = local - dayNumber * 86_400
        (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60)
        weekday = (dayNumber + 3) - Self.floorDivide(dayNumber + 3, 7) * 7 + 1
        (year, month, day) = Self.date(dayNumber)
    }

    /// The date of a day counted from 1970-01-01, found by counting years and months.
    private static func date(_ dayNumber: Int) -> (year: Int, month: Int, day: Int) {
        var year = 1970 + floorDivide(dayNumber, 366) - 1
        while firstDay(ofYear: year + 1) <= dayNumber { year += 1 }
        var rest = dayNumber - firstDay(ofYear: year)
        let isLeap = firstDay(ofYear: year + 1) - firstDay(ofYear: year) == 366
        var month = 1
        for length in [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
            if rest < length { break }
            rest -= length
            month += 1
        }
        return (year, month, rest + 1)
    }

    private static func firstDay(ofYear year: Int) -> Int {
        let before = year - 1
        return before * 365 + floorDivide(before, 4) - floorDivide(before, 100) + floorDivide(before, 400) - 719_162
    }

    static func floorDivide(_ left: Int, _ right: Int) -> Int {
        left >= 0 ? left / right : -((-left + right - 1) / right)
    }

    /// The text that strftime makes of it in the C locale.
    func formatted(_ format: String) -> String {
        var parts = tm()
        (parts.tm_year, parts.tm_mon, parts.tm_mday) = (Int32(year - 1900), Int32(month - 1), Int32(day))
        (parts.tm_hour, parts.tm_min, parts.tm_sec) = (Int32(hour), Int32(minute), Int32(second))
        (parts.tm_wday, parts.tm_gmtoff) = (Int32(weekday % 7), offsetSeconds)
        parts.tm_yday = Int32(dayNumber - Self.firstDay(ofYear: year))
        return (timeZone.abbreviation(for: date) ?? "").withCString { name in
            parts.tm_zone = name
            var buffer = [CChar](repeating: 0, count: 4_096)
            let count = strftime(&buffer, buffer.count, format, &parts)
            return String(decoding: buffer[0..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
}
