/// Something that is not written in this project, and why.
struct BannedConstruct: Sendable {
    /// How it is spelt in code.
    let spelling: String
    let reason: String
    /// The files it is banned in.
    let isBanned: @Sendable (SourceFile) -> Bool

    private init(
        _ spelling: String, _ reason: String, in isBanned: @escaping @Sendable (SourceFile) -> Bool = { _ in true }
    ) {
        self.spelling = spelling
        self.reason = reason
        self.isBanned = isBanned
    }

    static let all: [BannedConstruct] = [
        BannedConstruct("try!", "a failed `try!` ends the process: throw, or handle it"),
        BannedConstruct("as!", "a failed `as!` ends the process: ask with `as?`"),
        BannedConstruct("Task {", "a task without a parent outlives what started it: use a task group or a Service"),
        BannedConstruct(
            "Task.detached", "a task without a parent outlives what started it: use a task group or a Service"),
        BannedConstruct(
            "[String: Any]", "values without a type cost 66 ns a look-up and hide mistakes: use JSONValue or a struct"),
        BannedConstruct("Date()", "time is passed in as a Timestamp, so that tests can pass a clock"),
        BannedConstruct("print(", "only commands write to standard output: log, or record an issue") {
            // The simulation tells how many seeds it ran, and after how many a seeded bug was found.
            !$0.path.hasPrefix("Sources/odograph/") && !$0.path.hasPrefix("Tests/SimulationTests/")
        },
        BannedConstruct("Thread.sleep", "tests wait for events, never for time: pass a clock", in: \.isTest),
        BannedConstruct("usleep(", "tests wait for events, never for time: pass a clock", in: \.isTest),
        BannedConstruct("Task.sleep", "tests wait for events, never for time: pass a clock", in: \.isTest),
    ]

    func violations(in file: SourceFile) -> [Violation] {
        guard isBanned(file) else { return [] }
        return file.code.indices.filter { stands(in: file.code[$0]) }.map {
            file.violation(line: $0, "`\(spelling)`: \(reason)")
        }
    }

    /// Whether the spelling stands in a line as a word of its own: `addTask {` is no `Task {`.
    private func stands(in line: Substring) -> Bool {
        var rest = line
        while let range = rest.firstRange(of: spelling) {
            let before = range.lowerBound > line.startIndex ? line[line.index(before: range.lowerBound)] : " "
            let begins = spelling.first.map { $0.isLetter } ?? false
            if !begins || !(before.isLetter || before.isNumber || before == "_" || before == ".") { return true }
            rest = rest[range.upperBound...]
        }
        return false
    }
}

/// What takes the compiler's proof away and so needs one in words.
enum UnsafeRules {
    static let spellings = ["@unchecked Sendable", "nonisolated(unsafe)", "unsafeBitCast"]

    /// The places without a comment on the line, or on the lines right above it.
    static func violations(in file: SourceFile) -> [Violation] {
        file.code.indices.compactMap { index in
            guard let spelling = spellings.first(where: { file.code[index].contains($0) }) else { return nil }
            let isProved = file.lines[index].contains("//") || comments(above: index, in: file)
            return isProved ? nil : file.violation(line: index, "`\(spelling)` without a comment that proves it")
        }
    }

    private static func comments(above index: Int, in file: SourceFile) -> Bool {
        let above = file.lines[..<index].reversed().lazy.map { $0.drop { $0 == " " } }
        return above.first { !$0.hasPrefix("@") }?.hasPrefix("//") ?? false
    }
}
