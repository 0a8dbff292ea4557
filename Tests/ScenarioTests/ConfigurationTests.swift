import Calculators
import Telemetry
import TestSupport
import Testing

/// Calculators from public documentation, which must be taken as they are printed (Configurations/README.md).
@Suite struct ConfigurationTests {
    static let each = (try? Scenario.each(in: Folders.configurations, calculators: Folders.calculators)) ?? []
    static let all = each.compactMap { try? $0.scenario.get() }

    @Test("every configuration is taken without a problem", arguments: each.map(\.name))
    func readable(_ name: String) throws {
        _ = try #require(Self.each.first { $0.name == name }).scenario.get()
    }

    @Test("there are configurations for everything that is documented")
    func some() { #expect(Self.each.count >= 39) }

    @Test("a configuration gives at least one interval on its messages", arguments: all)
    func gives(_ scenario: Scenario) { #expect(!scenario.expected.isEmpty) }

    @Test("nothing in a configuration is warned about, but for a speed that hides standing vehicles", arguments: all)
    func warnings(_ scenario: Scenario) {
        let paths = scenario.calculator.warnings.map(\.path)
        #expect(paths == (scenario.name == "stops-engine-split" ? ["validate_message"] : []))
    }
}
