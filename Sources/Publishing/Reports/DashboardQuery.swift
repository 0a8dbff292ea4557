import Telemetry

/// Which trips are wanted.
package struct DashboardQuery: Sendable, Hashable {
    /// Plates or idents; none means all vehicles.
    package var vehicleNumbers: [String]
    /// Labels as the answers show them; nil means all.
    package var driver: String?
    package var costCentre: String?
    package var city: String?
    /// The days, both included; nil means today.
    package var days: ClosedRange<ReportDay>?
    /// Each trip comes with its path instead of the line from its begin to its end.
    package var includesPath: Bool

    package init(
        vehicleNumbers: [String] = [], driver: String? = nil, costCentre: String? = nil, city: String? = nil,
        days: ClosedRange<ReportDay>? = nil, includesPath: Bool = false
    ) {
        self.vehicleNumbers = vehicleNumbers
        self.driver = driver
        self.costCentre = costCentre
        self.city = city
        self.days = days
        self.includesPath = includesPath
    }
}

/// A day of the calendar, whatever the time zone.
package struct ReportDay: Sendable, Hashable, Comparable {
    /// Since 1970-01-01.
    package var days: Int

    package init(days: Int) { self.days = days }

    /// Reads `2026-11-22`; nil for anything else, or a day that the calendar does not have.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            let year = Self.number(bytes[0..<4]), let month = Self.number(bytes[5..<7]),
            let day = Self.number(bytes[8..<10]), year >= 1, (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        self.init(days: CivilTime(year: year, month: month, day: day).daysSinceEpoch)
        // The 31st of a short month would be a day of the next.
        guard self.text == text else { return nil }
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        var value = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            value = value * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return value
    }

    /// Such as `2026-11-22`.
    package var text: String {
        var writer = JSONWriter()
        writer.writeDay(civil)
        return writer.text
    }

    /// Its midnight in UTC.
    private var civil: CivilTime {
        CivilTime(Timestamp(microseconds: Int64(days) * 86_400_000_000), secondsEastOfUTC: 0)
    }

    package static func < (left: ReportDay, right: ReportDay) -> Bool { left.days < right.days }
}

// MARK: - How moments and days are written

extension JSONWriter {
    /// `"2026-11-22T07:19:56.000Z"` as JavaScript writes it, milliseconds cut; null where there is none.
    package mutating func write(report moment: Timestamp?) {
        guard let moment else { return write(literal: "null") }
        let civil = CivilTime(moment, secondsEastOfUTC: 0)
        write(literal: "\"")
        writeDay(civil)
        write(literal: "T")
        writeDigits(civil.hour, 2)
        write(literal: ":")
        writeDigits(civil.minute, 2)
        write(literal: ":")
        writeDigits(civil.second, 2)
        write(literal: ".")
        writeDigits(civil.microsecond / 1000, 3)
        write(literal: "Z\"")
    }

    /// `"2026-11-22"`.
    package mutating func write(report day: ReportDay) {
        write(literal: "\"")
        write(raw: day.text.utf8)
        write(literal: "\"")
    }

    /// A number as it is; null where there is none.
    package mutating func write(report number: Double?) {
        guard let number, number.isFinite else { return write(literal: "null") }
        write(number: number)
    }

    package mutating func write(report number: Int64?) {
        guard let number else { return write(literal: "null") }
        write(integer: number)
    }

    package mutating func write(report text: String?) {
        guard let text else { return write(literal: "null") }
        write(string: text)
    }

    fileprivate mutating func writeDay(_ civil: CivilTime) {
        writeDigits(civil.year, 4)
        write(literal: "-")
        writeDigits(civil.month, 2)
        write(literal: "-")
        writeDigits(civil.day, 2)
    }

    private mutating func writeDigits(_ number: Int, _ count: Int) {
        var divisor = 1
        for _ in 1..<count { divisor *= 10 }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / divisor % 10))
            divisor /= 10
        }
    }
}
