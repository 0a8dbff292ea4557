import CPostgres

/// Where a database is and how to get in: what libpq calls connection parameters.
///
/// What is not set is taken from the environment (`PGHOST`, `PGPASSFILE`, …) and then from libpq, as always; only where
/// both say nothing do the defaults of `PostgresSettings+defaults` hold. The password is in no description.
package struct PostgresSettings: Sendable, Hashable {
    /// What is set, by libpq's keyword.
    package private(set) var parameters: [String: String] = [:]

    private static let secrets: Set = ["password", "sslpassword"]

    /// Nothing set: all comes from the environment.
    package init() {}

    /// Reads `postgres://user:password@host:port/database?sslmode=…` or `host=… dbname=…`.
    package init(_ text: String) throws(PostgresError) {
        guard !text.utf8.contains(0) else {
            throw PostgresError(.client, "the connection string has a NUL character in it")
        }
        var words: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(text, &words) else {
            let reason = words.map { String(cString: $0) } ?? "out of memory"
            PQfreemem(words)
            // What libpq quotes may be a part of the password.
            let shown = ServerWords.withoutQuoted(reason.split(separator: "\n").first ?? "")
            throw PostgresError(.client, "the connection string cannot be read: \(shown)")
        }
        defer { PQconninfoFree(options) }
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { parameters[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
    }

    /// The fields of their own; a host that begins with a slash is the folder of a socket.
    package init(host: String, port: Int? = nil, database: String, user: String, password: String? = nil) {
        parameters["host"] = host
        parameters["port"] = port.map { String($0) }
        parameters["dbname"] = database
        parameters["user"] = user
        parameters["password"] = password
    }

    /// A parameter by libpq's keyword, such as `sslmode` or `target_session_attrs`; nil leaves it to the environment.
    package subscript(keyword: String) -> String? {
        get { parameters[keyword] }
        set { parameters[keyword] = newValue }
    }

    package var host: String? { parameters["host"] }
    package var port: Int? { parameters["port"].flatMap { Int($0) } }
    package var database: String? { parameters["dbname"] }
    package var user: String? { parameters["user"] }

    /// The same way to another database.
    package func database(_ name: String) -> PostgresSettings { setting("dbname", name) }

    /// The same database as another user.
    package func user(_ name: String, password: String?) -> PostgresSettings {
        setting("user", name).setting("password", password)
    }

    package func setting(_ keyword: String, _ value: String?) -> PostgresSettings {
        var result = self
        result[keyword] = value
        return result
    }
}

extension PostgresSettings: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The parameters as a connection string, with secrets hidden.
    package var description: String {
        parameters.sorted { $0.key < $1.key }.map { keyword, value in
            let shown = Self.secrets.contains(keyword) ? ServerWords.hidden : value
            return "\(keyword)=\(shown)"
        }.joined(separator: " ")
    }

    package var debugDescription: String { description }

    /// What a debugger or `dump` shows: the description alone.
    package var customMirror: Mirror { Mirror(self, children: ["settings": description]) }
}
