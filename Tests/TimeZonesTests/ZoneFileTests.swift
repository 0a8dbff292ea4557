import SeededRandom
import Telemetry
import Testing

@Suite("Compiled zone files")
struct ZoneFileTests {
    @Test("Files of version 1 hold their last offset for ever")
    func versionOne() throws {
        let zone = try TimeZoneTable(name: "Test", tzif: ZoneFile(transitions: [(1000, 1)]).bytes(version: 1))
        #expect(zone.offset(at: Timestamp(999)).abbreviation == "STD")
        #expect(zone.offset(at: Timestamp(1000)).abbreviation == "DST")
        #expect(zone.offset(at: Timestamp(1000)).validUntil > .distantFuture)
        #expect(zone.bucket(.year, at: .distantFuture).until > .distantFuture)
    }

    @Test("From version 2 on the second block counts, and the rule after it", arguments: [2, 3, 4])
    func laterVersions(_ version: Int) throws {
        let file = ZoneFile(transitions: [(-5_000_000_000, 1), (0, 0)], footer: "STD-1DST,M3.5.0,M10.5.0/3")
        let zone = try TimeZoneTable(name: "Test", tzif: file.bytes(version: version))
        #expect(zone.offset(at: Timestamp(-5_000_000_001)).abbreviation == "STD")
        #expect(zone.offset(at: Timestamp(-5_000_000_000)).abbreviation == "DST")
        #expect(zone.offset(at: Timestamp(1_720_000_000)).secondsEastOfUTC == 7200)
        #expect(zone.offset(at: Timestamp(4_088_000_000)).isDaylightSaving)
    }

    @Test("Before the first transition the first standard time holds, even if it is not the first type")
    func firstStandardTime() throws {
        let file = ZoneFile(transitions: [(1000, 0)], types: [(7200, true, "DST"), (3600, false, "STD")])
        let zone = try TimeZoneTable(name: "Test", tzif: file.bytes(version: 2))
        #expect(zone.offset(at: Timestamp(0)).abbreviation == "STD")
    }

    struct Rule: Sendable, CustomTestStringConvertible {
        var text: String
        /// The first second of daylight saving and the first after it, seen from 2024-01-01.
        var begin: Int
        var end: Int
        var testDescription: String { text }
    }

    @Test(
        "Rules name days by month, week and weekday, by number with and without the leap day, and any time of day",
        arguments: [
            Rule(text: "EST5EDT,M3.2.0,M11.1.0", begin: 1_710_054_000, end: 1_730_613_600),
            Rule(text: "EST5EDT", begin: 1_710_054_000, end: 1_730_613_600),
            Rule(text: "AAA0BBB,J60/0,J365/0", begin: 1_709_251_200, end: 1_735_599_600),
            Rule(text: "AAA0BBB,59/0,365/1", begin: 1_709_164_800, end: 1_735_603_200),
            Rule(text: "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", begin: 1_711_846_800, end: 1_729_990_800),
            Rule(text: "EET-2EEST,M3.4.4/50,M10.4.4/50", begin: 1_711_756_800, end: 1_729_897_200),
        ])
    func rules(_ rule: Rule) throws {
        let zone = try TimeZoneTable(name: "Test", tzif: ZoneFile(footer: rule.text).bytes(version: 3))
        let winter = zone.offset(at: Timestamp(1_704_067_200))
        #expect(!winter.isDaylightSaving && winter.validUntil == Timestamp(rule.begin))
        let summer = zone.offset(at: winter.validUntil)
        #expect(summer.isDaylightSaving && summer.validUntil == Timestamp(rule.end))
    }

    @Test("Daylight saving all the year round has no hole at the turn of the year")
    func savingForEver() throws {
        let file = ZoneFile(footer: "XXX3EDT4,0/0,J365/23")
        let zone = try TimeZoneTable(name: "Test", tzif: file.bytes(version: 3))
        for second in stride(from: 1_700_000_000, to: 1_800_000_000, by: 7200) {
            try #require(zone.offset(at: Timestamp(second)).abbreviation == "EDT", "at \(second)")
        }
        let midnight = zone.moment(local: CivilTime(year: 2025))
        #expect(zone.bucket(.day, at: midnight).until == midnight.advanced(bySeconds: 86_400))
    }

    @Test(
        "A text that is no rule is refused",
        arguments: [
            "X", "EST", "EST5EDT,", "EST5EDT,M13.1.0,M1.1.0", "EST5EDT,M1.6.0,M1.1.0", "EST5EDT,M1.1.7,M1.1.0",
            "EST5EDT,J0,J1", "EST5EDT,366,1", "EST5EDT,1,2,", "EST25", "EST5EDT,1/168,2", "<EST5", "EST5:60",
            "EST99999999999999999999", "EST5EDT,1/,2", " EST5",
        ])
    func badRules(_ text: String) {
        #expect(throws: TimeZoneError.self) {
            try TimeZoneTable(name: "Test", tzif: ZoneFile(footer: text).bytes(version: 2))
        }
    }

    @Test("A file cut short or changed in a byte is refused or read, but never traps", arguments: 1...2)
    func damaged(seed: UInt64) {
        let file = ZoneFile(transitions: [(-5, 1), (70, 0)], footer: "STD-1DST,M3.5.0,M10.5.0/3")
        let bytes = file.bytes(version: 2)
        for count in 0..<bytes.count {
            #expect(throws: TimeZoneError.self) { try TimeZoneTable(name: "Test", tzif: Array(bytes.prefix(count))) }
        }
        var generator = SeededGenerator(seed: seed)
        for index in bytes.indices {
            var changed = bytes
            changed[index] = UInt8.random(in: 0...255, using: &generator)
            guard let zone = try? TimeZoneTable(name: "Test", tzif: changed) else { continue }
            for second in [-1_000_000_000_000, 0, 50, 1_720_000_000] {
                _ = zone.moment(local: CivilTime(Timestamp(second), in: zone))
                for unit in CalendarUnit.allCases {
                    #expect(zone.bucket(unit, at: Timestamp(second)).until > Timestamp(second))
                }
            }
        }
    }

    @Test("Files that count leap seconds, have types out of range or times out of order are refused")
    func refused() {
        let files = [
            ZoneFile(leapCount: 1), ZoneFile(transitions: [(1, 7)]), ZoneFile(transitions: [(5, 0), (5, 1)]),
            ZoneFile(types: []), ZoneFile(types: [(100_000, false, "FAR")]),
        ]
        for file in files {
            #expect(throws: TimeZoneError.self) { try TimeZoneTable(name: "Test", tzif: file.bytes(version: 2)) }
        }
    }
}

/// A zone file made by hand.
private struct ZoneFile {
    var transitions: [(second: Int, type: UInt8)] = []
    var types: [(offset: Int32, isDaylightSaving: Bool, name: String)] = [(3600, false, "STD"), (7200, true, "DST")]
    var leapCount = 0
    var footer = ""

    func bytes(version: Int) -> [UInt8] {
        if version == 1 { return block(version: 1, isWide: false) }
        // The first block of a slim file has one type and no transitions.
        let slim = ZoneFile(types: [(0, false, "OLD")]).block(version: version, isWide: false)
        return slim + block(version: version, isWide: true) + Array("\n\(footer)\n".utf8)
    }

    private func block(version: Int, isWide: Bool) -> [UInt8] {
        let names: [UInt8] = types.reduce(into: []) { $0 += Array($1.name.utf8) + [0] }
        var bytes = Array("TZif".utf8) + [version == 1 ? 0 : UInt8(48 + version)] + [UInt8](repeating: 0, count: 15)
        for count in [0, 0, leapCount, transitions.count, types.count, names.count] { bytes += big(Int32(count)) }
        for row in transitions { bytes += isWide ? big(Int64(row.second)) : big(Int32(row.second)) }
        bytes += transitions.map(\.type)
        var nameIndex: UInt8 = 0
        for type in types {
            bytes += big(type.offset) + [type.isDaylightSaving ? 1 : 0, nameIndex]
            nameIndex += UInt8(type.name.utf8.count + 1)
        }
        return bytes + names + [UInt8](repeating: 0, count: leapCount * (isWide ? 12 : 8))
    }

    private func big<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }
}
