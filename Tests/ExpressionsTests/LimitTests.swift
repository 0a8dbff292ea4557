import Expressions
import SeededRandom
import Telemetry
import Testing

@Suite("Limits of expressions")
struct LimitTests {
    @Test("4,096 bytes are read, however deep their tree; one more is refused")
    func sourceLength() throws {
        let chain = "1" + String(repeating: "+1", count: 2047) + " "
        #expect(chain.utf8.count == ExpressionLimits.sourceBytesMax)
        #expect(try Trial.value(chain) == .number(2048))
        let error = #expect(throws: ExpressionError.self) { try Trial(chain + " ") }
        #expect(error?.reason.contains("4096") ?? false)
        #expect(throws: ExpressionError.self) { try Trial("'" + String(repeating: "é", count: 2048) + "'") }
        #expect(try Trial.value("'" + String(repeating: "é", count: 2047) + "'")?.kind == .string)
    }

    @Test("64 levels are read, 65 are refused")
    func depth() throws {
        func nested(_ levels: Int) -> String {
            String(repeating: "(", count: levels - 1) + "1" + String(repeating: ")", count: levels - 1)
        }
        #expect(try Trial.value(nested(ExpressionLimits.depthMax)) == .number(1))
        let error = #expect(throws: ExpressionError.self) { try Trial(nested(ExpressionLimits.depthMax + 1)) }
        #expect(error?.reason.contains("deeper than 64") ?? false)
        #expect(error?.column == 65)
    }

    @Test(
        "whatever is nested without end is refused or read, never a crash",
        arguments: [
            "(", "!", "-", "~", "not(", "if(1,", "1?", "1?1:", "a['x']", "1-(", "x&&!", "abs(", "min(1,",
            "1||1&&1|1^1&1==1<1<<1+1*(",
        ])
    func endless(_ part: String) {
        let count = ExpressionLimits.sourceBytesMax / part.utf8.count
        for source in [String(repeating: part, count: count), String(repeating: part, count: count - 1) + "a"] {
            guard let trial = try? Trial(source) else { continue }
            #expect(trial.results.count == 1)
        }
    }

    @Test(
        "a long chain of any operator is evaluated",
        arguments: ["||", "&&", "|", "^", "&", "==", "<", "+", "-", "*", "/", "%"])
    func chains(_ operation: String) throws {
        let source = "1" + String(repeating: operation + "1", count: 4000 / (operation.count + 1))
        #expect(try Trial(source).results.count == 1)
    }

    private static let words = [
        "a", "b.c", "$a", "#a", "$none", "#s", "none", "s", "j", "1", "0", "-1", "2.5", "1e9", "0x1f", "'a'", "'5'",
        "\"a*\"", "null",
        "true", "false", "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "&", "|", "^", "~",
        "<<", ">>", "!",
        "?", ":", "(", ")", "(", ")", ",", "['/0']", "[", "]", " ", "timestamp", "@", "é", "🚚",
    ]
    static let messages = #"""
        [{"a":1,"s":"x","j":[1],"position.latitude":1,"position.longitude":1},{"b.c":-0.5,"a":null,"s":"5"},
         {"a":true,"s":"\u00e9","position.latitude":1.1,"position.longitude":1,"j":{"k":1}},{"a":"a","b.c":3}]
        """#

    private static let geofences = GeofenceSet([
        Geofence(
            id: 7, name: "around 1", priority: 1,
            shape: .circle(center: GeoPoint(latitude: 1, longitude: 1), radius: 20), json: .object([.init("a", .null)])),
        Geofence(id: 8, name: "at 1", shape: .circle(center: GeoPoint(latitude: 1, longitude: 1), radius: 1)),
    ])

    private static func check(_ source: String, _ messages: [JSONValue], _ seed: UInt64) throws {
        for scope in [ExpressionScope.messages, .interval] {
            let trial: Trial
            do throws(ExpressionError) {
                var layout = ColumnLayout()
                _ = try Program(source, scope: scope, layout: &layout)
            } catch {
                #expect((1...max(source.count + 1, 1)).contains(error.column), "seed \(seed): \(source): \(error)")
                continue
            }
            trial = try Trial(source, messages, scope: scope, geofences: geofences)
            let column = trial.column
            #expect(column.count == messages.count, "seed \(seed): \(source)")
            for row in 0..<column.count where column[row] == nil {
                #expect(column.kind(row) == .error, "seed \(seed): \(source)")
                let place = trial.program.explain(column, row: row)?.column ?? 0
                #expect((1...source.count).contains(place), "seed \(seed): \(source)")
            }
            let together = trial.results.map { "\(String(describing: $0))" }
            let apart = try trial.resultsApart().map { "\(String(describing: $0))" }
            #expect(together == apart, "seed \(seed): \(source)")
        }
    }

    @Test("random words never crash, and give the same in one block as message by message", arguments: 0..<60)
    func fuzzWords(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let words = Self.words + Function.all.map { $0.name + "(" }
        let messages = try JSONValue(parsing: Self.messages).arrayValue ?? []
        for _ in 0..<100 {
            let source = (0..<Int.random(in: 1...9, using: &random)).map { _ in
                words[Int.random(in: 0..<words.count, using: &random)]
            }.joined()
            try Self.check(source, messages, seed)
        }
    }

    @Test("random trees that do compile give the same in one block as message by message", arguments: 0..<60)
    func fuzzTrees(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let messages = try JSONValue(parsing: Self.messages).arrayValue ?? []
        for _ in 0..<60 { try Self.check(Self.tree(4, &random), messages, seed) }
    }

    static func tree(_ depth: Int, _ random: inout SeededGenerator) -> String {
        func pick(_ items: [String]) -> String { items[Int.random(in: 0..<items.count, using: &random)] }
        guard depth > 0, random.chance(0.8) else {
            return pick([
                "a", "b.c", "$a", "#a", "$b.c", "#s", "none", "s", "j", "1", "0", "-2.5", "'a'", "'5'", "null", "true",
                "timestamp",
            ])
        }
        switch Int.random(in: 0..<6, using: &random) {
        case 0, 1:
            let operation = pick(["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "&&", "||", "&", "|", "^", "~", "<<"])
            return "(" + tree(depth - 1, &random) + operation + tree(depth - 1, &random) + ")"
        case 2: return pick(["!", "-", "~"]) + "(" + tree(depth - 1, &random) + ")"
        case 3:
            return "(" + tree(depth - 1, &random) + "?" + tree(depth - 1, &random) + ":" + tree(depth - 1, &random)
                + ")"
        default:
            let function = Function.all[Int.random(in: 0..<Function.all.count, using: &random)]
            let count = Int.random(
                in: function.arguments
                    .lowerBound...max(function.arguments.lowerBound, min(function.arguments.upperBound, 4)),
                using: &random)
            let isNamed = ["exists", "previous", "json"].contains(function.name)
            let arguments = (0..<count).map { $0 == 0 && isNamed ? "'a'" : tree(depth - 1, &random) }
            return function.name + "(" + arguments.joined(separator: ",") + ")"
        }
    }

    @Test("random bytes never crash", arguments: 0..<40)
    func fuzzBytes(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let bytes = (0..<Int.random(in: 0..<30, using: &random)).map { _ in
                UInt8(truncatingIfNeeded: random.next()) & (random.chance(0.9) ? 0x7f : 0xff)
            }
            _ = try? Trial(String(decoding: bytes, as: UTF8.self)).results
        }
    }

    @Test("a damaged memory is refused, not read")
    func memory() throws {
        let program = try Trial("#a + mileage()").program
        for length in 0..<11 {
            var reader = ByteReader([UInt8](repeating: 1, count: length))
            #expect(throws: MalformedBytes.self) { try ProgramMemory(for: program, from: &reader) }
        }
    }
}
