import Calculators
import Telemetry
import Testing

@Suite("Warnings and shipped calculators")
struct WarningTests {
    private static func warnings(_ text: String) throws -> [CalculatorProblem] {
        try Calculator(JSONValue(parsing: text)).warnings
    }

    @Test("a bare numeric parameter in validate_message is warned about: it is false where it is 0")
    func bareNames() throws {
        let text = #"""
            {"validate_message":"position.speed","selectors":[{"type":"expression","expression":"position.speed",
            "validate_message":"position.speed"}],"counters":[{"name":"c","type":"route","validate_message":"fuel.level"},
            {"name":"d","type":"route","validate_message":"engine.ignition.status"},
            {"name":"e","type":"route","validate_message":"exists('fuel.level')"},
            {"name":"f","type":"route","validate_message":"own.name"}]}
            """#
        let warnings = try Self.warnings(text)
        #expect(
            warnings.map(\.path) == [
                "validate_message", "selectors[0].validate_message", "counters[0].validate_message",
            ])
        #expect(warnings.allSatisfy { $0.reason.contains("exists('") && $0.column == 1 })
    }

    @Test("an interval expression that reads no counter before it is warned about, with the nearest name")
    func unknownFields() throws {
        let text = #"""
            {"selectors":[{"type":"datetime"}],"counters":[{"name":"early","type":"interval","expression":"later + 1"},
            {"name":"later","type":"active"},{"name":"x","type":"interval","expression":"latr + begin + end + duration"},
            {"name":"y","type":"interval","expression":"previous('gone') + later"}]}
            """#
        let warnings = try Self.warnings(text)
        #expect(warnings.map(\.path) == ["counters[0].expression", "counters[2].expression"])
        #expect(warnings.last?.reason.contains("did you mean \"later\"?") ?? false)
    }
}
