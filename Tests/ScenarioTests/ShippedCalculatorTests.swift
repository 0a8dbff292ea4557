import Calculators
import FoundationEssentials
import Telemetry
import TestSupport
import Testing
import TimeZones

/// The calculators that are shipped.
@Suite struct ShippedCalculatorTests {
    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: Folders.calculators)) ?? [])
        .filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()

    @Test("calculators are shipped")
    func some() { #expect(Self.names.count >= 8) }

    @Test("a shipped calculator has no errors, no warnings, a name and a description", arguments: names)
    func valid(_ name: String) throws {
        let definition = try definition(name)
        let calculator = try Calculator(definition, requiresName: true)
        #expect(calculator.warnings == [])
        #expect(definition["metadata"]?["description"]?.stringValue?.isEmpty == false)
        _ = try TimeZoneDatabase().table(calculator.timeZoneName)
    }

    @Test("every shipped calculator has a scenario that uses it as it is", arguments: names)
    func hasScenario(_ name: String) throws {
        let definition = try definition(name)
        #expect(ScenarioTests.all.contains { $0.definition == definition && !$0.expected.isEmpty })
    }

    @Test("the page about the calculators names every counter of every calculator", arguments: names)
    func documented(_ name: String) throws {
        let page = try text("README.md")
        let start = try #require(page.firstRange(of: "## \(name)\n"), "README.md has no section \(name)")
        let rest = page[start.upperBound...]
        let section = rest[..<(rest.firstRange(of: "\n## ")?.lowerBound ?? rest.endIndex)]
        for counter in try Calculator(definition(name)).counters {
            #expect(section.contains("`\(counter.name)`"), "\(counter.name)")
        }
    }

    private func definition(_ name: String) throws -> JSONValue { try JSONValue(parsing: text("\(name).json")) }

    private func text(_ file: String) throws -> String {
        let path = "\(Folders.calculators)/\(file)"
        return String(decoding: try #require(FileManager.default.contents(atPath: path)), as: UTF8.self)
    }
}
