import Expressions
import SeededRandom
import Telemetry
import Testing

@Suite("Calendar functions in a time zone")
struct CalendarTests {
    /// A zone file that says Central European time by its rule alone.
    private static let zone: [UInt8] = {
        let header = Array("TZif2".utf8) + [UInt8](repeating: 0, count: 15)
        let counts: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 4]
        let type: [UInt8] = [0, 0, 0x0e, 0x10, 0, 0] + Array("CET".utf8) + [0]
        return header + counts + type + header + counts + type + Array("\nCET-1CEST,M3.5.0,M10.5.0/3\n".utf8)
    }()

    private static func value(_ source: String, _ timestamp: Double) throws -> Value? {
        let trial = try Trial(source, [.object([.init("timestamp", .number(timestamp))])])
        var memory = ProgramMemory(for: trial.program)
        let environment = ExpressionEnvironment(timeZone: try TimeZoneTable(name: "Europe/Berlin", tzif: zone))
        return trial.program.evaluate(trial.block, memory: &memory, environment: environment)[0]
    }

    /// 2024-03-31 12:00 in summer time, ten hours after the clocks went forward; 10:00 UTC.
    private static let spring = 1_711_879_200.0
    /// 2024-10-27 12:00 in winter time; 11:00 UTC.
    private static let autumn = 1_730_026_800.0

    @Test(
        "local days, weeks, months and years begin by the clock of the zone, summer time included",
        arguments: [
            ("hour()", spring, .number(12)),
            ("strftime('%F %T %Z %z')", spring, .string("2024-03-31 12:00:00 CEST +0200")),
            ("timeofday()", spring, .number(43_200)), ("timestamp - daystart()", spring, .number(11 * 3600)),
            ("timestamp - daystart()", autumn, .number(13 * 3600)), ("timeofday()", autumn, .number(43_200)),
            ("strftime('%F %T', weekstart())", spring, .string("2024-03-25 00:00:00")),
            ("strftime('%F %T', monthstart())", autumn, .string("2024-10-01 00:00:00")),
            ("strftime('%F %T', yearstart())", autumn, .string("2024-01-01 00:00:00")),
            ("strftime('%T', mktime(2024, 3, 31, 2, 30))", spring, .string("03:30:00")),
            ("mktime(2024, 10, 27, 2, 30)", autumn, .number(1_729_989_000)), ("week()", spring, .number(13)),
            ("dayofyear()", autumn, .number(301)), ("daystart(0) + 3600", spring, .number(0)),
        ] as [(String, Double, Value)])
    func zones(_ source: String, _ timestamp: Double, _ expected: Value) throws {
        #expect(try Self.value(source, timestamp) == expected)
    }

    @Test("a beginning lies within its own period and not after the moment", arguments: 0..<20 as Range<UInt64>)
    func beginnings(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<20 {
            let moment = Double(Int.random(in: -1_000_000_000...4_000_000_000, using: &random))
            for (start, format) in [
                ("daystart", "%F"), ("weekstart", "%G-%V"), ("monthstart", "%Y-%m"), ("yearstart", "%Y"),
            ] {
                let isBefore = try Self.value("\(start)() <= timestamp", moment)
                let isSame = try Self.value("strftime('\(format)') == strftime('\(format)', \(start)())", moment)
                #expect(isBefore == .boolean(true) && isSame == .boolean(true), "seed \(seed): \(start) \(moment)")
            }
        }
    }
}
