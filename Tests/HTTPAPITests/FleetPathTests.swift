import Publishing
import SeededRandom
import Telemetry
import Testing

@testable import HTTPAPI

@Suite("Fleet paths and numbers")
struct FleetPathTests {
    /// A walk that now and then stands, turns back or jumps.
    private static func walk(_ generator: inout SeededGenerator, count: Int) -> [PathPoint] {
        var point = PathPoint(
            latitude: .random(in: -60...60, using: &generator), longitude: .random(in: -179...179, using: &generator))
        return (0..<count).map { _ in
            let step: Double = [0, 1e-5, 1e-4, 1e-3].randomElement(using: &generator) ?? 0
            point.latitude += Double.random(in: -step...step, using: &generator)
            point.longitude += Double.random(in: -step...step, using: &generator)
            return point
        }
    }

    @Test("Every point of a path lies within the tolerance of the simplified one", arguments: 0..<60)
    func simplification(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let points = Self.walk(&generator, count: .random(in: 0...400, using: &generator))
        let tolerance = Double.random(in: 0.5...200, using: &generator)
        let kept = PathSimplification.kept(points, toleranceMetres: tolerance)
        #expect(kept == kept.sorted() && Set(kept).count == kept.count)
        guard points.count > 1 else {
            #expect(kept == Array(points.indices))
            return
        }
        #expect(kept.first == 0 && kept.last == points.count - 1)
        for (first, last) in zip(kept, kept.dropFirst()) {
            for index in first...last {
                let metres = PathSimplification.metres(from: points[index], toLine: points[first], points[last])
                #expect(metres <= tolerance, "seed \(seed): point \(index) strays \(metres) m of \(tolerance)")
            }
        }
    }

    @Test("A straight line needs its ends only, a corner is kept, and the 180th meridian is no way around the earth")
    func shapes() {
        let straight = (0..<50).map { PathPoint(latitude: 1 + Double($0) * 0.001, longitude: 36) }
        #expect(PathSimplification.kept(straight, toleranceMetres: 8) == [0, 49])
        let corner = straight + (1..<50).map { PathPoint(latitude: 1.049, longitude: 36 + Double($0) * 0.001) }
        #expect(PathSimplification.kept(corner, toleranceMetres: 8) == [0, 49, 98])
        let across = [179.99, 179.995, -180, -179.995].map { PathPoint(latitude: 0, longitude: $0) }
        #expect(PathSimplification.kept(across, toleranceMetres: 8) == [0, 3])
        let back = [0.0, 0.01, 0].map { PathPoint(latitude: 0, longitude: $0) }
        #expect(PathSimplification.kept(back, toleranceMetres: 8) == [0, 1, 2], "there and back is a way")
    }

    @Test(
        "Sums of kilometres are rounded to metres by their decimal digits, half away from zero",
        arguments: [
            (0, 0), (1.0005, 1.001), (2.6755, 2.676), (0.0004999, 0), (0.0005, 0.001), (523.2214999999, 523.221),
            (999.9995, 1000), (12345678.0005, 12345678.001), (0.000_499_999_999, 0), (-1.0005, -1.001),
            (83.21449999, 83.214), (1e15, 1e15), (7, 7), (1e-9, 0),
        ])
    func rounding(sum: Double, rounded: Double) {
        let result = Kilometres.roundedToMetres(sum)
        #expect(result == rounded)
    }

    @Test("A rounded sum is the nearest metre, and has at most three decimals", arguments: 0..<40)
    func roundingAtRandom(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            let sum = Double.random(in: 0...(.random(in: 0...1, using: &generator) < 0.5 ? 10 : 1e6), using: &generator)
            let rounded = Kilometres.roundedToMetres(sum)
            #expect(abs(rounded - sum) <= 0.000_5 * (1 + 1e-9), "seed \(seed): \(sum)")
            let decimals = "\(rounded)".split(separator: ".").last?.count ?? 0
            #expect(decimals <= 3, "seed \(seed): \(sum) became \(rounded)")
        }
    }

    @Test("Numbers are written as they are, without a fraction where there is none; what is absent is null")
    func numbers() {
        func text(_ number: Double?) -> String {
            var writer = JSONWriter()
            writer.write(report: number)
            return writer.text
        }
        #expect(text(20) == "20" && text(-0.0) == "0" && text(30.416783936811076) == "30.416783936811076")
        #expect(text(nil) == "null" && text(.infinity) == "null" && text(.nan) == "null")
    }

    @Test("Numbers read back as the same double", arguments: 0..<20)
    func numbersAtRandom(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let number = Double(bitPattern: .random(in: 0...UInt64.max, using: &generator))
            guard number.isFinite else { continue }
            var writer = JSONWriter()
            writer.write(report: number)
            #expect(try JSONValue(parsing: writer.text) == .number(number), "seed \(seed): \(number)")
        }
    }

    @Test(
        "Moments have three decimals, cut",
        arguments: [
            (1_795_331_996_000_000, "2026-11-22T07:19:56.000Z"), (1_795_331_996_999_999, "2026-11-22T07:19:56.999Z"),
            (-1, "1969-12-31T23:59:59.999Z"), (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
        ])
    func moments(microseconds: Int64, text: String) {
        var writer = JSONWriter()
        writer.write(report: Timestamp(microseconds: microseconds))
        #expect(writer.text == "\"\(text)\"")
    }

    @Test("Days are those of the calendar", arguments: ["2026-11-22", "2024-02-29", "1999-12-31", "0999-01-01"])
    func days(text: String) throws {
        let day = try #require(ReportDay(text))
        #expect(day.text == text && ReportDay(days: day.days + 1).text != text)
    }

    @Test(
        "What is no day is none",
        arguments: [
            "", "2026-11-31", "2025-02-29", "2026-13-01", "2026-00-10", "22.11.2026", "2026-1-1", "2026-11-22T00:00",
            "+026-11-22", "0000-01-01",
        ])
    func noDays(text: String) { #expect(ReportDay(text) == nil) }

    @Test(
        "Plates are compared by letters and digits in upper case",
        arguments: [
            ("kda 001a", "KDA001A"), ("K-D'A/0 0.1A", "KDA001A"), ("  ", nil), ("--", nil), ("", nil),
            ("münchen 5", "MÜNCHEN5"), ("straße", "STRAßE"),
        ])
    func plates(text: String, key: String?) { #expect(PlateText.key(text) == key) }
}
