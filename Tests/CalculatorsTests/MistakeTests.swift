import Calculators
import Foundation
import Telemetry
import Testing

/// Wrong calculators as people write them, each with what it must be told (Mistakes/mistakes.jsonl).
@Suite("Mistakes")
struct MistakeTests {
    struct Mistake: Sendable, CustomTestStringConvertible {
        var name: String
        var calculator: JSONValue
        var problems: [String]

        var testDescription: String { name }

        init?(_ json: JSONValue) {
            guard let name = json["name"]?.stringValue, let calculator = json["calculator"],
                let problems = json["problems"]?.arrayValue
            else { return nil }
            self.name = name
            self.calculator = calculator
            self.problems = problems.compactMap(\.stringValue)
        }
    }

    static let lines: [Substring] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Mistakes")
        let bytes = (try? Data(contentsOf: folder.appending(path: "mistakes.jsonl"))) ?? Data()
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    }()

    static let mistakes = lines.compactMap { (try? JSONValue(parsing: String($0))).flatMap(Mistake.init) }

    @Test("there are mistakes, every line can be read, and every name stands once")
    func readable() {
        #expect(Self.lines.count >= 100)
        #expect(Self.mistakes.count == Self.lines.count)
        #expect(Set(Self.mistakes.map(\.name)).count == Self.mistakes.count)
    }

    @Test("a mistake is told with its path, its column, the reason and what was meant", arguments: mistakes)
    func told(_ mistake: Mistake) {
        #expect(problems(of: mistake).map(\.description) == mistake.problems)
    }

    @Test("no mistake is told in general words only", arguments: mistakes)
    func particular(_ mistake: Mistake) {
        for problem in problems(of: mistake) {
            #expect(problem.path.isEmpty == (mistake.calculator.members == nil))
            #expect(problem.reason.split(separator: " ").count > 3)
            #expect(!["invalid", "error", "wrong", "unexpected"].contains { problem.reason.contains($0) })
        }
    }

    private func problems(of mistake: Mistake) -> [CalculatorProblem] {
        do throws(InvalidCalculator) {
            _ = try Calculator(mistake.calculator, requiresName: true)
            return []
        } catch {
            return error.problems
        }
    }
}
