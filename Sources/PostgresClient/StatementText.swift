/// A statement as errors show it: short, on one line, and without the texts that stand in it.
enum StatementText {
    static let charactersMax = 500
    /// No more of a statement than this is looked at.
    private static let bytesMax = 4096

    /// The statement with `'…'` for every text, also for those in dollar signs.
    static func hidden(_ sql: String) -> String {
        var scanner = Scanner(bytes: Array(sql.utf8.prefix(bytesMax)))
        scanner.scan()
        let text = String(decoding: scanner.shown, as: UTF8.self)
        let isCut = text.count > charactersMax || sql.utf8.count > bytesMax
        return isCut ? text.prefix(charactersMax) + ServerWords.hidden : text
    }

    private struct Scanner {
        let bytes: [UInt8]
        var shown: [UInt8] = []
        private var index = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func scan() {
            while index < bytes.count {
                switch bytes[index] {
                case UInt8(ascii: "'"): skipText()
                case UInt8(ascii: "$"): skipDollarText()
                case UInt8(ascii: "\""): copyName()
                case 9, 10, 13, 32: copyBlank()
                default: copyByte()
                }
            }
        }

        private mutating func copyByte() {
            shown.append(bytes[index])
            index += 1
        }

        /// A run of blanks and line ends is one blank.
        private mutating func copyBlank() {
            if shown.last != 32 { shown.append(32) }
            index += 1
        }

        private mutating func copyName() {
            repeat { copyByte() } while index < bytes.count && bytes[index] != UInt8(ascii: "\"")
            if index < bytes.count { copyByte() }
        }

        /// `'…'`, where two marks stand for one, and after an E a backslash takes the next character with it.
        private mutating func skipText() {
            let hasEscapes = shown.last == UInt8(ascii: "E") || shown.last == UInt8(ascii: "e")
            index += 1
            while index < bytes.count {
                if hasEscapes, bytes[index] == UInt8(ascii: "\\") {
                    index += 2
                    continue
                }
                guard bytes[index] == UInt8(ascii: "'") else {
                    index += 1
                    continue
                }
                index += 1
                guard index < bytes.count, bytes[index] == UInt8(ascii: "'") else { break }
                index += 1
            }
            shown += "'…'".utf8
        }

        /// `$tag$…$tag$`; a `$1` is a parameter and stays.
        private mutating func skipDollarText() {
            let rest = bytes[(index + 1)...]
            guard let end = rest.firstIndex(where: { !Self.isTag($0) }), bytes[end] == UInt8(ascii: "$"),
                !(rest.first.map { (48...57).contains($0) } ?? false)
            else { return copyByte() }
            let tag = Array(bytes[index...end])
            let close = bytes[(end + 1)...].firstRange(of: tag)
            index = close?.upperBound ?? bytes.count
            shown += tag + "…".utf8 + tag
        }

        private static func isTag(_ byte: UInt8) -> Bool {
            byte == 95 || (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        }
    }
}
