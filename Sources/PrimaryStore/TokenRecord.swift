import Telemetry

/// A key to the API, without its secret.
package struct TokenRecord: Sendable, Hashable {
    package enum Kind: String, Sendable, CaseIterable { case master, standard }

    package var id: Int64
    package var name: String
    package var kind: Kind
    /// The first characters of the secret, to tell tokens apart.
    package var prefix: String
    package var created: Timestamp
    package var expires: Timestamp?
    package var lastUsed: Timestamp?
    package var isRevoked: Bool

    package init(
        id: Int64, name: String, kind: Kind, prefix: String, created: Timestamp, expires: Timestamp?,
        lastUsed: Timestamp?, isRevoked: Bool
    ) {
        self.id = id
        self.name = name
        self.kind = kind
        self.prefix = prefix
        self.created = created
        self.expires = expires
        self.lastUsed = lastUsed
        self.isRevoked = isRevoked
    }

    /// Whether it opens the API at a moment.
    package func isValid(at moment: Timestamp) -> Bool {
        !isRevoked && expires.map { moment < $0 } ?? true
    }
}

/// A token just made: the only time its secret is seen.
package struct CreatedToken: Sendable {
    package var id: Int64
    package var secret: String

    package init(id: Int64, secret: String) {
        self.id = id
        self.secret = secret
    }
}
