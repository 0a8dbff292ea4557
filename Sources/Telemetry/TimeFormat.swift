/// A pattern of `strftime` in the C locale, ready to write moments: `%Y-%m-%d %H:%M:%S`.
///
/// The pattern is read once. Conversions that are not known are kept as they stand, as is a `%` at the end.
public struct TimeFormat: Sendable, Hashable {
    private var pieces: [Piece] = []

    private enum Piece: Sendable, Hashable {
        case literal([UInt8])
        case field(UInt8)
    }

    public init(_ pattern: String) { append(pattern) }

    /// The local time of a moment, written by the pattern.
    public func text(_ moment: Timestamp, in zone: TimeZoneTable) -> String {
        let offset = zone.offset(at: moment)
        var writer = TimeFieldWriter(
            time: CivilTime(moment, secondsEastOfUTC: offset.secondsEastOfUTC), moment: moment, offset: offset)
        for piece in pieces {
            switch piece {
            case .literal(let bytes): writer.bytes += bytes
            case .field(let letter): writer.write(field: letter)
            }
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private mutating func append(_ pattern: String) {
        var isConversion = false
        for byte in pattern.utf8 {
            if isConversion {
                append(conversion: byte)
                isConversion = false
            } else if byte == UInt8(ascii: "%") {
                isConversion = true
            } else {
                append(literal: [byte])
            }
        }
        if isConversion { append(literal: [UInt8(ascii: "%")]) }
    }

    private mutating func append(conversion letter: UInt8) {
        if let pattern = Self.pattern(of: letter) {
            append(pattern)
        } else if TimeFieldWriter.letters.contains(letter) {
            pieces.append(.field(letter))
        } else {
            append(literal: Self.character(letter) ?? [UInt8(ascii: "%"), letter])
        }
    }

    private mutating func append(literal bytes: [UInt8]) {
        if case .literal(let before)? = pieces.last {
            pieces[pieces.count - 1] = .literal(before + bytes)
        } else {
            pieces.append(.literal(bytes))
        }
    }

    /// What a conversion stands for that is made of others.
    private static func pattern(of letter: UInt8) -> String? {
        switch letter {
        case UInt8(ascii: "c"): "%a %b %e %H:%M:%S %Y"
        case UInt8(ascii: "D"), UInt8(ascii: "x"): "%m/%d/%y"
        case UInt8(ascii: "F"): "%Y-%m-%d"
        case UInt8(ascii: "h"): "%b"
        case UInt8(ascii: "r"): "%I:%M:%S %p"
        case UInt8(ascii: "R"): "%H:%M"
        case UInt8(ascii: "T"), UInt8(ascii: "X"): "%H:%M:%S"
        default: nil
        }
    }

    private static func character(_ letter: UInt8) -> [UInt8]? {
        switch letter {
        case UInt8(ascii: "n"): [10]
        case UInt8(ascii: "t"): [9]
        case UInt8(ascii: "%"): [UInt8(ascii: "%")]
        default: nil
        }
    }
}

/// Writes single fields of a local time.
private struct TimeFieldWriter {
    static let letters = Set("aAbBCdegGHIjklmMpPsSuUVwWyYzZ".utf8)
    private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]

    var time: CivilTime
    var moment: Timestamp
    var offset: TimeZoneTable.Offset
    var bytes: [UInt8] = []

    mutating func write(field letter: UInt8) {
        switch Unicode.Scalar(letter) {
        case "a", "A", "b", "B", "p", "P", "Z": write(name: letter)
        case "H", "I", "k", "l", "M", "S", "s", "z": write(clock: letter)
        default: write(date: letter)
        }
    }

    private mutating func write(name letter: UInt8) {
        let isMorning = time.hour < 12
        switch Unicode.Scalar(letter) {
        case "a": bytes += Self.weekdays[time.weekday].utf8.prefix(3)
        case "A": bytes += Self.weekdays[time.weekday].utf8
        case "b": bytes += Self.months[time.month - 1].utf8.prefix(3)
        case "B": bytes += Self.months[time.month - 1].utf8
        case "p": bytes += (isMorning ? "AM" : "PM").utf8
        case "P": bytes += (isMorning ? "am" : "pm").utf8
        default: bytes += offset.abbreviation.utf8
        }
    }

    private mutating func write(clock letter: UInt8) {
        let hourOfTwelve = (time.hour + 11) % 12 + 1
        switch Unicode.Scalar(letter) {
        case "H": write(time.hour, width: 2)
        case "I": write(hourOfTwelve, width: 2)
        case "k": write(time.hour, width: 2, padding: " ")
        case "l": write(hourOfTwelve, width: 2, padding: " ")
        case "M": write(time.minute, width: 2)
        case "S": write(time.second, width: 2)
        case "s": write(moment.wholeSeconds, width: 1)
        default: writeOffset()
        }
    }

    private mutating func write(date letter: UInt8) {
        let dayIndex = time.dayOfYear - 1
        switch Unicode.Scalar(letter) {
        case "C": write(time.year.flooredQuotient(by: 100), width: 2)
        case "d": write(time.day, width: 2)
        case "e": write(time.day, width: 2, padding: " ")
        case "g": write(time.isoWeek.year.flooredRemainder(by: 100), width: 2)
        case "G": write(time.isoWeek.year, width: 1)
        case "j": write(dayIndex + 1, width: 3)
        case "m": write(time.month, width: 2)
        case "u": write((time.weekday + 6) % 7 + 1, width: 1)
        case "U": write((dayIndex + 7 - time.weekday) / 7, width: 2)
        case "V": write(time.isoWeek.week, width: 2)
        case "w": write(time.weekday, width: 1)
        case "W": write((dayIndex + 7 - (time.weekday + 6) % 7) / 7, width: 2)
        case "y": write(time.year.flooredRemainder(by: 100), width: 2)
        default: write(time.year, width: 1)
        }
    }

    /// `+hhmm`; the seconds of offsets before standard time are left out.
    private mutating func writeOffset() {
        let minutes = abs(offset.secondsEastOfUTC) / 60
        bytes.append(UInt8(ascii: offset.secondsEastOfUTC < 0 ? "-" : "+"))
        write(minutes / 60 * 100 + minutes % 60, width: 4)
    }

    private mutating func write(_ number: Int, width: Int, padding: Unicode.Scalar = "0") {
        let digits = String(number.magnitude).utf8
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        bytes += repeatElement(UInt8(ascii: padding), count: max(0, width - digits.count))
        bytes += digits
    }
}
