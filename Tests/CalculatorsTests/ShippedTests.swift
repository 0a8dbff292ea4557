import Calculators
import Foundation
import Telemetry
import Testing

@Suite("Shipped calculators")
struct ShippedTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "calculators")

    static var files: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".json") }.sorted()
    }

    @Test("there are calculators to ship")
    func presence() { #expect(Self.files.count >= 8) }

    @Test("every shipped calculator loads, has a name and no warnings", arguments: files)
    func loads(_ file: String) throws {
        let bytes = try Data(contentsOf: Self.folder.appending(path: file))
        let calculator = try Calculator(JSONValue(parsing: Array(bytes)), requiresName: true)
        #expect(calculator.warnings.isEmpty)
        #expect(!calculator.selectors.isEmpty && !calculator.counters.isEmpty)
    }
}
