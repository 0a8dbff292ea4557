import Telemetry

/// Decodes a body of messages into columns in one pass, without a tree of values between.
///
/// A body is a JSON array of flat objects, one object, or objects one after another (JSON lines). A syntax error
/// refuses the body and names its place; anything else that is wrong costs one message or one parameter, and is listed.
package struct MessageDecoder: Sendable {
    private let table: ParameterTable
    private let limits: DecodingLimits
    private let caches: KeyCachePool

    package init(table: ParameterTable, limits: DecodingLimits = DecodingLimits()) {
        self.table = table
        self.limits = limits
        caches = KeyCachePool(nameLengthMax: limits.nameLengthMax)
    }

    /// The bytes of the names that it keeps from body to body: at most `KeyCachePool.bytesMax` for each of
    /// `KeyCachePool.cachesMax` caches.
    var keptNameBytes: Int { caches.byteCount }

    package func decode(_ bytes: [UInt8], acceptance: Acceptance) throws(JSONError) -> DecodedMessages {
        try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) -> DecodedMessages in
            try decode(buffer, acceptance: acceptance)
        }
    }

    package func decode(
        _ bytes: UnsafeRawBufferPointer, acceptance: Acceptance
    ) throws(JSONError) -> DecodedMessages {
        try bytes.withMemoryRebound(to: UInt8.self) { (buffer) throws(JSONError) -> DecodedMessages in
            try decode(buffer, acceptance: acceptance)
        }
    }

    private func decode(
        _ bytes: UnsafeBufferPointer<UInt8>, acceptance: Acceptance
    ) throws(JSONError) -> DecodedMessages {
        var scanner = JSONScanner(bytes)
        var assembler = MessageAssembler(
            table: table, limits: limits, acceptance: acceptance, keys: caches.borrow())
        defer { caches.giveBack(assembler.keys) }
        switch scanner.peek() {
        case UInt8(ascii: "["): try decodeArray(&scanner, &assembler)
        case UInt8(ascii: "{"): try decodeLines(&scanner, &assembler)
        default: throw scanner.unexpected("expected an array of messages, or messages one after another")
        }
        guard scanner.isAtEnd else { throw scanner.unexpected("expected the end of the text") }
        return assembler.take()
    }

    private func decodeArray(
        _ scanner: inout JSONScanner, _ assembler: inout MessageAssembler
    ) throws(JSONError) {
        try scanner.expect(UInt8(ascii: "["))
        if scanner.take(UInt8(ascii: "]")) { return }
        var index = 0
        repeat {
            try scanner.readMessage(into: &assembler, index: index)
            index += 1
        } while scanner.take(UInt8(ascii: ","))
        guard scanner.take(UInt8(ascii: "]")) else { throw scanner.unexpected("expected ',' or ']'") }
    }

    private func decodeLines(
        _ scanner: inout JSONScanner, _ assembler: inout MessageAssembler
    ) throws(JSONError) {
        var index = 0
        while scanner.peek() != nil {
            try scanner.readMessage(into: &assembler, index: index)
            index += 1
        }
    }
}

extension JSONScanner {
    /// Reads one message; a value that is not an object is passed over and listed.
    mutating func readMessage(into assembler: inout MessageAssembler, index: Int) throws(JSONError) {
        assembler.begin(index: index)
        guard peek() == UInt8(ascii: "{") else {
            let found = try value().kind.noun
            return assembler.refuseMessage(nil, "a message must be an object, this is \(found)")
        }
        try expect(UInt8(ascii: "{"))
        if !take(UInt8(ascii: "}")) {
            repeat { try readParameter(into: &assembler) } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "}")) else { throw unexpected("expected ',' or '}'") }
        }
        assembler.finish()
    }

    private mutating func readParameter(into assembler: inout MessageAssembler) throws(JSONError) {
        let key: Int
        if let next = assembler.takeKey(from: &self) {
            key = next
        } else if let name = plainString() {
            key = assembler.key(name)
        } else {
            key = assembler.key(try string())
        }
        try expect(UInt8(ascii: ":"))
        switch peek() {
        case UInt8(ascii: "\""):
            if let text = plainString() {
                assembler.set(key, text: text)
            } else {
                assembler.set(key, text: try string().utf8)
            }
        case UInt8(ascii: "{"), UInt8(ascii: "["): assembler.set(key, text: try JSONValue(&self).text.utf8, kind: .json)
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"):
            if case .boolean(let flag) = try literal() {
                assembler.set(key, boolean: flag)
            } else {
                assembler.setNull(key)
            }
        default: assembler.set(key, number: try number())
        }
    }
}
