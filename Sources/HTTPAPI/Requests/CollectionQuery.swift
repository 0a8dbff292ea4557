import Expressions
import Telemetry

/// Which fields and which part of a collection are wanted: `fields`, `limit`, `offset`.
struct CollectionQuery {
    /// Nil: all of them.
    let fields: [String]?
    private let limit: Int
    private let offset: Int
    private let isAsked: Bool
    /// What the answer says of the page; nil where everything fits and no page was asked for.
    private(set) var shown: Page?

    init(_ call: Call, known: [String], noun: String, limits: APILimits) throws(APIFailure) {
        var input = call.queryFields
        fields = try Self.fields(input.string("fields"), known: known, noun: noun)
        let limit = input.integer("limit", 1...Int64(limits.pageMax))
        let offset = input.integer("offset", 0...(1 << 40))
        try input.check()
        self.limit = limit.map(Int.init) ?? limits.pageMax
        self.offset = offset.map(Int.init) ?? 0
        isAsked = limit != nil || offset != nil
    }

    /// The names of a list, each of which must be known.
    static func fields(_ list: String?, known: [String], noun: String) throws(APIFailure) -> [String]? {
        guard let list else { return nil }
        let names = list.commaList
        if let unknown = names.first(where: { !known.contains($0) }) {
            let meant = nearestName(to: unknown, among: known)
            throw APIFailure(
                [
                    ErrorItem(
                        .badRequest, "a \(noun) has no field \"\(unknown)\"",
                        hint: meant.map { "did you mean \"\($0)\"?" }, path: "fields")
                ], schemaHint: SchemaHint(fields: known, suggestion: meant))
        }
        return names.isEmpty ? nil : names
    }

    mutating func page<Item>(of items: [Item]) -> [Item] {
        let part = Array(items.dropFirst(offset).prefix(limit))
        if isAsked || part.count < items.count { shown = Page(limit: limit, offset: offset, count: items.count) }
        return part
    }
}

extension JSONValue {
    /// An object with the given fields alone, in the order it has them.
    func cut(to fields: [String]?) -> JSONValue {
        guard let fields, let members else { return self }
        return .object(members.filter { fields.contains($0.key) })
    }
}
