import Calculators
import Evaluation
import Expressions
import FoundationEssentials
import Telemetry
import TimeZones

extension Scenario {
    /// All scenarios of a folder, sorted by name; `calculators` is the folder of the shipped calculators.
    package static func all(in folder: String, calculators: String) throws(ScenarioError) -> [Scenario] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw ScenarioError(file: folder, reason: "cannot be listed")
        }
        var scenarios: [Scenario] = []
        for name in names.sorted() where !name.hasPrefix(".") {
            scenarios.append(try Scenario(folder: "\(folder)/\(name)", name: name, calculators: calculators))
        }
        return scenarios
    }

    /// Reads a scenario from its folder.
    package init(folder: String, name: String, calculators: String) throws(ScenarioError) {
        self.name = name
        let named = Self.text("\(folder)/calculator").map { $0.split(whereSeparator: \.isWhitespace).joined() }
        let file = named.map { "\(calculators)/\($0).json" } ?? "\(folder)/calculator.json"
        definition = try Self.json(file)
        do {
            calculator = try Calculator(definition)
            environment = ExpressionEnvironment(
                timeZone: try TimeZoneDatabase().table(calculator.timeZoneName),
                mileageOutlierSpeed: calculator.mileageOutlierSpeed)
        } catch {
            throw ScenarioError(file: file, reason: "\(error)")
        }
        let messages = "\(folder)/messages.jsonl"
        guard let text = Self.text(messages) else { throw ScenarioError(file: messages, reason: "cannot be read") }
        lines = text.split(separator: "\n").map(String.init)
        facts = try Self.facts(lines, file: messages)
        steps = try Self.steps(in: folder, lineCount: lines.count)
        expected = try Self.array("\(folder)/expected.json")
    }

    private static func facts(_ lines: [String], file: String) throws(ScenarioError) -> DeviceFacts {
        guard let first = lines.first, let message = try? JSONValue(parsing: first),
            let ident = message["ident"]?.stringValue
        else { throw ScenarioError(file: file, reason: "the first message must name its ident") }
        return DeviceFacts(id: DeviceID(1), ident: ident, name: ident)
    }

    private static func steps(in folder: String, lineCount: Int) throws(ScenarioError) -> [Step] {
        let file = "\(folder)/steps.json"
        var steps: [Step] = []
        for value in try array(file) {
            guard let step = try step(value, folder: folder, lineCount: lineCount) else {
                throw ScenarioError(file: file, reason: "this is no step: \(value.text)")
            }
            steps.append(step)
        }
        return steps
    }

    private static func step(
        _ value: JSONValue, folder: String, lineCount: Int
    ) throws(ScenarioError) -> Step? {
        if let now = value["now"]?.numberValue { return .now(Timestamp(seconds: now)) }
        if let file = value["expect"]?.stringValue { return .expect(try array("\(folder)/\(file)"), file: file) }
        guard let post = value["post"]?.arrayValue, post.count == 2, let first = post[0].integerValue,
            let last = post[1].integerValue, 1 <= first, first <= last, last <= lineCount
        else { return nil }
        return .post(
            Int(first) - 1..<Int(last), accepted: value["accepted"]?.numberValue.map { Timestamp(seconds: $0) })
    }

    private static func array(_ file: String) throws(ScenarioError) -> [JSONValue] {
        guard let items = try json(file).arrayValue else { throw ScenarioError(file: file, reason: "must be an array") }
        return items
    }

    private static func json(_ file: String) throws(ScenarioError) -> JSONValue {
        guard let text = text(file) else { throw ScenarioError(file: file, reason: "cannot be read") }
        do throws(JSONError) {
            return try JSONValue(parsing: text)
        } catch {
            throw ScenarioError(file: file, reason: "\(error)")
        }
    }

    private static func text(_ file: String) -> String? {
        FileManager.default.contents(atPath: file).map { String(decoding: $0, as: UTF8.self) }
    }
}
