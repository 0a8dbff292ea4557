import SQLiteClient
import Telemetry

extension SQLitePrimaryStore {
    private static let secretLength = 64
    private static let prefixLength = 6

    package func createToken(
        name: String, kind: TokenRecord.Kind, expires: Timestamp?, at moment: Timestamp
    ) throws(StoreError) -> CreatedToken {
        let secret = try RandomBytes.text(Self.secretLength)
        let digest = try RandomBytes.sha256(secret)
        let prefix = String(secret.prefix(Self.prefixLength))
        let id = try write { writer in
            // The table gives an id that it never gave before; the row follows with its checksum.
            try writer.connection.run(
                """
                INSERT INTO tokens (sha256, prefix, name, kind, created, revoked) VALUES (?, '', '', '', 0, 0)
                """, digest)
            let id = writer.connection.lastInsertID
            let expiry = expires.map { Cell.integer($0.microseconds) } ?? .null
            try CheckedTable.tokens.put(
                writer.connection,
                [
                    .integer(id), .blob(digest), .text(prefix), .text(name), .text(kind.rawValue),
                    .integer(moment.microseconds), expiry, .null, .integer(0),
                ])
            return id
        }
        return CreatedToken(id: id, secret: secret)
    }

    package func token(secret: String) throws(StoreError) -> TokenRecord? {
        let digest = try RandomBytes.sha256(secret)
        return try read { connection in
            var record: TokenRecord?
            try CheckedTable.tokens.forEach(connection, "WHERE sha256 = ?", digest) { record = try TokenRecord($0) }
            return record
        }
    }

    package func tokens() throws(StoreError) -> [TokenRecord] {
        try read { connection in
            try connection.transaction(isWriting: false) {
                try Totals.check(connection, "tokens")
                var records: [TokenRecord] = []
                try CheckedTable.tokens.forEach(connection, "ORDER BY id") { records.append(try TokenRecord($0)) }
                return records
            }
        }
    }

    package func revokeToken(_ id: Int64) throws(StoreError) {
        try write { writer in
            guard try writer.changeToken(id, { $0[8] = .integer(1) }) else {
                throw StoreError.notFound("token \(id)")
            }
        }
    }

    package func touchTokens(_ ids: [Int64], at moment: Timestamp) throws(StoreError) {
        try write { writer in
            for id in ids { _ = try writer.changeToken(id) { $0[7] = .integer(moment.microseconds) } }
        }
    }
}

extension Writer {
    /// Changes the row of a token; false if there is none.
    fileprivate func changeToken(_ id: Int64, _ body: (inout [Cell]) -> Void) throws -> Bool {
        guard var row = try CheckedTable.tokens.find(connection, id) else { return false }
        body(&row)
        try CheckedTable.tokens.put(connection, row)
        return true
    }
}

extension TokenRecord {
    fileprivate init(_ row: [Cell]) throws {
        guard let id = row[0].integer, let kind = Kind(rawValue: row[4].text ?? "") else {
            throw StoreError.corrupt(CheckedTable.tokens.label(row))
        }
        self.init(
            id: id, name: row[3].text ?? "", kind: kind, prefix: row[2].text ?? "",
            created: Timestamp(microseconds: row[5].integer ?? 0),
            expires: row[6].integer.map(Timestamp.init(microseconds:)),
            lastUsed: row[7].integer.map(Timestamp.init(microseconds:)), isRevoked: row[8].integer != 0)
    }
}
