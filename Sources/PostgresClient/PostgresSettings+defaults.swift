/// What holds where neither the settings nor the environment say anything.
extension PostgresSettings {
    /// The name that `pg_stat_activity` shows.
    package static let applicationName = "odograph"

    /// The certificates of Debian's authorities; libpq itself only knows those in the user's home.
    static let authoritiesPath = "/etc/ssl/certs/ca-certificates.crt"

    /// What the machine says, passed in.
    struct Surroundings {
        var environment: (String) -> String?
        var isFile: (String) -> Bool
    }

    /// All parameters to hand to libpq for each host in turn: a list of hosts becomes one entry a host.
    func attempts(_ surroundings: Surroundings) -> [[String: String]] {
        let hosts = effective("host", surroundings).map(Self.list) ?? []
        let addresses = effective("hostaddr", surroundings).map(Self.list) ?? []
        let ports = effective("port", surroundings).map(Self.list) ?? []
        let count = max(hosts.count, addresses.count, 1)
        return (0..<count).map { index in
            var single = self
            if hosts.count > 1 { single["host"] = index < hosts.count ? hosts[index] : nil }
            if addresses.count > 1 { single["hostaddr"] = index < addresses.count ? addresses[index] : nil }
            if ports.count > 1 { single["port"] = index < ports.count ? ports[index] : ports.last }
            return single.completed(surroundings)
        }
    }

    /// The parameters with the defaults added.
    private func completed(_ surroundings: Surroundings) -> [String: String] {
        var result = parameters
        func add(_ keyword: String, _ value: String, unless variable: String? = nil) {
            if result[keyword] != nil { return }
            if let variable, surroundings.environment(variable) != nil { return }
            result[keyword] = value
        }
        add("sslmode", isLocal(surroundings) ? "prefer" : "verify-full", unless: "PGSSLMODE")
        let mode = result["sslmode"] ?? surroundings.environment("PGSSLMODE") ?? ""
        if mode.hasPrefix("verify"), !hasOwnAuthorities(surroundings), surroundings.isFile(Self.authoritiesPath) {
            add("sslrootcert", Self.authoritiesPath, unless: "PGSSLROOTCERT")
        }
        add("connect_timeout", "10", unless: "PGCONNECT_TIMEOUT")
        add("application_name", Self.applicationName, unless: "PGAPPNAME")
        add("keepalives", "1")
        add("keepalives_idle", "10")
        add("keepalives_interval", "5")
        add("keepalives_count", "3")
        add("tcp_user_timeout", "15000")
        // Texts are decoded as UTF-8, whatever the environment says.
        result["client_encoding"] = "UTF8"
        return result
    }

    /// Whether the host is a socket or this machine: then nobody can listen between.
    private func isLocal(_ surroundings: Surroundings) -> Bool {
        let names = ["host", "hostaddr"].compactMap { effective($0, surroundings) }.flatMap(Self.list)
        return names.allSatisfy(Self.isLocal)
    }

    private static func isLocal(_ host: String) -> Bool {
        if host.isEmpty || host.hasPrefix("/") || host.hasPrefix("@") { return true }
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    private func hasOwnAuthorities(_ surroundings: Surroundings) -> Bool {
        guard let home = surroundings.environment("HOME") else { return false }
        return surroundings.isFile(home + "/.postgresql/root.crt")
    }

    private func effective(_ keyword: String, _ surroundings: Surroundings) -> String? {
        self[keyword] ?? surroundings.environment("PG" + keyword.uppercased())
    }

    private static func list(_ text: String) -> [String] {
        text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
}
