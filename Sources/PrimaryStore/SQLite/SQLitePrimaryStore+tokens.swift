import SQLiteClient
import Telemetry

extension SQLitePrimaryStore {
    private static let secretLength = 64
    private static let prefixLength = 6
    private static let tokenColumns = "id, name, kind, prefix, created, expires, last_used, revoked"

    package func createToken(
        name: String, kind: TokenRecord.Kind, expires: Timestamp?, at moment: Timestamp
    ) throws(StoreError) -> CreatedToken {
        let secret = try RandomBytes.text(Self.secretLength)
        let digest = try RandomBytes.sha256(secret)
        let id = try write { writer in
            try writer.connection.run(
                """
                INSERT INTO tokens (sha256, prefix, name, kind, created, expires, revoked)
                VALUES (?, ?, ?, ?, ?, ?, 0)
                """, digest, String(secret.prefix(Self.prefixLength)), name, kind.rawValue, moment.microseconds,
                expires?.microseconds)
            return writer.connection.lastInsertID
        }
        return CreatedToken(id: id, secret: secret)
    }

    package func token(secret: String) throws(StoreError) -> TokenRecord? {
        let digest = try RandomBytes.sha256(secret)
        return try read { connection in
            try connection.statement("SELECT \(Self.tokenColumns) FROM tokens WHERE sha256 = ?", digest)
                .first(TokenRecord.init)
        }
    }

    package func tokens() throws(StoreError) -> [TokenRecord] {
        try read { connection in
            var records: [TokenRecord] = []
            try connection.statement("SELECT \(Self.tokenColumns) FROM tokens ORDER BY id").forEachRow { row in
                records.append(try TokenRecord(row))
            }
            return records
        }
    }

    package func revokeToken(_ id: Int64) throws(StoreError) {
        try write { writer in
            try writer.connection.run("UPDATE tokens SET revoked = 1 WHERE id = ?", id)
            guard writer.connection.changeCount == 1 else { throw StoreError.notFound("token \(id)") }
        }
    }

    package func touchTokens(_ ids: [Int64], at moment: Timestamp) throws(StoreError) {
        try write { writer in
            for id in ids {
                try writer.connection.run("UPDATE tokens SET last_used = ? WHERE id = ?", moment.microseconds, id)
            }
        }
    }
}

extension TokenRecord {
    /// Reads a row of id, name, kind, prefix, created, expires, last_used, revoked.
    fileprivate init(_ row: Statement) throws {
        guard let kind = Kind(rawValue: row.text(2)) else { throw StoreError.corrupt("token \(row.int64(0))") }
        self.init(
            id: row.int64(0), name: row.text(1), kind: kind, prefix: row.text(3),
            created: Timestamp(microseconds: row.int64(4)),
            expires: row.optionalInt64(5).map(Timestamp.init(microseconds:)),
            lastUsed: row.optionalInt64(6).map(Timestamp.init(microseconds:)), isRevoked: row.bool(7))
    }
}
