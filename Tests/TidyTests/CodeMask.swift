/// Blanks out the comments and the text of strings in Swift source, so that rules see code alone.
///
/// Every byte keeps its place: the result is as long as the source, with its lines where they were. Code inside of
/// string interpolations stays.
struct CodeMask {
    private enum Frame {
        /// Code; inside of an interpolation with the number of parentheses that are open.
        case code(depth: Int?)
        case string(quotes: Int, hashes: Int)
    }

    private let source: [UInt8]
    private var result: [UInt8]
    private var index = 0
    private var frames: [Frame] = [.code(depth: nil)]

    private init(_ text: String) {
        source = Array(text.utf8)
        result = source
    }

    static func masked(_ text: String) -> [UInt8] {
        var mask = CodeMask(text)
        while mask.index < mask.source.count { mask.step() }
        return mask.result
    }

    private mutating func step() {
        switch frames.last {
        case .string(let quotes, let hashes)?: stepInString(quotes, hashes)
        case .code(let depth)?: stepInCode(depth)
        case nil: preconditionFailure("the outermost frame is never left")
        }
    }

    private mutating func stepInCode(_ depth: Int?) {
        if stands("//") { return blankLine() }
        if stands("/*") { return blankBlock() }
        if let hashes = hashesBeforeQuote() {
            index += hashes
            let quotes = stands("\"\"\"") ? 3 : 1
            index += quotes
            return frames.append(.string(quotes: quotes, hashes: hashes))
        }
        if let depth { followParentheses(depth) }
        index += 1
    }

    private mutating func followParentheses(_ depth: Int) {
        if source[index] == UInt8(ascii: "(") { frames[frames.count - 1] = .code(depth: depth + 1) }
        if source[index] == UInt8(ascii: ")") {
            if depth == 1 { frames.removeLast() } else { frames[frames.count - 1] = .code(depth: depth - 1) }
        }
    }

    private mutating func stepInString(_ quotes: Int, _ hashes: Int) {
        let hashText = String(repeating: "#", count: hashes)
        if stands(String(repeating: "\"", count: quotes) + hashText) {
            index += quotes + hashes
            frames.removeLast()
        } else if stands("\\" + hashText + "(") {
            index += hashes + 2
            frames.append(.code(depth: 1))
        } else if stands("\\" + hashText) {
            for _ in 0..<hashes + 2 { blank() }
        } else if quotes == 1, source[index] == UInt8(ascii: "\n") {
            frames.removeLast()
        } else {
            blank()
        }
    }

    private mutating func blankLine() {
        while index < source.count, source[index] != UInt8(ascii: "\n") { blank() }
    }

    private mutating func blankBlock() {
        var depth = 0
        repeat {
            if stands("/*") { depth += 1 } else if stands("*/") { depth -= 1 } else { blank(); continue }
            blank()
            blank()
        } while depth > 0 && index < source.count
    }

    private mutating func blank() {
        guard index < source.count else { return }
        if source[index] != UInt8(ascii: "\n") { result[index] = UInt8(ascii: " ") }
        index += 1
    }

    private func stands(_ text: String) -> Bool { source[index...].starts(with: text.utf8) }

    /// The number of hashes if a string begins here; nil if none does.
    private func hashesBeforeQuote() -> Int? {
        let rest = source[index...]
        let hashes = rest.prefix { $0 == UInt8(ascii: "#") }.count
        return rest.dropFirst(hashes).first == UInt8(ascii: "\"") ? hashes : nil
    }
}
