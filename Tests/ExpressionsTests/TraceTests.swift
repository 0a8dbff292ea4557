import Expressions
import SeededRandom
import Telemetry
import Testing

@Suite("What each part of an expression came to")
struct TraceTests {
    /// `text@column = value` for each part; an error shows its reason.
    private static func trace(_ source: String, _ messages: String, row: Int = 0) throws -> [String] {
        let trial = try Trial(source, messages)
        let traced = trial.program.trace(
            trial.block, rows: 0..<trial.block.count, row: row, memory: ProgramMemory(for: trial.program),
            environment: trial.environment)
        return traced.map { part in
            let value = part.value.map { JSONValue($0).text } ?? "\(part.error?.reason ?? "?")"
            return "\(part.text)@\(part.column) = \(value)"
        }
    }

    @Test(
        "parts come in the order of the source, the whole before its parts, without literals",
        arguments: [
            (
                "position.speed > 3", #"[{"position.speed":2}]"#,
                ["position.speed > 3@1 = false", "position.speed@1 = 2"]
            ),
            ("5", "[{}]", []), ("  x  ", #"[{"x":"a"}]"#, ["x@3 = \"a\""]),
            ("a + b * 2", #"[{"a":1,"b":2}]"#, ["a + b * 2@1 = 5", "a@1 = 1", "b * 2@5 = 4", "b@5 = 2"]),
            ("(a + b) * 2", #"[{"a":1,"b":2}]"#, ["(a + b) * 2@1 = 6", "a + b@2 = 3", "a@2 = 1", "b@6 = 2"]),
            ("-a", #"[{"a":1}]"#, ["-a@1 = -1", "a@2 = 1"]), ("!$x", "[{}]", ["!$x@1 = true", "$x@2 = null"]),
            (
                "if( a > 1 , 'é' , round( a ) )", #"[{"a":1}]"#,
                ["if( a > 1 , 'é' , round( a ) )@1 = 1", "a > 1@5 = false", "a@5 = 1", "round( a )@19 = 1", "a@26 = 1"]
            ),
            ("a ? b : a", #"[{"a":0,"b":7}]"#, ["a ? b : a@1 = 0", "a@1 = 0", "b@5 = 7", "a@9 = 0"]),
            (
                "j['/0'] == a", #"[{"j":[5],"a":5}]"#,
                ["j['/0'] == a@1 = true", "j['/0']@1 = 5", "j@1 = [5]", "a@12 = 5"]
            ),
            ("exists('a') && a", #"[{"a":3}]"#, ["exists('a') && a@1 = true", "exists('a')@1 = true", "a@16 = 3"]),
            ("a+a", #"[{"a":3}]"#, ["a+a@1 = 6", "a@1 = 3", "a@3 = 3"]),
        ] as [(String, String, [String])])
    func order(_ source: String, _ messages: String, _ expected: [String]) throws {
        #expect(try Self.trace(source, messages) == expected)
    }

    @Test("a part that is an error says why")
    func errors() throws {
        #expect(
            try Self.trace("speed > 3 && din & 1", #"[{"din":"x"}]"#) == [
                "speed > 3 && din & 1@1 = false", "speed > 3@1 = there is no parameter 'speed'",
                "speed@1 = there is no parameter 'speed'", "din & 1@14 = '&' cannot be applied to these values",
                "din@14 = \"x\"",
            ])
    }

    @Test("a later row is traced with what lies before it")
    func memory() throws {
        let messages = #"[{"x":1,"timestamp":1},{"x":4,"timestamp":6}]"#
        #expect(
            try Self.trace("x - #x > duration()", messages, row: 1) == [
                "x - #x > duration()@1 = false", "x - #x@1 = 3", "x@1 = 4", "#x@5 = 1", "duration()@10 = 5",
            ])
    }

    @Test("the first part of a traced expression is its result, whatever the expression", arguments: 0..<30)
    func agreement(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let messages = try JSONValue(parsing: LimitTests.messages).arrayValue ?? []
        for _ in 0..<40 {
            let source = LimitTests.tree(4, &random)
            guard let trial = try? Trial(source, messages) else { continue }
            for row in 0..<trial.block.count {
                let traced = trial.program.trace(
                    trial.block, rows: 0..<trial.block.count, row: row, memory: ProgramMemory(for: trial.program),
                    environment: trial.environment)
                #expect(
                    zip(traced, traced.dropFirst()).allSatisfy { $0.column <= $1.column }, "seed \(seed): \(source)")
                #expect(traced.allSatisfy { source.contains($0.text) && !$0.text.isEmpty }, "seed \(seed): \(source)")
                #expect(traced.allSatisfy { ($0.value == nil) == ($0.error != nil) }, "seed \(seed): \(source)")
                guard let first = traced.first else { continue }
                let (found, expected) = (
                    "\(String(describing: first.value))", "\(String(describing: trial.column[row]))"
                )
                #expect(found == expected, "seed \(seed): \(source)")
            }
        }
    }

    @Test("a counter's parameter is traced as a whole")
    func parameter() {
        var layout = ColumnLayout()
        let program = Program(parameter: "any name", layout: &layout)
        let block = ExpressionBlock(timestamps: [0], columns: [ValueColumn(numbers: [5])])
        let traced = program.trace(
            block, rows: 0..<1, row: 0, memory: ProgramMemory(for: program), environment: ExpressionEnvironment())
        #expect(traced.map(\.text) == ["any name"] && traced.map(\.value) == [.number(5)])
    }
}
