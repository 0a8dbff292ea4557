import PrimaryStore
import Telemetry

extension API {
    func listTokens(_ call: Call) async throws(APIFailure) -> Answer {
        Answer(result: try await stored { store throws(StoreError) in try store.tokens() }.map(\.json))
    }

    /// Makes tokens; only this answer holds their keys.
    func createTokens(_ call: Call) async throws(APIFailure) -> Answer {
        let moment = now()
        return try await create(call) { value, path throws(APIFailure) in
            let request = try TokenRequest(value, path: path, now: moment, limits: limits)
            let created = try await stored { store throws(StoreError) in
                try store.createToken(name: request.name, kind: request.kind, expires: request.expires, at: moment)
            }
            return (
                [
                    .object([
                        .init("id", JSONValue(created.id)), .init("name", .string(request.name)),
                        .init("kind", .string(request.kind.rawValue)), .init("key", .string(created.secret)),
                        .init("expires", JSONValue(request.expires)),
                    ])
                ], []
            )
        }
    }

    func revokeTokens(_ call: Call) async throws(APIFailure) -> Answer {
        let words = call.segment("id").commaList
        let ids = words.compactMap { Int64($0) }
        guard !ids.isEmpty, ids.count == words.count, ids.count <= limits.itemsMax else {
            throw APIFailure(
                .badRequest, "\"\(call.segment("id").prefix(60))\" is no token", hint: "an id, or ids with commas")
        }
        var (result, errors) = ([JSONValue](), [ErrorItem]())
        for id in ids {
            do throws(APIFailure) {
                try await stored { store throws(StoreError) in try store.revokeToken(id) }
                result.append(.object([.init("id", JSONValue(id))]))
            } catch {
                errors += error.items.map { ErrorItem($0.code, $0.reason, hint: $0.hint, id: id) }
            }
        }
        authenticator.forget()
        return Answer(result: result, errors: errors)
    }
}

/// A token that is asked for.
private struct TokenRequest {
    var name: String
    var kind: TokenRecord.Kind
    var expires: Timestamp?

    init(_ value: JSONValue, path: String, now: Timestamp, limits: APILimits) throws(APIFailure) {
        var fields = InputFields(value, path: path)
        name = fields.string("name") ?? ""
        if name.isEmpty || name.utf8.count > limits.nameBytesMax {
            fields.fail("name", "must have 1 to \(limits.nameBytesMax) bytes")
        }
        let word = fields.string("kind") ?? TokenRecord.Kind.standard.rawValue
        let kind = TokenRecord.Kind(rawValue: word)
        if kind == nil {
            let kinds = TokenRecord.Kind.allCases.map(\.rawValue).joined(separator: ", ")
            fields.fail("kind", "\"\(word.prefix(40))\" is none of \(kinds)")
        }
        expires = fields.moment("expires")
        if let ttl = fields.integer("ttl", 1...(100 * 366 * 86_400)) {
            if expires != nil { fields.fail("ttl", "and expires cannot both be given") }
            expires = now.advanced(bySeconds: Double(ttl))
        }
        if let expires, expires <= now { fields.fail("expires", "is in the past") }
        fields.refuseUnknown("a token")
        try fields.check()
        self.kind = kind ?? .standard
    }
}

extension TokenRecord {
    fileprivate var json: JSONValue {
        .object([
            .init("id", JSONValue(id)), .init("name", .string(name)), .init("kind", .string(kind.rawValue)),
            .init("prefix", .string(prefix)), .init("created", .number(created.seconds)),
            .init("expires", JSONValue(expires)), .init("last_used", JSONValue(lastUsed)),
            .init("revoked", .boolean(isRevoked)),
        ])
    }
}
