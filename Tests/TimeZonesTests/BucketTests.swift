import SeededRandom
import Telemetry
import Testing

@Suite("Buckets of the local calendar")
struct BucketTests {
    private func begins(
        _ unit: CalendarUnit, _ name: String, from: CivilTime, to: CivilTime
    ) throws -> [CivilTime] {
        let zone = try ZoneSamples.table(name)
        var moment = zone.moment(local: from)
        let end = zone.moment(local: to)
        var found: [CivilTime] = []
        while moment < end {
            moment = zone.bucket(unit, at: moment).until
            found.append(CivilTime(moment, in: zone))
        }
        return found
    }

    private func hours(
        _ unit: CalendarUnit, _ name: String, _ local: CivilTime
    ) throws -> Double {
        let zone = try ZoneSamples.table(name)
        let begin = zone.moment(local: local)
        return Double(zone.bucket(unit, at: begin).until.microseconds - begin.microseconds) / 3.6e9
    }

    @Test("A day has 23 hours when the clocks go forward, 25 when they go back")
    func dayLengths() throws {
        #expect(try hours(.day, "Europe/Paris", CivilTime(year: 2024, month: 3, day: 31)) == 23)
        #expect(try hours(.day, "Europe/Paris", CivilTime(year: 2024, month: 10, day: 27)) == 25)
        #expect(try hours(.day, "Europe/Paris", CivilTime(year: 2098, month: 10, day: 26)) == 25)
        #expect(try hours(.day, "Australia/Lord_Howe", CivilTime(year: 2024, month: 4, day: 7)) == 24.5)
        #expect(try hours(.day, "Africa/Nairobi", CivilTime(year: 2024, month: 3, day: 31)) == 24)
        #expect(try hours(.week, "America/New_York", CivilTime(year: 2024, month: 11, day: 3)) == 25)
    }

    @Test("The hour that daylight saving repeats is two buckets")
    func repeatedHour() throws {
        let zone = try ZoneSamples.table("Europe/Paris")
        let first = Timestamp(1_729_987_200)
        let second = Timestamp(1_729_990_800)
        #expect(CivilTime(first, in: zone).hour == 2)
        #expect(CivilTime(second, in: zone).hour == 2)
        #expect(zone.bucket(.hour, at: first).until == second)
        #expect(zone.bucket(.hour, at: second).until == Timestamp(1_729_994_400))
        #expect(zone.bucket(.hour, at: first).label < zone.bucket(.hour, at: second).label)
        #expect(zone.bucket(.day, at: first) == zone.bucket(.day, at: second))
    }

    @Test("Half an hour repeated is a bucket of its own")
    func repeatedHalfHour() throws {
        let begins = try begins(
            .hour, "Australia/Lord_Howe", from: CivilTime(year: 2024, month: 4, day: 7, hour: 0, minute: 59),
            to: CivilTime(year: 2024, month: 4, day: 7, hour: 2, minute: 1))
        #expect(begins.map(\.hour) == [1, 1, 2, 3])
        #expect(begins.map(\.minute) == [0, 30, 0, 0])
    }

    @Test("A day whose midnight is skipped begins at the first moment after the gap")
    func skippedMidnight() throws {
        let begins = try begins(
            .day, "America/Sao_Paulo", from: CivilTime(year: 2017, month: 10, day: 14, hour: 12),
            to: CivilTime(year: 2017, month: 10, day: 15, hour: 12))
        #expect(begins.first == CivilTime(year: 2017, month: 10, day: 15, hour: 1))
        #expect(begins.last == CivilTime(year: 2017, month: 10, day: 16))
    }

    @Test("The day that Samoa skipped has no bucket")
    func skippedDay() throws {
        let begins = try begins(
            .day, "Pacific/Apia", from: CivilTime(year: 2011, month: 12, day: 28, hour: 12),
            to: CivilTime(year: 2012, month: 1, day: 1))
        #expect(begins.map(\.day) == [29, 31, 1])
    }

    @Test("A day does not come back when the clocks go back over midnight")
    func repeatedMidnight() throws {
        // At 00:01 of 2010-11-07 the clocks of Newfoundland went back to 23:01.
        let begins = try begins(
            .day, "America/St_Johns", from: CivilTime(year: 2010, month: 11, day: 6, hour: 12),
            to: CivilTime(year: 2010, month: 11, day: 8, hour: 12))
        #expect(begins.map(\.day) == [7, 8, 9])
        #expect(begins.allSatisfy { $0.hour == 0 && $0.minute == 0 })
    }

    @Test("Weeks begin on Monday, months on the first, years on the first of January", arguments: ZoneSamples.names)
    func begins(_ name: String) throws {
        let from = CivilTime(year: 2020, month: 5, day: 3)
        let to = CivilTime(year: 2026, month: 5, day: 3)
        let midnight = { (time: CivilTime) in time.hour == 0 && time.minute == 0 && time.second == 0 }
        // In Tehran the clocks skipped the midnight of Monday, 2021-03-22.
        let isPlain = name != "Asia/Tehran"
        let weeks = try begins(.week, name, from: from, to: to)
        #expect(weeks.count == 314 && weeks.allSatisfy { $0.weekday == 1 && (midnight($0) || !isPlain) })
        let months = try begins(.month, name, from: from, to: to)
        #expect(months.count == 73 && months.allSatisfy { $0.day == 1 && (midnight($0) || !isPlain) })
        let years = try begins(.year, name, from: from, to: to)
        #expect(years.map(\.year) == Array(2021...2027) && years.allSatisfy { $0.dayOfYear == 1 && midnight($0) })
    }

    @Test("Every moment of a bucket tells the same bucket, and the next one begins where it ends", arguments: 1...8)
    func consistent(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            let name = try #require(ZoneSamples.names.randomElement(using: &generator))
            let unit = try #require(CalendarUnit.allCases.randomElement(using: &generator))
            let zone = try ZoneSamples.table(name)
            let second = Int.random(in: ZoneSamples.wideEra, using: &generator)
            let moment = Timestamp(microseconds: Int64(second) * 1_000_000 + Int64.random(in: 0..<1_000_000))
            let bucket = zone.bucket(unit, at: moment)
            try #require(bucket.until > moment, "seed \(seed): \(unit) of \(name) at \(second)")
            let last = Timestamp(microseconds: bucket.until.microseconds - 1)
            try #require(zone.bucket(unit, at: last) == bucket, "seed \(seed): \(unit) of \(name) at \(second)")
            let next = zone.bucket(unit, at: bucket.until)
            try #require(next.label > bucket.label, "seed \(seed): \(unit) of \(name) at \(second)")
        }
    }

    @Test("Buckets agree with a count of every minute around the changes of offset", arguments: ZoneSamples.names)
    func agreesWithMinutes(_ name: String) throws {
        let zone = try ZoneSamples.table(name)
        var generator = SeededGenerator(seed: 46)
        var changes: [Int] = []
        var moment = Timestamp(ZoneSamples.era.lowerBound)
        while moment < Timestamp(ZoneSamples.era.upperBound) {
            moment = zone.offset(at: moment).validUntil
            changes.append(min(moment.second, ZoneSamples.era.upperBound) / 60 * 60)
        }
        for change in changes.shuffled(using: &generator).prefix(3) {
            let window = MinuteCount(zone: zone, from: change - 2 * 86_400, to: change + 2 * 86_400, step: 60)
            for unit in [CalendarUnit.hour, .day, .week] { try window.compare(unit) }
        }
    }

    @Test("Months and years agree with a count of every quarter of an hour", arguments: ZoneSamples.names.prefix(8))
    func agreesWithQuarters(_ name: String) throws {
        let zone = try ZoneSamples.table(name)
        let window = MinuteCount(zone: zone, from: 1_293_840_000, to: 1_356_998_400, step: 900)
        for unit in [CalendarUnit.week, .month, .year] { try window.compare(unit) }
    }
}

/// The slow, obvious way: the local time of every step, and a new bucket where its name is a later one.
private struct MinuteCount {
    var zone: TimeZoneTable
    var step: Int
    var rows: [(second: Int, offset: Int, time: CivilTime)] = []

    init(zone: TimeZoneTable, from: Int, to: Int, step: Int) {
        self.zone = zone
        self.step = step
        for second in stride(from: from, to: to, by: step) {
            let offset = zone.offset(at: Timestamp(second)).secondsEastOfUTC
            rows.append((second, offset, CivilTime(Timestamp(second), in: zone)))
        }
    }

    /// The steps at which another bucket begins.
    private func begins(_ unit: CalendarUnit) -> [Int] {
        var found: [Int] = []
        var latest = name(unit, rows[0].time)
        for (before, row) in zip(rows, rows.dropFirst()) {
            let name = name(unit, row.time)
            let goesBack = unit == .hour && row.offset < before.offset
            let isAnother = unit == .hour ? name != latest : latest.lexicographicallyPrecedes(name)
            if goesBack || isAnother {
                found.append(row.second)
                latest = name
            }
        }
        return found
    }

    private func name(_ unit: CalendarUnit, _ time: CivilTime) -> [Int] {
        switch unit {
        case .hour: [time.year, time.month, time.day, time.hour]
        case .day: [time.year, time.month, time.day]
        case .week: [time.isoWeek.year, time.isoWeek.week]
        case .month: [time.year, time.month]
        case .year: [time.year]
        }
    }

    func compare(_ unit: CalendarUnit) throws {
        let expected = begins(unit)
        var found: [Int] = []
        var bucket = zone.bucket(unit, at: Timestamp(rows[0].second))
        for row in rows {
            let now = zone.bucket(unit, at: Timestamp(row.second))
            if now == bucket { continue }
            let follows = bucket.until == Timestamp(row.second) && now.label > bucket.label
            try #require(follows, "\(unit) of \(zone.name) at \(row.second)")
            found.append(row.second)
            bucket = now
        }
        try #require(found == expected, "\(unit) of \(zone.name) from \(rows[0].second)")
    }
}
