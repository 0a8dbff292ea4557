import Expressions
import Telemetry
import Testing

@Suite("Variables, and the intervals of other calculators")
struct VariableTests {
    @Test(
        "a name that is a variable is read from the slot with a mark, whichever way it is read",
        arguments: [
            ("x + y", ["@x", "y"]), ("$x", ["@x"]), ("#x", ["@x"]), ("previous('x')", ["@x"]), ("exists('x')", ["@x"]),
            ("json('x', 0)", ["@x"]), ("x['/0']", ["@x"]), ("y", ["y"]), ("'x'", []), ("x + #x + $x", ["@x"]),
        ])
    func slots(_ source: String, _ names: [String]) throws {
        var layout = ColumnLayout()
        let program = try Program(source, variables: ["x"], layout: &layout)
        #expect(layout.names == names)
        #expect(program.variableNames == (names.contains("@x") ? ["x"] : []))
        #expect(program.readsVariables == names.contains("@x"))
        #expect(!program.names.contains("@x") && !program.previousNames.contains("@x"))
    }

    @Test("a counter of one parameter reads the variable of that name")
    func parameter() {
        var layout = ColumnLayout()
        #expect(Program(parameter: "x", variables: ["x"], layout: &layout).variableNames == ["x"])
        #expect(Program(parameter: "x", layout: &layout).variableNames == [])
        #expect(layout.names == ["@x", "x"])
    }

    @Test("values come from the variable's column, errors show the name as it was written")
    func values() throws {
        let trial = try Trial("x + 1", #"[{"x":5,"@x":7},{"x":5}]"#, variables: ["x"])
        #expect(trial.results == [.number(8), nil])
        #expect(trial.program.explain(trial.column, row: 1)?.reason == "there is no parameter 'x'")
        #expect(try Trial("#x", #"[{"@x":7},{"@x":8}]"#, variables: ["x"]).results == [nil, .number(7)])
        let first = try Trial("#x", #"[{"x":1}]"#, variables: ["x"])
        #expect(first.program.explain(first.column, row: 0)?.reason.contains("has no 'x'") ?? false)
    }

    @Test("the position that mileage() reads is the message's, whatever the variables are called")
    func position() throws {
        let messages = #"[{"position.latitude":0,"position.longitude":0}]"#
        #expect(try Trial("mileage()", messages, variables: ["position.latitude"]).results == [.number(0)])
    }

    @Test(
        "of another calculator's intervals neither the previous one nor id and timestamp are read",
        arguments: [
            ("duration + #end", 12, "previous 'end'"), ("previous('end')", 1, "previous 'end'"), ("id", 1, "'id'"),
            ("1+$timestamp", 3, "'timestamp'"), ("mileage()", 1, "messages"), ("hour()", 1, "needs a time"),
            ("geofence()", 1, "messages"), ("begin == previous(\"end\")", 10, "previous 'end'"),
        ])
    func source(_ source: String, _ column: Int, _ reason: String) {
        let error = #expect(throws: ExpressionError.self) { try Trial(source, scope: .source) }
        #expect(error?.column == column && error?.reason.contains(reason) ?? false, "\(error?.description ?? "")")
    }

    @Test("the fields of another calculator's interval are read")
    func sourceFields() throws {
        let trial = try Trial(
            "end - begin > 5 && speed && hour(begin) == 1", #"[{"begin":3600,"end":3610,"speed":3}]"#, scope: .source)
        #expect(trial.results == [.boolean(true)])
    }
}
