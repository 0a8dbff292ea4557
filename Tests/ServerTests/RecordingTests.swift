import Foundation
import Telemetry
import Testing

/// Real recordings, where they are at hand: their folder is named by `ODOGRAPH_RECORDINGS`, else it lies beside the
/// project.
enum Recordings {
    static let folder =
        ProcessInfo.processInfo.environment["ODOGRAPH_RECORDINGS"]
        ?? URL(filePath: Program.root).deletingLastPathComponent().path + "/shared/data/tracks"

    static let names = ["omaha-car.csv", "limerick-bus.gpx", "rabat-ev.csv", "aracaju-phones.csv"]

    static var exist: Bool { names.allSatisfy { FileManager.default.fileExists(atPath: "\(folder)/\($0)") } }

    static func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// The rows of a CSV file without quotes, each by the names of its header.
    static func rows(_ name: String) throws -> (header: [String: Int], rows: [[Substring]]) {
        let text = try String(contentsOfFile: path(name), encoding: .utf8)
        let lines = text.split(whereSeparator: \.isNewline)
        let names = (lines.first ?? "").split(separator: ",", omittingEmptySubsequences: false)
        let header = Dictionary(names.enumerated().map { (String($0.element), $0.offset) }) { first, _ in first }
        return (header, lines.dropFirst().map { $0.split(separator: ",", omittingEmptySubsequences: false) })
    }
}

/// A place on the earth at a moment, and the distance between two by the formula of haversines.
struct Fix {
    var time: Double
    var latitude: Double
    var longitude: Double

    /// The mean radius of the earth in kilometres.
    private static let radius = 6_371.0088

    func distance(to other: Fix) -> Double {
        let radian = Double.pi / 180
        let north = sin((other.latitude - latitude) * radian / 2)
        let east = sin((other.longitude - longitude) * radian / 2)
        let cosines = cos(latitude * radian) * cos(other.latitude * radian)
        return 2 * Self.radius * asin((north * north + cosines * east * east).squareRoot())
    }

    /// The distance along fixes by time, without the gaps of more seconds.
    static func distance(_ fixes: [Fix], gap: Double) -> Double {
        zip(fixes, fixes.dropFirst()).reduce(0) { sum, pair in
            sum + (pair.1.time - pair.0.time <= gap ? pair.0.distance(to: pair.1) : 0)
        }
    }
}

extension ServerSuite {
    /// Recordings of real vehicles, imported, served and calculated.
    @Suite(.enabled(if: Recordings.exist, "the recordings are not at hand"))
    struct RecordingTests {
        /// A server on a folder that a recording was imported into, with trips by gap for each of these gaps.
        private static func server(
            _ folder: Folder, _ name: String, _ arguments: [String], gaps: [Double], outlierSpeeds: [Double] = []
        ) async throws -> TestServer {
            let outcome = try await Program.run(
                ["import", Recordings.path(name), "--data", folder.path + "/data"] + arguments, within: 60)
            guard outcome.status == 0 else { throw Obstacle("import \(name): \(outcome)") }
            let server = try await TestServer(folder)
            for (index, gap) in gaps.enumerated() {
                var definition = try JSONValue(parsing: Shipped.calculator("trips-by-gap"))
                guard case .array(var selectors)? = definition["selectors"] else { throw Obstacle("no selectors") }
                selectors[0]["max_messages_time_diff"] = .number(gap)
                selectors[0]["max_inactive"] = .number(gap)
                definition["selectors"] = .array(selectors)
                if !outlierSpeeds.isEmpty { definition["mileage_outlier_speed"] = .number(outlierSpeeds[index]) }
                try await server.createCalculator(definition.text)
            }
            try await server.post("/gw/calcs/all/devices/all")
            return server
        }

        private static func distances(_ server: TestServer, calculator: Int) async throws -> [Double] {
            let path = "/gw/calcs/\(calculator)/devices/all/intervals/all?fields=distance"
            return try await server.settledIntervals(path).result.compactMap { $0["distance"]?.numberValue }
        }

        @Test("the car of Omaha made 28 trips for any gap from 77 to 148 s, as long as the haversines of its fixes")
        func omaha() async throws {
            let folder = try Folder()
            let gaps: [Double] = [77, 100, 148, 149]
            let server = try await Self.server(folder, "omaha-car.csv", ["--device", "car"], gaps: gaps)
            let table = try Recordings.rows("omaha-car.csv")
            let columns = ["time_utc", "gps_lat", "gps_long"].compactMap { table.header[$0] }
            let fixes = table.rows.compactMap { row -> Fix? in
                let numbers = columns.compactMap { Double(row[$0]) }
                return numbers.count == 3 ? Fix(time: numbers[0], latitude: numbers[1], longitude: numbers[2]) : nil
            }
            #expect(fixes.count == 23_187)
            for (index, gap) in gaps.enumerated() {
                let distances = try await Self.distances(server, calculator: index + 1)
                #expect(distances.count == (gap < 149 ? 28 : 27), "gap \(gap)")
                let expected = Fix.distance(fixes, gap: gap)
                #expect(abs(distances.reduce(0, +) - expected) <= expected * 1e-6, "gap \(gap)")
            }
        }

        @Test("the bus of Limerick made one ride as long as the haversines between its points")
        func limerick() async throws {
            let folder = try Folder()
            let server = try await Self.server(folder, "limerick-bus.gpx", ["--device", "bus"], gaps: [140, 120])
            let text = try String(contentsOfFile: Recordings.path("limerick-bus.gpx"), encoding: .utf8)
            let fixes = text.split(separator: "<trkpt lat=\"").dropFirst().enumerated().map { index, point in
                let numbers = point.split(separator: "\"").compactMap { Double($0) }
                return Fix(time: Double(index), latitude: numbers[0], longitude: numbers[1])
            }
            #expect(fixes.count == 2_144)
            let whole = try await Self.distances(server, calculator: 1)
            let expected = Fix.distance(fixes, gap: .infinity)
            #expect(whole.count == 1)
            #expect(abs(whole.reduce(0, +) - expected) <= expected * 1e-6)
            #expect(try await Self.distances(server, calculator: 2).count > 1)
        }

        @Test("the cars of Rabat drove what their speed says if outliers count for nothing; else one 40 times that")
        func rabat() async throws {
            let folder = try Folder()
            let server = try await Self.server(
                folder, "rabat-ev.csv",
                ["--map", "ident=vehicle", "--map", "timestamp=Date+Time", "--timezone", "Africa/Casablanca"],
                gaps: [120, 120], outlierSpeeds: [0, 150])
            let integrals = try Self.speedIntegrals()
            #expect(integrals.count == 3)
            var exaggerated: [String] = []
            for device in try await server.get("/gw/devices/all").result {
                let ident = try #require(device["name"]?.stringValue)
                let id = try #require(device["id"]?.integerValue)
                let integral = try #require(integrals[ident])
                var totals: [Double] = []
                for calculator in 1...2 {
                    let path = "/gw/calcs/\(calculator)/devices/\(id)/intervals/all?fields=distance"
                    let items = try await server.settledIntervals(path).result
                    totals.append(items.compactMap { $0["distance"]?.numberValue }.reduce(0, +))
                }
                if totals[0] > 40 * integral { exaggerated.append(ident) }
                #expect(abs(totals[1] - integral) <= 0.1 * integral, "\(ident): \(totals), by its speed \(integral)")
            }
            #expect(exaggerated == ["T1"])
        }

        /// Kilometres by the speed column, by vehicle; the trapezoids between rows at most two minutes apart.
        private static func speedIntegrals() throws -> [String: Double] {
            let table = try Recordings.rows("rabat-ev.csv")
            let columns = ["vehicle", "Date", "Time", "Speed"].compactMap { table.header[$0] }
            var last: [String: (time: Double, speed: Double)] = [:]
            var result: [String: Double] = [:]
            for row in table.rows {
                guard let time = seconds(row[columns[1]], row[columns[2]]), let speed = Double(row[columns[3]]) else {
                    continue
                }
                let vehicle = String(row[columns[0]])
                if let last = last[vehicle], (0...120).contains(time - last.time) {
                    result[vehicle, default: 0] += (time - last.time) * (speed + last.speed) / 7_200
                }
                last[vehicle] = (time, speed)
            }
            return result
        }

        /// Seconds of a date `MM/DD/YYYY` and a time, only good for differences within a day; nil for no date.
        private static func seconds(_ date: Substring, _ time: Substring) -> Double? {
            let parts = date.split(separator: "/").compactMap { Double($0) }
            let clock = time.split(separator: ":").compactMap { Double($0) }
            guard parts.count == 3, clock.count == 3, parts[1] > 0 else { return nil }
            let day = (parts[2] * 12 + parts[0]) * 31 + parts[1]
            return day * 86_400 + clock[0] * 3_600 + clock[1] * 60 + clock[2]
        }

        @Test("the phones of Aracaju made 163 rides, which their own app measured within a tenth all in all")
        func aracaju() async throws {
            let folder = try Folder()
            let arguments = ["--map", "ident=track_id", "--timezone", "America/Maceio"]
            let server = try await Self.server(folder, "aracaju-phones.csv", arguments, gaps: [86_400])
            let total = try await Self.distances(server, calculator: 1).reduce(0, +)
            let table = try Recordings.rows("aracaju-phones-summary.csv")
            let column = try #require(table.header["distance"])
            let measured = table.rows.compactMap { Double($0[column]) }.reduce(0, +)
            #expect(try await server.get("/gw/devices/all?fields=id").result.count == 163)
            #expect(abs(total - measured) <= 0.1 * measured, "\(total) and \(measured) km")
        }
    }
}
