import FoundationEssentials
import Telemetry
import Testing

@testable import Ingest

/// Real recordings, where they are at hand: their folder is named by `ODOGRAPH_RECORDINGS`, else it lies beside the
/// project.
enum Recordings {
    static let folder =
        ProcessInfo.processInfo.environment["ODOGRAPH_RECORDINGS"]
        ?? String(#filePath.split(separator: "/").dropLast(4).map { "/" + $0 }.joined()) + "/shared/data/tracks"

    /// Whether the recordings and the time zones that they need are at hand.
    static var exist: Bool {
        [folder + "/omaha-car.csv", "/usr/share/zoneinfo/Africa/Casablanca"].allSatisfy {
            FileManager.default.fileExists(atPath: $0)
        }
    }

    static func read(_ file: String, ident: String?, map: [String], zone: TimeZoneTable = .utc) throws -> Imported {
        let table = ParameterTable()
        let options = ImportOptions(ident: ident, mappings: try map.map { try ColumnMapping($0) }, timeZone: zone)
        let format = try #require(ImportFormat(file: file))
        let reader = try ImportReader(file: folder + "/" + file, format: format, options: options, table: table)
        return try Imported(reader, table: table)
    }

    static func zone(_ name: String) throws -> TimeZoneTable {
        let bytes = try Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/" + name))
        return try TimeZoneTable(name: name, tzif: Array(bytes))
    }
}

@Suite(.enabled(if: Recordings.exist, "the recordings are not at hand"))
struct RecordingTests {
    @Test("the car of Omaha maps by its headers, miles per hour become kilometres")
    func omaha() throws {
        let file = try Recordings.read("omaha-car.csv", ident: "car", map: ["position.valid=gps_fix:fix"])
        #expect(file.accepted == 23_187)
        #expect(file.refused == 0)
        #expect(file.problems.isEmpty)
        #expect(file.values("position.speed", ident: "car").first == .number(49.029999))
        #expect(file.values("position.valid", ident: "car").first == .boolean(true))
        #expect(file.seconds(ident: "car").first == 1_558_644_851)
    }

    @Test("the phones of Aracaju are 163 devices in local time")
    func aracaju() throws {
        let zone = try Recordings.zone("America/Maceio")
        let file = try Recordings.read("aracaju-phones.csv", ident: nil, map: ["ident=track_id"], zone: zone)
        #expect(file.accepted == 18_107)
        #expect(file.byIdent.count == 163)
        #expect(file.seconds(ident: "1").first == 1_410_603_872)
    }

    @Test("the cars of Rabat lose impossible dates and positions, and nothing else")
    func rabat() throws {
        let zone = try Recordings.zone("Africa/Casablanca")
        let file = try Recordings.read(
            "rabat-ev.csv", ident: nil, map: ["ident=vehicle", "timestamp=Date+Time"], zone: zone)
        #expect(file.accepted + file.refused == 55_645)
        #expect(file.byIdent.keys.compactMap { $0 }.sorted() == ["T1", "T2", "T3"])
        #expect(file.seconds(ident: "T1").first == 1_617_012_825)
        let dropped = file.problems.filter { !$0.refusesMessage }
        #expect(dropped.contains { $0.reason.hasPrefix("1555.6") })
        #expect(dropped.allSatisfy { $0.parameter == "position.longitude" || $0.parameter == "position.latitude" })
    }

    @Test("the bus of Limerick has a message for every point")
    func limerick() throws {
        let file = try Recordings.read("limerick-bus.gpx", ident: "bus", map: [])
        #expect(file.accepted == 2_144)
        #expect(file.refused == 0)
        #expect(file.values("position.latitude", ident: "bus").first == .number(52.629151))
    }
}
