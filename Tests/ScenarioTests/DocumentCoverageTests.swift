import Calculators
import Telemetry
import Testing

/// The language is what the reader of definitions knows: each word of it is explained, and has an example.
@Suite struct DocumentCoverageTests {
    static let definitions = DocumentExampleTests.examples.flatMap(\.definitions)
    static let selectors = definitions.flatMap { $0["selectors"]?.arrayValue ?? [] }
    static let counters = definitions.flatMap { $0["counters"]?.arrayValue ?? [] }

    /// The page on each part of the language, with the page on what did not fit in.
    private static let pages = [
        "calculators": ["calculators.md"], "selectors": ["selectors.md", "selector-options.md"],
        "counters": ["counters.md", "counter-lists.md"],
    ]

    @Test("every field of a calculator that changes intervals has an example", arguments: Words.calculator)
    func calculator(_ key: String) {
        if !Words.withoutEffect.contains(key) { #expect(Self.definitions.contains { $0[key] != nil }) }
        explained(key, in: "calculators")
    }

    @Test("every type of selector has an example, and so has every option", arguments: Words.selectors)
    func selector(_ type: String, _ key: String) {
        // An option does the same in every type that has it: one example is enough.
        let found = Words.isShared(key) ? Self.selectors : Self.selectors.filter { $0["type"]?.stringValue == type }
        #expect(found.contains { $0[key] != nil })
        #expect(Self.selectors.contains { $0["type"]?.stringValue == type })
        explained(key, in: "selectors")
    }

    @Test("every field of every type of counter has an example", arguments: Words.counters)
    func counter(_ type: String, _ key: String) {
        let found = Self.counters.filter { Words.same($0["type"]?.stringValue) == Words.same(type) }
        // A counter of type datetime takes one for compatibility alone.
        if (type, key) != ("datetime", "validate_message") { #expect(found.contains { $0[key] != nil }) }
        #expect(Self.counters.contains { $0["type"]?.stringValue == type })
        explained(key, in: "counters")
    }

    @Test("every choice of a field has an example", arguments: Words.choices)
    func choice(_ type: String, _ key: String, _ word: String) {
        let found = (Self.selectors + Self.counters).filter { Words.same($0["type"]?.stringValue) == type }
        #expect(found.contains { $0[key]?.stringValue == word })
        #expect(DocumentPage.all.contains { $0.text.contains("`\(word)`") })
    }

    private func explained(_ key: String, in part: String) {
        let texts = (Self.pages[part] ?? []).compactMap { DocumentPage.named($0)?.text }
        #expect(texts.contains { $0.contains("`\(key)`") }, "no page on \(part) explains \(key)")
    }
}

/// The words of the language, asked of the reader by mistakes that it corrects.
enum Words {
    /// What is kept and shown, or steers when something is calculated.
    static let withoutEffect: Set<String> = [
        "id", "cid", "deleted", "version", "revision", "name", "update_interval", "update_delay", "update_onchange",
        "intervals_ttl", "intervals_rotate", "metadata",
    ]

    /// The type whose fields and choices a type shares.
    static func same(_ type: String?) -> String {
        switch type {
        case "parameter": "expression"
        case "calculator": "calc"
        default: type ?? ""
        }
    }

    /// Whether several types of selectors have an option.
    static func isShared(_ key: String) -> Bool { selectors.filter { $0.1 == key }.count > 1 && key != "type" }

    static let calculator = known(#"{"selectors":[{"type":"datetime"}],"qqqqqqqq":1}"#)

    static let selectors: [(String, String)] = types("selectors").flatMap { type in
        known(#"{"selectors":[{"type":"\#(type)","qqqqqqqq":1}]}"#).map { (type, $0) }
    }

    static let counters: [(String, String)] = types("counters").flatMap { type in
        known(
            #"""
            {"selectors":[{"type":"datetime"}],"counters":[{"name":"a","type":"active"},{"name":"b","type":"\#(type)",
            "expression":"1","method":"first","value":1,"calc_id":1,"counter":"a","qqqqqqqq":1}]}
            """#
        ).map { (type, $0) }
    }

    /// The words that a field takes, by the type of what holds it.
    static let choices: [(String, String, String)] =
        selectorChoices("expression", "method") + selectorChoices("datetime", "split")
        + counterChoices("expression", "method") + counterChoices("message", "method")
        + counterChoices("calc", "method") + counterChoices("datetime", "interval")

    private static func selectorChoices(_ type: String, _ key: String) -> [(String, String, String)] {
        offered(#"{"selectors":[{"type":"\#(type)","\#(key)":"qqqqqqqq"}]}"#).map { (type, key, $0) }
    }

    private static func counterChoices(_ type: String, _ key: String) -> [(String, String, String)] {
        offered(#"{"selectors":[{"type":"datetime"}],"counters":[{"type":"\#(type)","\#(key)":"qqqqqqqq"}]}"#)
            .map { (type, key, $0) }
    }

    private static func types(_ list: String) -> [String] {
        let other = list == "counters" ? #""selectors":[{"type":"datetime"}],"# : ""
        return offered(#"{\#(other)"\#(list)":[{"type":"qqqqqqqq"}]}"#)
    }

    /// The fields that a refusal of an unknown one names.
    private static func known(_ definition: String) -> [String] { words(definition, after: "; known are ") }

    /// The words that a refusal of an unknown one names.
    private static func offered(_ definition: String) -> [String] { words(definition, after: " is none of ") }

    private static func words(_ definition: String, after phrase: String) -> [String] {
        let reason = reasons(definition).first { $0.contains(phrase) } ?? ""
        guard let start = reason.firstRange(of: phrase) else { return [] }
        return reason[start.upperBound...].prefix { $0 != ";" }.split(separator: ",").map { word in
            String(word.drop { $0 == " " })
        }
    }

    private static func reasons(_ definition: String) -> [String] {
        guard let definition = try? JSONValue(parsing: definition) else { return [] }
        do throws(InvalidCalculator) {
            _ = try Calculator(definition)
            return []
        } catch {
            return error.problems.map(\.reason)
        }
    }
}
