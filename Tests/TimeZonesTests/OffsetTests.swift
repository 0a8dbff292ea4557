import Foundation
import SeededRandom
import Telemetry
import Testing

@Suite("Offsets from UTC")
struct OffsetTests {
    struct Sample: Sendable, CustomTestStringConvertible {
        var zone: String
        var second: Int
        var offset: Int
        var abbreviation: String
        var testDescription: String { "\(zone) at \(second)" }
    }

    static let samples = [
        Sample(zone: "UTC", second: 1_700_000_000, offset: 0, abbreviation: "UTC"),
        Sample(zone: "Africa/Nairobi", second: 1_700_000_000, offset: 10_800, abbreviation: "EAT"),
        Sample(zone: "America/New_York", second: 1_699_163_999, offset: -14_400, abbreviation: "EDT"),
        Sample(zone: "America/New_York", second: 1_699_164_000, offset: -18_000, abbreviation: "EST"),
        Sample(zone: "Europe/Paris", second: 4_102_444_799, offset: 3600, abbreviation: "CET"),
        Sample(zone: "Europe/Paris", second: 4_088_000_000, offset: 7200, abbreviation: "CEST"),
        Sample(zone: "Australia/Lord_Howe", second: 1_704_067_200, offset: 39_600, abbreviation: "+11"),
        Sample(zone: "Australia/Lord_Howe", second: 1_719_792_000, offset: 37_800, abbreviation: "+1030"),
        Sample(zone: "America/Lima", second: 1_700_000_000, offset: -18_000, abbreviation: "-05"),
        Sample(zone: "Asia/Kathmandu", second: 1_700_000_000, offset: 20_700, abbreviation: "+0545"),
        Sample(zone: "Asia/Kathmandu", second: 500_000_000, offset: 19_800, abbreviation: "+0530"),
        Sample(zone: "Pacific/Apia", second: 1_325_239_199, offset: -36_000, abbreviation: "-10"),
        Sample(zone: "Pacific/Apia", second: 1_325_239_200, offset: 50_400, abbreviation: "+14"),
    ]

    @Test("The offset and its abbreviation are those of the zone's history and of its rule", arguments: samples)
    func knownOffset(_ sample: Sample) throws {
        let offset = try ZoneSamples.table(sample.zone).offset(at: Timestamp(sample.second))
        #expect(offset.secondsEastOfUTC == sample.offset)
        #expect(offset.abbreviation == sample.abbreviation)
    }

    @Test("Offsets from 1970 to 2099 agree with Foundation", arguments: ZoneSamples.names.prefix(7))
    func agreesWithFoundation(_ name: String) throws {
        let zone = try ZoneSamples.table(name)
        let oracle = try #require(TimeZone(identifier: name))
        var generator = SeededGenerator(seed: 44)
        for _ in 0..<3000 {
            let second = Int.random(in: ZoneSamples.era, using: &generator)
            let date = Date(timeIntervalSince1970: Double(second))
            let offset = zone.offset(at: Timestamp(second))
            try #require(offset.secondsEastOfUTC == oracle.secondsFromGMT(for: date), "\(name) at \(second)")
            try #require(offset.isDaylightSaving == oracle.isDaylightSavingTime(for: date), "\(name) at \(second)")
        }
    }

    @Test(
        "Offsets from 1850 to 2150 agree with the machine's own clock",
        .enabled(if: MachineClock() != nil, "needs the date program of GNU"), arguments: ZoneSamples.names)
    func agreesWithClock(_ name: String) throws {
        let clock = try #require(MachineClock())
        let zone = try ZoneSamples.table(name)
        var generator = SeededGenerator(seed: 45)
        let seconds = (0..<2000).map { _ in Int.random(in: ZoneSamples.wideEra, using: &generator) }
        let lines = try clock.lines(zone: name, seconds: seconds)
        try #require(lines.count == seconds.count)
        for (second, line) in zip(seconds, lines) {
            let offset = zone.offset(at: Timestamp(second))
            let shown = "\(MachineClock.text(offset)) \(offset.abbreviation)"
            try #require(shown == line, "\(name) at \(second)")
        }
    }

    @Test("An offset holds until its end, and another one begins there", arguments: ZoneSamples.names)
    func validUntil(_ name: String) throws {
        let zone = try ZoneSamples.table(name)
        var moment = Timestamp(ZoneSamples.wideEra.lowerBound)
        while moment < Timestamp(ZoneSamples.wideEra.upperBound) {
            let offset = zone.offset(at: moment)
            try #require(offset.validUntil > moment)
            let last = Timestamp(microseconds: offset.validUntil.microseconds - 1)
            try #require(zone.offset(at: last) == offset)
            let middle = moment.microseconds / 2 + last.microseconds / 2
            try #require(zone.offset(at: Timestamp(microseconds: middle)) == offset)
            moment = offset.validUntil
        }
    }

    @Test("No moment is too early or too late", arguments: ZoneSamples.names)
    func extremes(_ name: String) throws {
        let zone = try ZoneSamples.table(name)
        let moments: [Int64] = [.min, .min / 4, -9_000_000_000_000_000_000, .max / 4, .max - 1]
        for moment in moments.map({ Timestamp(microseconds: $0) }) {
            #expect(zone.offset(at: moment).validUntil > moment)
            for unit in CalendarUnit.allCases { #expect(zone.bucket(unit, at: moment).until > moment) }
            _ = zone.moment(local: CivilTime(moment, in: zone))
        }
    }
}

/// The program `date`, which reads the same files by other code.
struct MachineClock {
    private let path: String

    /// `nil` where there is none that can do it.
    init?() {
        let found = ["/usr/bin/date", "/bin/date"].first { FileManager.default.isExecutableFile(atPath: $0) }
        guard let found else { return nil }
        path = found
        guard let probe = try? lines(zone: "UTC", seconds: [0]), probe == ["+00:00:00 UTC"] else { return nil }
    }

    /// A line for each second: the offset and its abbreviation.
    func lines(zone: String, seconds: [Int]) throws -> [String] {
        let list = FileManager.default.temporaryDirectory.appendingPathComponent("seconds-\(UUID().uuidString)")
        try Data(seconds.map { "@\($0)\n" }.joined().utf8).write(to: list)
        defer { try? FileManager.default.removeItem(at: list) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = ["-f", list.path, "+%::z %Z"]
        process.environment = ["TZ": zone, "LC_ALL": "C"]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return text.split(separator: "\n").map(String.init)
    }

    /// An offset as `date` writes it: `+05:45:00`, or `-00:00:00` where local time is not known.
    static func text(_ offset: TimeZoneTable.Offset) -> String {
        let size = abs(offset.secondsEastOfUTC)
        let isNegative = offset.secondsEastOfUTC < 0 || offset.abbreviation == "-00"
        let fields = [size / 3600, size / 60 % 60, size % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
        return (isNegative ? "-" : "+") + fields.joined(separator: ":")
    }
}
