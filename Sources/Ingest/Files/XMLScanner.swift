/// A pull scanner for XML: elements, attributes and text, as much as recordings need.
///
/// It checks that elements nest, resolves the five named entities and character references, and passes over comments,
/// processing instructions and document types. Namespace prefixes are dropped. Entities are never defined nor fetched.
struct XMLScanner {
    static let nameLengthMax = 256
    static let textLengthMax = 65_536
    static let attributeCountMax = 64
    static let depthMax = 64

    enum Event: Equatable {
        case start(String, attributes: [String: String])
        case end(String)
        case text(String)
    }

    private var open: [String] = []
    private var pendingEnd: String?

    /// The next event; nil at the end of the document.
    mutating func next(_ source: inout ByteSource) throws(ImportError) -> Event? {
        if let name = pendingEnd {
            pendingEnd = nil
            return .end(name)
        }
        while let byte = try source.peek() {
            guard byte == UInt8(ascii: "<") else { return .text(try text(&source)) }
            _ = try source.next()
            if let event = try markup(&source) { return event }
        }
        if let unclosed = open.last { throw malformed(source.line, "<\(unclosed)> does not end") }
        return nil
    }
}

extension XMLScanner {
    private func malformed(_ line: Int, _ reason: String) -> ImportError { .malformed(line: line, reason: reason) }

    /// What follows `<`; nil for what is passed over.
    private mutating func markup(_ source: inout ByteSource) throws(ImportError) -> Event? {
        switch try source.peek() {
        case UInt8(ascii: "!"):
            _ = try source.next()
            return try declaration(&source)
        case UInt8(ascii: "?"):
            try skip(&source, through: "?>")
            return nil
        case UInt8(ascii: "/"):
            _ = try source.next()
            return try endTag(&source)
        default: return try startTag(&source)
        }
    }

    private func declaration(_ source: inout ByteSource) throws(ImportError) -> Event? {
        if try source.take(UInt8(ascii: "-")) {
            try expect(&source, "-")
            try skip(&source, through: "-->")
            return nil
        }
        if try source.take(UInt8(ascii: "[")) {
            for scalar in "CDATA[".unicodeScalars { try expect(&source, scalar) }
            return .text(String(decoding: try bytes(&source, through: "]]>", keep: true), as: UTF8.self))
        }
        try skipDocumentType(&source)
        return nil
    }

    /// Passes over `<!DOCTYPE …>` with the brackets it may have.
    private func skipDocumentType(_ source: inout ByteSource) throws(ImportError) {
        var depth = 1
        while depth > 0 {
            switch try source.next() {
            case UInt8(ascii: "<"): depth += 1
            case UInt8(ascii: ">"): depth -= 1
            case nil: throw malformed(source.line, "the document type does not end")
            default: break
            }
        }
    }

    private mutating func endTag(_ source: inout ByteSource) throws(ImportError) -> Event {
        let name = try name(&source)
        try skipSpace(&source)
        try expect(&source, ">")
        guard open.popLast() == name else { throw malformed(source.line, "</\(name)> closes nothing") }
        return .end(local(name))
    }

    private mutating func startTag(_ source: inout ByteSource) throws(ImportError) -> Event {
        let name = try name(&source)
        var attributes: [String: String] = [:]
        while true {
            try skipSpace(&source)
            if try source.take(UInt8(ascii: ">")) {
                guard open.count < Self.depthMax else { throw malformed(source.line, "nested too deeply") }
                open.append(name)
                return .start(local(name), attributes: attributes)
            }
            if try source.take(UInt8(ascii: "/")) {
                try expect(&source, ">")
                pendingEnd = local(name)
                return .start(local(name), attributes: attributes)
            }
            let key = try self.name(&source)
            try skipSpace(&source)
            try expect(&source, "=")
            try skipSpace(&source)
            guard attributes.count < Self.attributeCountMax else {
                throw malformed(source.line, "<\(name)> has too many attributes")
            }
            attributes[local(key)] = try attributeValue(&source)
        }
    }

    private func attributeValue(_ source: inout ByteSource) throws(ImportError) -> String {
        let quote = try source.next()
        guard let quote, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
            throw malformed(source.line, "the value of an attribute stands in quotes")
        }
        var value: [UInt8] = []
        while let byte = try source.next(), byte != quote {
            guard byte != UInt8(ascii: "<"), value.count < Self.textLengthMax else {
                throw malformed(source.line, "the value of an attribute does not end")
            }
            try append(byte, to: &value, &source)
        }
        return String(decoding: value, as: UTF8.self)
    }

    private func text(_ source: inout ByteSource) throws(ImportError) -> String {
        var text: [UInt8] = []
        while let byte = try source.peek(), byte != UInt8(ascii: "<") {
            _ = try source.next()
            // Beyond the limit text is passed over: nothing that is read here is as long.
            if text.count < Self.textLengthMax { try append(byte, to: &text, &source) }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Adds a byte, or what the reference that begins with it stands for.
    private func append(_ byte: UInt8, to text: inout [UInt8], _ source: inout ByteSource) throws(ImportError) {
        guard byte == UInt8(ascii: "&") else { return text.append(byte) }
        var name: [UInt8] = []
        while let next = try source.next(), next != UInt8(ascii: ";") {
            guard name.count < 10 else { throw malformed(source.line, "'&' begins no entity; write &amp;") }
            name.append(next)
        }
        let entity = String(decoding: name, as: UTF8.self)
        guard let character = Self.character(entity) else { throw malformed(source.line, "unknown entity &\(entity);") }
        text.append(contentsOf: String(character).utf8)
    }

    private static func character(_ entity: String) -> Character? {
        switch entity {
        case "lt": return "<"
        case "gt": return ">"
        case "amp": return "&"
        case "quot": return "\""
        case "apos": return "'"
        default:
            guard entity.hasPrefix("#") else { return nil }
            let isHexadecimal = entity.hasPrefix("#x")
            let code = UInt32(entity.dropFirst(isHexadecimal ? 2 : 1), radix: isHexadecimal ? 16 : 10)
            return code.flatMap { UnicodeScalar($0) }.map { Character($0) }
        }
    }

    private func name(_ source: inout ByteSource) throws(ImportError) -> String {
        var name: [UInt8] = []
        while let byte = try source.peek(), byte > 0x20, !"<>/=\"'&".utf8.contains(byte) {
            guard name.count < Self.nameLengthMax else { throw malformed(source.line, "a name is too long") }
            name.append(byte)
            _ = try source.next()
        }
        guard !name.isEmpty else { throw malformed(source.line, "a name is missing after '<'") }
        return String(decoding: name, as: UTF8.self)
    }

    private func local(_ name: String) -> String {
        name.lastIndex(of: ":").map { String(name[name.index(after: $0)...]) } ?? name
    }

    private func skipSpace(_ source: inout ByteSource) throws(ImportError) {
        while let byte = try source.peek(), byte <= 0x20 { _ = try source.next() }
    }

    private func expect(_ source: inout ByteSource, _ scalar: Unicode.Scalar) throws(ImportError) {
        guard try source.take(UInt8(ascii: scalar)) else { throw malformed(source.line, "expected '\(scalar)'") }
    }

    private func skip(_ source: inout ByteSource, through end: String) throws(ImportError) {
        _ = try bytes(&source, through: end, keep: false)
    }

    /// What stands before an end mark of two or three characters.
    private func bytes(
        _ source: inout ByteSource, through end: String, keep: Bool
    ) throws(ImportError) -> [UInt8] {
        let end = Array(end.utf8)
        var kept: [UInt8] = []
        while let byte = try source.next() {
            kept.append(byte)
            if kept.suffix(end.count).elementsEqual(end) { return Array(kept.dropLast(end.count)) }
            if !keep, kept.count > 1024 { kept.removeFirst(kept.count - end.count) }
            if kept.count > Self.textLengthMax { throw malformed(source.line, "a text is too long") }
        }
        throw malformed(source.line, "'\(String(decoding: end, as: UTF8.self))' is missing")
    }
}
