import Telemetry
import Testing

@Suite("Tests of expressions")
struct ExpressionTestTests {
    @Test(
        "One message gives one result",
        arguments: [
            ("{\"expression\":\"position.speed*2\",\"input\":{\"position.speed\":4}}", "8"),
            ("{\"expression\":\"1+1\"}", "2"),
            ("{\"expression\":\"$x\",\"input\":{}}", "null"),
            ("{\"expression\":\"x\",\"input\":{\"x\":[1,{\"a\":2}]}}", "[1,{\"a\":2}]"),
            ("{\"expression\":\"x+' km/h'\",\"input\":{\"x\":5}}", "\"5 km/h\""),
            ("{\"expression\":\"x>1\",\"input\":{\"x\":5}}", "true"),
            (
                """
                {"expression":"geofence()","input":{"position.latitude":1,"position.longitude":2},"geofences":[\
                {"name":"yard","type":"circle","center":{"lat":1,"lon":2},"radius":1}]}
                """, "\"yard\""
            ),
            ("{\"expression\":\"metadata('a')\",\"metadata\":{\"a\":7}}", "7"),
            ("{\"expression\":\"hour()\",\"input\":{\"timestamp\":1700000000}}", "22"),
            ("{\"expression\":\"hour()\",\"input\":{\"timestamp\":1700000000},\"timezone\":\"Europe/Paris\"}", "23"),
        ])
    func single(body: String, result: String) async throws {
        try await TestHouse.open { house in
            let response = try await house.send("POST", "/storage/expressions/test", body)
            #expect(response.body == "{\"result\":[{\"code\":0,\"index\":0,\"result\":\(result)}]}", "\(response)")
        }
    }

    @Test("Of an array each message sees the one before it; what cannot be computed has code 1 and its column")
    func array() async throws {
        try await TestHouse.open { house in
            let body = """
                {"expression":"x-#x","input":[{"x":1},{"x":5},{"y":1},{"x":9,"y":2}]}
                """
            let result = try await house.send("POST", "/storage/expressions/test", body).result
            #expect(result.map { $0["code"]?.integerValue } == [1, 0, 1, 1])
            #expect(result.map { $0["index"]?.integerValue } == [0, 1, 2, 3])
            #expect(result[1]["result"] == .number(4))
            #expect(result[0]["error"]?.text == "{\"column\":3,\"reason\":\"the previous message has no 'x'\"}")
            #expect(result[2]["error"]?.text == "{\"column\":1,\"reason\":\"there is no parameter 'x'\"}")
            let seconds = try await house.send(
                "POST", "/storage/expressions/test",
                "{\"expression\":\"duration()\",\"input\":[{\"timestamp\":5},{\"timestamp\":7.5}]}")
            #expect(seconds.result.map { $0["result"]?.numberValue } == [0, 2.5])
            let none = try await house.send("POST", "/storage/expressions/test", "{\"expression\":\"1\",\"input\":[]}")
            #expect(none.body == "{\"result\":[]}")
        }
    }

    @Test("A number that JSON cannot hold is an error, not a result")
    func infinite() async throws {
        try await TestHouse.open { house in
            let response = try await house.send(
                "POST", "/storage/expressions/test", "{\"expression\":\"x*x\",\"input\":{\"x\":1e300}}")
            #expect(response.status == 200 && response.result.first?["code"] == .number(1), "\(response)")
        }
    }

    @Test(
        "What cannot be compiled, or is misspelt, is refused",
        arguments: [
            ("{\"expression\":\"position.speed >\"}", "expression", 17),
            ("{\"expression\":\"1 + sqroot(4)\"}", "did you mean", 5), ("{}", "expression is missing", nil),
            ("{\"expresion\":\"1\"}", "did you mean \"expression\"?", nil),
            ("{\"expression\":\"1\",\"input\":5}", "input must be an object", nil),
            ("{\"expression\":\"1\",\"input\":[{},5]}", "input[1] must be an object", nil),
            ("{\"expression\":\"1\",\"geofences\":[{\"name\":\"a\",\"type\":\"circle\"}]}", "geofences[0].", nil),
            ("{\"expression\":\"1\",\"geofences\":{}}", "geofences must be an array", nil),
            ("{\"expression\":\"1\",\"timezone\":\"Nowhere\"}", "timezone", nil),
            ("{\"expression\":\"1\",\"metadata\":5}", "metadata must be an object", nil),
            ("5", "must be an object", nil),
        ] as [(String, String, Int?)])
    func refused(body: String, reason: String, column: Int?) async throws {
        try await TestHouse.open { house in
            let response = try await house.send("POST", "/storage/expressions/test", body)
            #expect(response.status == 400 && response.reasons.contains(reason), "\(response)")
            if let column { #expect(response.errors.first?["column"] == .number(Double(column)), "\(response)") }
        }
    }

    @Test("More messages than one test takes are refused")
    func limit() async throws {
        try await TestHouse.open { house in
            let input = (0...1_000).map { _ in "{}" }.joined(separator: ",")
            let body = "{\"expression\":\"1\",\"input\":[\(input)]}"
            let response = try await house.send("POST", "/storage/expressions/test", body)
            #expect(response.status == 413, "\(response)")
        }
    }

    @Test("A function is listed with its use, what it does, and how many arguments it takes")
    func functions() async throws {
        try await TestHouse.open { house in
            let result = try await house.send("GET", "/storage/expressions/functions").result
            let round = try #require(result.first { $0["name"] == .string("round") })
            #expect(round["usage"] == .string("round(x[, digits])"))
            #expect(round["description"]?.stringValue?.isEmpty == false)
            #expect(round["arguments"]?.text == "{\"min\":1,\"max\":2}")
        }
    }

    @Test("Every example that is listed gives the listed result when it is sent back")
    func examples() async throws {
        try await TestHouse.open { house in
            let functions = try await house.send("GET", "/storage/expressions/functions").result
            var count = 0
            for example in functions.flatMap({ $0["examples"]?.arrayValue ?? [] }) {
                var body = example
                let result = try #require(example["result"])
                body["result"] = nil
                let response = try await house.send("POST", "/storage/expressions/test", body.text)
                #expect(response.result.last?["result"] == result, "\(body.text): \(response)")
                count += 1
            }
            #expect(count > functions.count / 2)
        }
    }
}
