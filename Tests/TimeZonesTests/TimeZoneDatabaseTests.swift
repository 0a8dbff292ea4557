import Foundation
import Telemetry
import Testing
import TimeZones

@Suite("The time zones of the machine")
struct TimeZoneDatabaseTests {
    private let database = ZoneSamples.database

    @Test("UTC is there without any file")
    func utc() throws {
        let empty = TimeZoneDatabase(directory: "/nowhere/at/all")
        #expect(try empty.table("UTC") == .utc)
        #expect(throws: TimeZoneError.unknown(name: "Europe/Paris", nearest: nil)) { try empty.table("Europe/Paris") }
    }

    @Test("A table bears the name by which it was asked for, and is the same the second time")
    func named() throws {
        let first = try database.table("Africa/Nairobi")
        #expect(first.name == "Africa/Nairobi")
        #expect(try database.table("Africa/Nairobi") == first)
    }

    @Test(
        "Names that are no names are refused",
        arguments: [
            "", "/etc/localtime", "../etc/localtime", "Europe/../Europe/Paris", "..", ".", "Europe/", "tzdata.zi",
            "Europe/Paris\u{0}", "Europe Paris", "Európe/Paris", String(repeating: "x", count: 65),
        ])
    func refused(_ name: String) {
        let error = #expect(throws: TimeZoneError.self) { try database.table(name) }
        guard case .refused? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(
        "An unknown name tells the nearest known one",
        arguments: [
            ("Europe/Pariss", "Europe/Paris"), ("europe/paris", "Europe/Paris"), ("Nairobi", "Africa/Nairobi"),
            ("America/New York", nil), ("America/New-York", "America/New_York"), ("Lord_How", "Australia/Lord_Howe"),
            ("Asia/Katmandoo", "Asia/Katmandu"), ("utc", "UTC"), ("posix/UTC", nil), ("qqqqqqqqqqqqqqqq", nil),
        ] as [(String, String?)])
    func unknown(name: String, nearest: String?) {
        let error = #expect(throws: TimeZoneError.self) { try database.table(name) }
        guard let nearest else { return }
        #expect(error == .unknown(name: name, nearest: nearest))
        #expect(error?.description.contains("did you mean \"\(nearest)\"?") == true)
    }

    @Test("Folders, and files that are no zones, are unknown", arguments: ["America", "leapseconds", "localtime"])
    func foreign(_ name: String) {
        let error = #expect(throws: TimeZoneError.self) { try database.table(name) }
        guard case .unknown? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("Without the list of names the folder is the list, and a damaged file is an error of its own")
    func folder() throws {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("zones-\(UUID().uuidString)")
        let folder = root.appendingPathComponent("Europe")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: root) }
        let paris = try Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/Europe/Paris"))
        try paris.write(to: folder.appendingPathComponent("Paris"))
        try paris.prefix(200).write(to: folder.appendingPathComponent("Short"))
        try Data("no zone".utf8).write(to: folder.appendingPathComponent("Text"))
        let database = TimeZoneDatabase(directory: root.path)
        #expect(database.names == ["Europe/Paris", "Europe/Short", "UTC"])
        #expect(try database.table("Europe/Paris").offset(at: Timestamp(1_720_000_000)).abbreviation == "CEST")
        #expect(throws: TimeZoneError.unknown(name: "Europe/Pari", nearest: "Europe/Paris")) {
            try database.table("Europe/Pari")
        }
        let error = #expect(throws: TimeZoneError.self) { try database.table("Europe/Short") }
        guard case .malformed? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("Every zone of the machine can be read, and its days and years can be counted")
    func everyZone() throws {
        let names = database.names
        #expect(names.count > 300)
        for name in names {
            let zone = try database.table(name)
            var moment = Timestamp(1_700_000_000)
            for _ in 0..<4 { moment = zone.bucket(.year, at: moment).until }
            let local = CivilTime(moment, in: zone)
            #expect(local.year == 2027 && local.dayOfYear == 1 && local.hour == 0, "\(name)")
        }
    }
}
