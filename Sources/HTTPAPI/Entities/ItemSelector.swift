import Expressions
import Telemetry

/// Which entities a path names (§6.2): `123`, `1,2`, `all`, `field=value` with wildcards, `{expression}`.
enum ItemSelector: Sendable {
    case all
    case ids([Int64])
    /// A field by its dotted path, and the pattern its value must match.
    case field([String], pattern: String)
    case expression(RowFilter)

    /// Whether single entities are named, so that one that is missing is an error.
    var namesIDs: Bool { if case .ids = self { true } else { false } }

    init(_ text: String, of kind: SelectableKind, limits: APILimits) throws(APIFailure) {
        guard text.utf8.count <= limits.selectorBytesMax else {
            throw APIFailure(.badRequest, "the selector is over \(limits.selectorBytesMax) bytes")
        }
        if text == "all" {
            self = .all
        } else if text.hasPrefix("{") {
            self = try Self.expression(text, limits: limits)
        } else if let sign = text.firstIndex(of: "="), sign != text.startIndex {
            self = try Self.field(text[..<sign], text[text.index(after: sign)...], of: kind)
        } else {
            self = try Self.ids(text, of: kind)
        }
    }

    private static func ids(_ text: String, of kind: SelectableKind) throws(APIFailure) -> ItemSelector {
        var ids: [Int64] = []
        var seen: Set<Int64> = []
        for word in text.commaList {
            guard let id = Int64(word), id > 0 else {
                throw APIFailure(
                    .badRequest, "\"\(word.prefix(60))\" selects no \(kind.noun)",
                    hint: "a selector is an id, ids with commas, all, field=value or {expression}")
            }
            if seen.insert(id).inserted { ids.append(id) }
        }
        guard !ids.isEmpty else { throw APIFailure(.badRequest, "the selector is empty") }
        return .ids(ids)
    }

    private static func field(
        _ name: Substring, _ value: Substring, of kind: SelectableKind
    ) throws(APIFailure) -> ItemSelector {
        var path =
            name == "ident" && kind == .device
            ? ["configuration", "ident"] : name.split(separator: ".").map(String.init)
        let root = path.first ?? ""
        guard kind.fields.contains(root) || SelectableKind(relation: root).map(kind.isRelated) ?? false else {
            let meant = nearestName(to: root, among: kind.fields)
            throw APIFailure(
                [
                    ErrorItem(
                        .badRequest, "a \(kind.noun) has no field \"\(root)\"",
                        hint: meant.map { "did you mean \"\($0)\"?" })
                ], schemaHint: SchemaHint(fields: kind.fields, suggestion: meant))
        }
        if path.isEmpty { path = [root] }
        let isQuoted = value.count >= 2 && (value.first == "\"" || value.first == "'") && value.last == value.first
        return .field(path, pattern: String(isQuoted ? value.dropFirst().dropLast() : value))
    }

    private static func expression(_ text: String, limits: APILimits) throws(APIFailure) -> ItemSelector {
        guard text.hasSuffix("}") else { throw APIFailure(.badRequest, "the selector lacks its closing brace") }
        let source = String(text.dropFirst().dropLast())
        return .expression(try RowFilter(source, named: "selector", limits: limits))
    }
}

extension JSONValue {
    /// The value at a dotted path; a key may itself hold dots.
    func value(at path: some Collection<String>) -> JSONValue? {
        guard !path.isEmpty else { return self }
        guard members != nil else { return nil }
        for count in 1...path.count {
            let key = path.prefix(count).joined(separator: ".")
            if let inner = self[key], let found = inner.value(at: path.dropFirst(count)) { return found }
        }
        return nil
    }

    /// A value as the text of a selector spells it.
    var selectorText: String { stringValue ?? text }
}
