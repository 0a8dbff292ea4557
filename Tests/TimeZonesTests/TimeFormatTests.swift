import Foundation
import SeededRandom
import Telemetry
import Testing

@Suite("Patterns of strftime")
struct TimeFormatTests {
    /// Every conversion but `%s`, which the C library takes from the zone of the process.
    static let pattern =
        "%a %A %b %B %c %C %d %D %e %F %g %G %h %H %I %j %k %l %m %M %n %p %P %r %R %S %t %T %u %U %V %w %W %x %X "
        + "%y %Y %z %Z %%"

    @Test("Every conversion agrees with the C library", arguments: ZoneSamples.names)
    func agreesWithLibrary(_ name: String) throws {
        let zone = try ZoneSamples.table(name)
        let format = TimeFormat(Self.pattern)
        var generator = SeededGenerator(seed: 48)
        for _ in 0..<1000 {
            let second = Int.random(in: ZoneSamples.wideEra, using: &generator)
            let expected = Self.libraryText(second, zone.offset(at: Timestamp(second)))
            try #require(format.text(Timestamp(second), in: zone) == expected, "\(name) at \(second)")
        }
    }

    @Test("Every conversion agrees with the C library in years of four and five digits", arguments: 1...4)
    func agreesInAnyYear(seed: UInt64) throws {
        let format = TimeFormat(Self.pattern)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<1000 {
            let second = Int.random(in: -30_610_224_000...300_000_000_000, using: &generator)
            let expected = Self.libraryText(second, TimeZoneTable.utc.offset(at: Timestamp(second)))
            try #require(format.text(Timestamp(second), in: .utc) == expected, "seed \(seed) at \(second)")
        }
    }

    /// What the C library writes for a broken-down time that carries the offset itself.
    private static func libraryText(_ second: Int, _ offset: TimeZoneTable.Offset) -> String {
        var clock = time_t(second + offset.secondsEastOfUTC)
        var fields = tm()
        gmtime_r(&clock, &fields)
        fields.tm_gmtoff = offset.secondsEastOfUTC
        fields.tm_isdst = offset.isDaylightSaving ? 1 : 0
        var buffer = [CChar](repeating: 0, count: 1024)
        let count = offset.abbreviation.withCString { name in
            fields.tm_zone = name
            return strftime(&buffer, buffer.count, pattern, &fields)
        }
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    @Test("Seconds since 1970 are those of the moment, whatever the zone")
    func seconds() throws {
        let zone = try ZoneSamples.table("Asia/Kathmandu")
        #expect(TimeFormat("%s").text(Timestamp(microseconds: 1_700_000_000_999_999), in: zone) == "1700000000")
        #expect(TimeFormat("%s").text(Timestamp(microseconds: -1), in: zone) == "-1")
    }

    @Test(
        "What is not a known conversion is kept as it stands",
        arguments: [
            ("", ""), ("%", "%"), ("100%", "100%"), ("%Q %q %é", "%Q %q %é"), ("%%Y", "%Y"), ("%N%f", "%N%f"),
            ("día %d ä", "día 01 ä"), ("%Y-%m-%d %H:%M:%S", "1970-01-01 00:00:00"), ("%c", "Thu Jan  1 00:00:00 1970"),
        ])
    func literals(pattern: String, expected: String) {
        #expect(TimeFormat(pattern).text(Timestamp(0), in: .utc) == expected)
    }
}
