/// A function, initialiser or subscript with a body.
struct FunctionExtent: Equatable {
    var name: String
    /// The index of the line with its keyword.
    var firstLine: Int
    /// Lines from the keyword to the closing brace, both included.
    var lineCount: Int
}

/// Finds functions by counting brackets in code that holds no comments and no texts.
struct FunctionScanner {
    private let code: [UInt8]
    private var line = 0
    private var depth = 0
    /// Functions whose body has not begun, with the bracket depth at their keyword; at most one waits.
    private var waiting: (name: String, line: Int, depth: Int)?
    /// Functions whose body is open, with the depth around it.
    private var open: [(name: String, line: Int, depth: Int)] = []
    private var found: [FunctionExtent] = []

    static func functions(in file: SourceFile) -> [FunctionExtent] {
        var scanner = FunctionScanner(code: Array(file.code.joined(separator: "\n").utf8))
        scanner.scan()
        return scanner.found
    }

    private init(code: [UInt8]) { self.code = code }

    private mutating func scan() {
        var index = 0
        while index < code.count {
            let byte = code[index]
            if Self.isWord(byte) {
                let end = wordEnd(index)
                take(word: index..<end)
                index = end
                continue
            }
            switch byte {
            case UInt8(ascii: "\n"): line += 1
            case UInt8(ascii: "("), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "{"): openBrace()
            case UInt8(ascii: "}"): closeBrace()
            default: break
            }
            index += 1
        }
    }

    /// A keyword that declares begins a function; the next one, without a body between, shows that it had none.
    private mutating func take(word range: Range<Int>) {
        let word = String(decoding: code[range], as: UTF8.self)
        if let pending = waiting, depth <= pending.depth, Self.otherDeclarations.contains(word) { waiting = nil }
        let isMember = range.lowerBound > 0 && code[range.lowerBound - 1] == UInt8(ascii: ".")
        guard Self.keywords.contains(word), !isMember else { return }
        waiting = (word == "func" ? "func " + name(after: range.upperBound) : word, line, depth)
    }

    private mutating func openBrace() {
        if let pending = waiting, depth == pending.depth {
            open.append((pending.name, pending.line, depth))
            waiting = nil
        }
        depth += 1
    }

    private mutating func closeBrace() {
        depth -= 1
        if let pending = waiting, depth < pending.depth { waiting = nil }
        guard let last = open.last, last.depth == depth else { return }
        open.removeLast()
        found.append(FunctionExtent(name: last.name, firstLine: last.line, lineCount: line - last.line + 1))
    }

    private func name(after index: Int) -> String {
        let rest = code[index...].drop { $0 == UInt8(ascii: " ") }
        return String(decoding: rest.prefix { ![0x20, 0x28, 0x3c, 0x0a].contains($0) }, as: UTF8.self)
    }

    private func wordEnd(_ start: Int) -> Int {
        code[start...].firstIndex { !Self.isWord($0) } ?? code.count
    }

    private static let keywords: Set = ["func", "init", "deinit", "subscript"]
    private static let otherDeclarations: Set = [
        "var", "let", "struct", "class", "enum", "extension", "protocol", "actor", "case", "associatedtype",
    ]

    static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...0xff:
            true
        default: false
        }
    }
}
