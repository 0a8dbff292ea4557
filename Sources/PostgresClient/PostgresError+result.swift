import CPostgres

extension PostgresError {
    /// The fields of an error or notice that a server sent.
    private enum Field: UInt8 {
        case severity = 0x56  // V
        case sqlState = 0x43  // C
        case message = 0x4D  // M
        case detail = 0x44  // D
        case hint = 0x48  // H
        case context = 0x57  // W
        case schema = 0x73  // s
        case table = 0x74  // t
        case column = 0x63  // c
        case constraint = 0x6E  // n
        case function = 0x52  // R

        func text(of result: OpaquePointer) -> String? {
            PQresultErrorField(result, Int32(rawValue)).map { String(cString: $0) }
        }
    }

    /// The error that a result holds.
    init(result: OpaquePointer, statement: String?) {
        let state = Field.sqlState.text(of: result)
        let raw = Field.message.text(of: result) ?? PQresultErrorMessage(result).map { String(cString: $0) } ?? ""
        // Without a state it is libpq that speaks, and it speaks of the connection.
        self.init(
            state == nil ? .connection : .server, ServerWords.message(raw, sqlState: state), sqlState: state,
            statement: statement)
        severity = Field.severity.text(of: result)
        detail = Field.detail.text(of: result).flatMap { ServerWords.detail($0, sqlState: state) }
        hint = Field.hint.text(of: result)
        context = Field.context.text(of: result).flatMap(ServerWords.context)
        schema = Field.schema.text(of: result)
        table = Field.table.text(of: result)
        column = Field.column.text(of: result)
        constraint = Field.constraint.text(of: result)
    }

    /// Whether the server dropped a prepared statement, or cannot use it since a table has changed.
    static func isStalePreparation(_ result: OpaquePointer) -> Bool {
        switch Field.sqlState.text(of: result) {
        case "26000": return true
        case "0A000": return Field.function.text(of: result) == "RevalidateCachedQuery"
        default: return false
        }
    }

    /// The error of a connection that could not be made, from libpq's words in its verbose form, where the state stands
    /// between two colons.
    init(connecting words: String) {
        let lines = words.split(separator: "\n").filter { !$0.hasPrefix("LOCATION:") }
        var text = ServerWords.oneLine(lines.joined(separator: "\n"))
        var state: String?
        if let found = Self.stateRange(in: text) {
            state = String(text[found].prefix(5))
            text.removeSubrange(found)
        }
        self.init(state == nil ? .connection : .server, text, sqlState: state)
        isConnectionLost = true
    }

    /// The first `XXXXX: ` after a colon and two blanks.
    private static func stateRange(in text: String) -> Range<String.Index>? {
        var rest = text[...]
        while let mark = rest.firstRange(of: ":  ") {
            rest = rest[mark.upperBound...]
            let state = rest.prefix(5)
            let isState = state.utf8.allSatisfy { (48...57).contains($0) || (65...90).contains($0) }
            if state.count == 5, isState, rest.dropFirst(5).hasPrefix(": ") {
                return rest.startIndex..<rest.index(rest.startIndex, offsetBy: 7)
            }
        }
        return nil
    }
}

/// A warning or other notice of the server; it is no error, and values in it are hidden as in errors.
package struct PostgresNotice: Sendable, Hashable {
    package var severity: String
    package var sqlState: String
    package var message: String

    package init(severity: String, sqlState: String, message: String) {
        self.severity = severity
        self.sqlState = sqlState
        self.message = message
    }
}
