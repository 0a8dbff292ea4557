import Testing

/// The rules find what they are for, and nothing else.
struct RuleTests {
    private func file(_ text: String, path: String = "Sources/Telemetry/A.swift") -> SourceFile {
        SourceFile(path: path, text: text)
    }

    private func banned(_ text: String, path: String = "Sources/Telemetry/A.swift") -> [String] {
        BannedConstruct.all.filter { !$0.violations(in: file(text, path: path)).isEmpty }.map(\.spelling)
    }

    @Test("comments and the text of strings are no code, interpolations are")
    func mask() {
        #expect(banned("let a = 1 // try! this") == [])
        #expect(banned("/* as! /* nested */ try! */ let a = 1") == [])
        #expect(banned("let a = \"try! \\\" as!\"") == [])
        #expect(banned("let a = \"\"\"\n  try! \"quoted\" as!\n  \"\"\"") == [])
        #expect(banned("let a = #\"try! \\(b) \"# + c as! D") == ["as!"])
        #expect(banned("let a = \"\\(try! b(\"as!\"))\"") == ["try!"])
    }

    @Test("a banned construct is found as a word, with its line")
    func words() {
        #expect(banned("group.addTask { await run() }") == [])
        #expect(banned("Task { await run() }") == ["Task {"])
        #expect(banned("debugPrint(a); log.print(b)") == [])
        #expect(banned("print(a)") == ["print("])
        #expect(banned("print(a)", path: "Sources/odograph/A.swift") == [])
        #expect(banned("usleep(3)") == [])
        #expect(banned("usleep(3)", path: "Tests/ATests/A.swift") == ["usleep("])
        let found = BannedConstruct.all[0].violations(in: file("let a = 1\nlet b = try! c()"))
        #expect(found.map(\.line) == [2])
        #expect(found.first?.description.hasPrefix("Sources/Telemetry/A.swift:2: `try!`: ") == true)
    }

    @Test("a function reaches from its keyword to its brace; one without a body is none")
    func functions() {
        let text = """
            protocol P {
                func a()
                var b: Int { get }
            }
            struct S {
                init(_ c: () -> Void = {}) { self.init() }
                func d(
                    e: [Int]
                ) -> Int {
                    if true { return [1].map { $0 }[0] }
                    func inner() {}
                    return 2
                }
            }
            """
        let found = FunctionScanner.functions(in: file(text)).map { "\($0.name) \($0.firstLine) \($0.lineCount)" }
        #expect(found == ["init 5 1", "func inner 10 1", "func d 6 7"])
    }

    @Test("a line of 121 columns is too long, one of 120 is not")
    func columns() {
        #expect(SizeRules.lineLength(file(String(repeating: "é", count: 120))).isEmpty)
        #expect(SizeRules.lineLength(file("\n" + String(repeating: "é", count: 121))).map(\.line) == [2])
    }

    @Test("a function of 71 lines is too long, and a file of 501")
    func lengths() {
        let body = String(repeating: "    call()\n", count: 69)
        #expect(SizeRules.functionLength(file("func a() {\n\(body)}\n")).count == 1)
        #expect(SizeRules.functionLength(file("func a() {\n\(body.dropLast(11))}\n")).isEmpty)
        #expect(SizeRules.fileLength(file(String(repeating: "\n", count: 501))).count == 1)
        #expect(SizeRules.fileLength(file(String(repeating: "\n", count: 500))).isEmpty)
    }

    @Test("a test without a sentence is found")
    func sentences() {
        let found = TestNameRule.violations(
            in: file(
                "@Test func a() {}\n@Test(\"two words\") func b() {}\n@Test(\n    \"a rule\",\n@Test(\"one\")\n@Testing"
            ))
        #expect(found.map(\.line) == [1, 5])
    }

    @Test("an unsafe construct needs a comment on or right above its line")
    func unsafeConstructs() {
        #expect(UnsafeRules.violations(in: file("/// Proof.\nfinal class A: @unchecked Sendable {}")).isEmpty)
        #expect(UnsafeRules.violations(in: file("let b = 1\nfinal class A: @unchecked Sendable {}")).map(\.line) == [2])
    }

    @Test("the manifest's targets are read with what their constants stand for")
    func manifest() {
        let manifest = Manifest(
            """
            let core: [Target.Dependency] = ["A", "B"]
            let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
            let package = Package(
                products: [.library(name: "L", targets: ["A"])],
                targets: [
                    .systemLibrary(name: "C", path: "Sources/System/C", providers: [.apt(["libc"])]),
                    module("A"),
                    module("D", core + ["C", logging]),
                    // module("E"),
                    .executableTarget(name: "x", dependencies: core + ["D"], swiftSettings: settings),
                    tests("DTests", ["D"], resources: [.copy("f")]),
                ]
            )
            """)
        #expect(
            manifest.targets == [
                .init(name: "C", path: "Sources/System/C", dependencies: []),
                .init(name: "A", path: "Sources/A", dependencies: []),
                .init(name: "D", path: "Sources/D", dependencies: ["A", "B", "Logging", "C"]),
                .init(name: "x", path: "Sources/x", dependencies: ["A", "B", "D"]),
                .init(name: "DTests", path: "Tests/DTests", dependencies: ["D"]),
            ])
    }

    @Test("imports are read with their attributes and access")
    func imports() {
        let text = "import A\n@testable import B\npackage import C\nimport struct D.E\n// import F\nlet important = 1"
        #expect(file(text).imports.map(\.module) == ["A", "B", "C", "D"])
    }
}
