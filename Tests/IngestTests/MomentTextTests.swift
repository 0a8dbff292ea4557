import Telemetry
import Testing

@testable import Ingest

@Suite struct MomentTextTests {
    @Test(
        "dates and times are read as tables write them",
        arguments: [
            ("2021-03-29T11:13:45Z", 1_617_016_425.0), ("2021-03-29 11:13:45", 1_617_016_425.0),
            ("2021/03/29 11:13:45.5", 1_617_016_425.5), ("2021-03-29T11:13:45.123456789Z", 1_617_016_425.123456),
            ("2021-03-29T11:13:45+01:00", 1_617_012_825.0), ("2021-03-29 11:13:45 -0330", 1_617_029_025.0),
            ("2021-03-29T11:13:45+01", 1_617_012_825.0), ("2021-03-29 11:13:45 UTC", 1_617_016_425.0),
            ("2021-03-29", 1_616_976_000.0), ("2021-03-29 11:13", 1_617_016_380.0),
            ("29.03.2021 11:13:45", 1_617_016_425.0), ("29.3.2021, 11:13:45", 1_617_016_425.0),
        ])
    func dates(text: String, seconds: Double) {
        let moment = MomentText.moment(Array(text.utf8)[...], order: nil, zone: .utc)
        #expect(moment == Timestamp(seconds: seconds), "\(text)")
    }

    @Test("slashes follow the order that is given")
    func slashes() {
        func read(_ text: String, _ order: DateOrder?) -> Timestamp? {
            MomentText.moment(Array(text.utf8)[...], order: order, zone: .utc)
        }
        #expect(read("3/4/2021 01:02:03 PM", .monthFirst) == Timestamp(seconds: 1_614_862_923))
        #expect(read("04/03/2021 13:02:03", .dayFirst) == Timestamp(seconds: 1_614_862_923))
        #expect(read("3/4/2021 12:00:00 AM", .monthFirst) == Timestamp(seconds: 1_614_816_000))
        #expect(read("3/4/2021 01:02:03", nil) == nil)
    }

    @Test(
        "what is no date is not taken for one",
        arguments: [
            "", "2021", "2021-02-30", "2021-13-01", "2021-00-10", "2021-03-29 24:00:00", "2021-03-29 11:60:00",
            "2021-03-29T", "2021-03-29T11:13:45+", "2021-03-29T11:13:45 later", "90/02/2032 12:08:07", "2021-03/29",
            "2021-03-29T11:13:45.", "2021-03-29 13:00:00 PM",
        ])
    func noDates(text: String) {
        #expect(MomentText.moment(Array(text.utf8)[...], order: .monthFirst, zone: .utc) == nil, "\(text)")
    }

    @Test(
        "numbers are decimal numbers and nothing else",
        arguments: [
            ("12", 12.0), ("-1.5", -1.5), ("+.5", 0.5), ("5.", 5.0), ("1e3", 1000.0), ("03.50", 3.5),
            ("-122.41941550000001", -122.41941550000001), ("123456789012345678901", 123_456_789_012_345_678_901.0),
        ])
    func numbers(text: String, value: Double) {
        #expect(NumberText.number(Array(text.utf8)[...]) == value)
    }

    @Test(
        "words and codes are no numbers",
        arguments: ["", "-", ".", "nan", "inf", "0x10", "1e", "1,5", "1.2.3", "12a"])
    func noNumbers(text: String) {
        #expect(NumberText.number(Array(text.utf8)[...]) == nil)
    }

    @Test("units become those of the dictionary")
    func units() throws {
        func convert(_ number: Double, _ unit: String, _ parameter: String) throws -> Double {
            let (factor, offset) = try #require(ParameterUnit(unit)).conversion(to: parameter)
            return ((number * factor + offset) * 1e6).rounded() / 1e6
        }
        #expect(try convert(60, "mph", "position.speed") == 96.56064)
        #expect(try convert(10, "kn", "position.speed") == 18.52)
        #expect(try convert(10, "m/s", "position.speed") == 36)
        #expect(try convert(100, "ft", "position.altitude") == 30.48)
        #expect(try convert(100, "mi", "vehicle.mileage") == 160.9344)
        #expect(try convert(5_000, "m", "vehicle.mileage") == 5)
        #expect(try convert(212, "F", "sensor.temperature") == 100)
        #expect(try convert(273.15, "K", "sensor.temperature") == 0)
        #expect(try convert(12_600, "mV", "external.powersource.voltage") == 12.6)
        #expect(try convert(32, "psi", "tire.pressure") == 220.632233)
        #expect(throws: ImportError.self) { try convert(1, "ft", "position.speed") }
    }
}
