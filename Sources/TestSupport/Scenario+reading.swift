import Calculators
import Evaluation
import Expressions
import FoundationEssentials
import Telemetry
import TimeZones

extension Scenario {
    /// Every scenario of a folder by name, sorted, or why it cannot be read; `calculators` is the folder of the shipped
    /// calculators.
    package static func each(
        in folder: String, calculators: String
    ) throws(ScenarioError) -> [(name: String, scenario: Result<Scenario, ScenarioError>)] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw ScenarioError(file: folder, reason: "cannot be listed")
        }
        return names.sorted().filter { !$0.contains(".") }.map { name in
            let scenario = Result { () throws(ScenarioError) -> Scenario in
                try Scenario(folder: "\(folder)/\(name)", name: name, calculators: calculators)
            }
            return (name, scenario)
        }
    }

    /// Reads a scenario from its folder.
    package init(folder: String, name: String, calculators: String) throws(ScenarioError) {
        self.name = name
        let surroundings = try ScenarioSurroundings(folder: folder)
        let (definition, file) = try Self.definition(in: folder, calculators: calculators)
        self.definition = definition
        (calculator, environment) = try surroundings.calculator(definition, file: file)
        sources = try ScenarioSource.all(in: "\(folder)/sources", calculators: calculators, surroundings)
        let messages = "\(folder)/messages.jsonl"
        guard let text = Self.text(messages) else { throw ScenarioError(file: messages, reason: "cannot be read") }
        lines = text.split(separator: "\n").map(String.init)
        facts = try Self.facts(lines, file: messages)
        steps = try Self.steps(in: folder, lineCount: lines.count)
        expected = try Self.array("\(folder)/expected.json")
    }

    private static func definition(
        in folder: String, calculators: String
    ) throws(ScenarioError) -> (JSONValue, file: String) {
        if let name = text("\(folder)/calculator") {
            let file = shipped(name, calculators: calculators)
            return (try json(file), file)
        }
        let body = "\(folder)/calculate.json"
        if let members = try optional(body)?.members {
            return (.object(members.filter { $0.key != "from" && $0.key != "to" }), body)
        }
        return (try json("\(folder)/calculator.json"), "\(folder)/calculator.json")
    }

    /// The file of a shipped calculator whose name stands in a file.
    static func shipped(_ name: String, calculators: String) -> String {
        "\(calculators)/\(name.split(whereSeparator: \.isWhitespace).joined()).json"
    }

    private static func facts(_ lines: [String], file: String) throws(ScenarioError) -> DeviceFacts {
        guard let first = lines.first, let message = try? JSONValue(parsing: first),
            let ident = message["ident"]?.stringValue
        else { throw ScenarioError(file: file, reason: "the first message must name its ident") }
        return DeviceFacts(id: DeviceID(1), ident: ident, name: ident)
    }

    private static func steps(in folder: String, lineCount: Int) throws(ScenarioError) -> [Step] {
        let file = "\(folder)/steps.json"
        guard let items = try optional(file) else { return [.post(0..<lineCount, accepted: nil)] }
        guard let items = items.arrayValue else { throw ScenarioError(file: file, reason: "must be an array") }
        var steps: [Step] = []
        for value in items {
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

    static func json(_ file: String) throws(ScenarioError) -> JSONValue {
        guard let value = try optional(file) else { throw ScenarioError(file: file, reason: "cannot be read") }
        return value
    }

    /// What a file holds; nil if there is none.
    static func optional(_ file: String) throws(ScenarioError) -> JSONValue? {
        guard let text = text(file) else { return nil }
        do throws(JSONError) {
            return try JSONValue(parsing: text)
        } catch {
            throw ScenarioError(file: file, reason: "\(error)")
        }
    }

    static func text(_ file: String) -> String? {
        FileManager.default.contents(atPath: file).map { String(decoding: $0, as: UTF8.self) }
    }
}
