import Testing

/// The habits of the project that a formatter does not see; each rule says which line breaks it, and why it is one.
struct TidyTests {
    @Test("there is source to look at")
    func hasFiles() {
        #expect(Project.sources.count > 100)
        #expect(Project.tests.count > 30)
    }

    @Test("a file has at most 500 lines")
    func fileLength() { report(Project.files.flatMap(SizeRules.fileLength)) }

    @Test("a line has at most 120 columns")
    func lineLength() { report(Project.files.flatMap(SizeRules.lineLength)) }

    @Test("a function has at most 70 lines")
    func functionLength() { report(Project.files.flatMap(SizeRules.functionLength)) }

    @Test("banned constructs are not used")
    func bannedConstructs() {
        report(BannedConstruct.all.flatMap { construct in Project.files.flatMap(construct.violations) })
    }

    @Test("what the compiler cannot prove is proved by a comment")
    func unsafeConstructs() { report(Project.files.flatMap(UnsafeRules.violations)) }

    @Test("every test states its rule in a sentence")
    func testNames() { report(Project.tests.flatMap(TestNameRule.violations)) }
}

/// Notes each violation as an issue of the running test.
func report(_ violations: [Violation]) {
    for violation in violations { Issue.record("\(violation)") }
}

enum TestNameRule {
    /// The tests that have no display name of several words.
    static func violations(in file: SourceFile) -> [Violation] {
        file.code.indices.compactMap { index in
            guard let mark = file.code[index].firstRange(of: "@Test"), isWhole(file.code[index][mark.upperBound...])
            else {
                return nil
            }
            // The name may stand on the next line; the text itself is only in the lines as they stand.
            let offset = file.code[index].utf8.distance(from: file.code[index].startIndex, to: mark.upperBound)
            let rest = String(decoding: Array(file.lines[index].utf8.dropFirst(offset)), as: UTF8.self)
            let next = file.lines.dropFirst(index + 1).first.map(String.init) ?? ""
            let text = (rest + next).drop { $0 == " " }
            let inside = text.dropFirst().drop { $0 == " " }
            let isNamed =
                text.first == "(" && inside.first == "\"" && inside.dropFirst().prefix { $0 != "\"" }.contains(" ")
            return isNamed
                ? nil : file.violation(line: index, "a test without a sentence: write @Test(\"what must hold\")")
        }
    }

    private static func isWhole(_ rest: Substring) -> Bool {
        rest.first.map { !($0.isLetter || $0.isNumber || $0 == "_") } ?? true
    }
}
