import SeededRandom
import Telemetry
import Testing

@Suite("Local date and time")
struct CivilTimeTests {
    @Test("A moment is found again by its local time, the earlier one of two", arguments: ZoneSamples.names)
    func roundTrip(_ name: String) throws {
        let zone = try ZoneSamples.table(name)
        var generator = SeededGenerator(seed: 47)
        for _ in 0..<2000 {
            let micros = Int64(Int.random(in: ZoneSamples.wideEra, using: &generator)) * 1_000_000
            let moment = Timestamp(microseconds: micros + Int64.random(in: 0..<1_000_000, using: &generator))
            let local = CivilTime(moment, in: zone)
            let found = zone.moment(local: local)
            try #require(found <= moment && CivilTime(found, in: zone) == local, "\(name) at \(micros)")
        }
    }

    @Test("Of a local time that comes twice, the earlier moment is meant")
    func ambiguous() throws {
        let zone = try ZoneSamples.table("America/New_York")
        let local = CivilTime(year: 2024, month: 11, day: 3, hour: 1, minute: 30)
        #expect(zone.moment(local: local) == Timestamp(1_730_611_800))
        #expect(zone.offset(at: zone.moment(local: local)).isDaylightSaving)
    }

    @Test("A local time that the clocks skip is moved forward by as much as they skip")
    func gap() throws {
        let paris = try ZoneSamples.table("Europe/Paris")
        let skipped = CivilTime(year: 2024, month: 3, day: 31, hour: 2, minute: 30)
        let shown = CivilTime(paris.moment(local: skipped), in: paris)
        #expect(shown == CivilTime(year: 2024, month: 3, day: 31, hour: 3, minute: 30))
        let apia = try ZoneSamples.table("Pacific/Apia")
        let day = CivilTime(year: 2011, month: 12, day: 30, hour: 5)
        #expect(CivilTime(apia.moment(local: day), in: apia) == CivilTime(year: 2011, month: 12, day: 31, hour: 5))
    }

    @Test("Fields out of range carry over into the next larger one, and none is too large")
    func carriesOver() {
        let sum = CivilTime(year: 2023, month: 14, day: 30, hour: 25, minute: -1, second: 61, microsecond: -1)
        let shown = CivilTime(TimeZoneTable.utc.moment(local: sum), in: .utc)
        #expect(shown.month == 3 && shown.day == 2 && shown.hour == 1 && shown.minute == 0)
        #expect(shown.second == 0 && shown.microsecond == 999_999)
        for extreme in [Int.min, Int.max] {
            _ = TimeZoneTable.utc.moment(
                local: CivilTime(
                    year: extreme, month: extreme, day: extreme, hour: extreme, minute: extreme, second: extreme,
                    microsecond: extreme))
        }
    }

    @Test("Days before 1970 and the fractions of seconds in them are told right")
    func before1970() {
        let time = CivilTime(Timestamp(microseconds: -1), in: .utc)
        #expect(
            time
                == CivilTime(
                    year: 1969, month: 12, day: 31, hour: 23, minute: 59, second: 59, microsecond: 999_999))
        #expect(time.weekday == 3 && time.dayOfYear == 365 && time.daysSinceEpoch == -1)
    }

    @Test("The week of ISO 8601 belongs to the year of its Thursday")
    func isoWeek() {
        #expect(CivilTime(year: 2021, month: 1, day: 3).isoWeek == (2020, 53))
        #expect(CivilTime(year: 2021, month: 1, day: 4).isoWeek == (2021, 1))
        #expect(CivilTime(year: 2024, month: 12, day: 30).isoWeek == (2025, 1))
        #expect(CivilTime(year: 2024, month: 2, day: 29).dayOfYear == 60)
    }
}
