/// The targets of `Package.swift`, read from its text.
///
/// It understands the few forms that the manifest uses: `module(…)`, `tests(…)` and the targets of the package
/// description, whose dependencies are texts, lists, and constants made of them.
struct Manifest: Sendable {
    struct Target: Sendable, Equatable {
        var name: String
        /// The folder, from the top of the project.
        var path: String
        /// Modules and products by name.
        var dependencies: [String]
    }

    private(set) var targets: [Target] = []

    private let text: [UInt8]
    private let code: [UInt8]
    private var constants: [String: [String]] = [:]

    init(_ text: String) {
        self.text = Array(text.utf8)
        code = CodeMask.masked(text)
        readConstants()
        guard let list = code.firstRange(of: Array("targets: [\n".utf8)) else { return }
        for item in parts(from: list.upperBound) { if let target = target(item) { targets.append(target) } }
    }

    subscript(name: String) -> Target? { targets.first { $0.name == name } }

    /// `let name = …` at the top: the texts of a list, or the name of a product.
    private mutating func readConstants() {
        var start = 0
        while let end = code[start...].firstIndex(of: UInt8(ascii: "\n")) {
            if code[start...].starts(with: "let ".utf8), let sign = code[start..<end].firstIndex(of: UInt8(ascii: "="))
            {
                let name = String(
                    decoding: code[(start + 4)..<end].prefix { FunctionScanner.isWord($0) }, as: UTF8.self)
                let value = sign..<end
                let isProduct = code[value].firstRange(of: Array(".product(".utf8)) != nil
                constants[name] = isProduct ? Array(texts(in: value).prefix(1)) : texts(in: value)
            }
            start = end + 1
        }
    }

    /// The ranges between commas from an offset to the bracket that closes around it.
    private func parts(from start: Int) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var (begin, depth, index) = (start, 0, start)
        while index < code.count, depth >= 0 {
            switch code[index] {
            case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
            if depth < 0 || (depth == 0 && code[index] == UInt8(ascii: ",")) {
                result.append(begin..<index)
                begin = index + 1
            }
            index += 1
        }
        return result
    }

    private func target(_ range: Range<Int>) -> Target? {
        guard let bracket = code[range].firstIndex(of: UInt8(ascii: "(")) else { return nil }
        let kind = words(in: range.lowerBound..<bracket).last ?? ""
        let arguments = parts(from: bracket + 1)
        guard let first = arguments.first, let name = texts(in: first).first else { return nil }
        let folder = kind == "tests" || kind == "testTarget" ? "Tests" : "Sources"
        let path = argument("path", arguments).flatMap { texts(in: $0).first } ?? "\(folder)/\(name)"
        let isShort = kind == "module" || kind == "tests"
        let unlabelled = arguments.dropFirst().first.flatMap { hasLabel($0) ? nil : $0 }
        let list = isShort ? unlabelled : argument("dependencies", arguments)
        return Target(name: name, path: path, dependencies: list.map(dependencies) ?? [])
    }

    private func argument(_ label: String, _ arguments: [Range<Int>]) -> Range<Int>? {
        arguments.first { hasLabel($0) && words(in: $0).first == label }
    }

    /// Whether a colon comes before any bracket or text.
    private func hasLabel(_ range: Range<Int>) -> Bool {
        code[range].first { [UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "\"")].contains($0) }
            == UInt8(ascii: ":")
    }

    private func dependencies(_ range: Range<Int>) -> [String] {
        let named = words(in: range).flatMap { constants[$0] ?? [] }
        var seen: Set<String> = []
        return (named + texts(in: range)).filter { seen.insert($0).inserted }
    }

    private func words(in range: Range<Int>) -> [String] {
        code[range].split { !FunctionScanner.isWord($0) }.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The texts between quotes.
    private func texts(in range: Range<Int>) -> [String] {
        let quotes = range.filter { code[$0] == UInt8(ascii: "\"") }
        return stride(from: 0, to: quotes.count - 1, by: 2).map { place in
            String(decoding: text[(quotes[place] + 1)..<quotes[place + 1]], as: UTF8.self)
        }
    }
}
