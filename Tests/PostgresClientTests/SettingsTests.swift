import Testing

@testable import PostgresClient

struct SettingsTests {
    private func attempts(
        _ settings: PostgresSettings, _ environment: [String: String] = [:], files: Set<String> = []
    ) -> [[String: String]] {
        settings.attempts(.init(environment: { environment[$0] }, isFile: { files.contains($0) }))
    }

    @Test("a URL and a keyword string say the same")
    func reading() throws {
        let url = try PostgresSettings("postgres://u:p%40ss@db.example:6543/fleet?sslmode=require&application_name=x")
        let words = try PostgresSettings(
            "host=db.example port=6543 dbname=fleet user=u password='p@ss' sslmode=require application_name=x")
        #expect(url == words && url["password"] == "p@ss" && url.port == 6543 && url.database == "fleet")
        var fields = PostgresSettings(host: "db.example", port: 6543, database: "fleet", user: "u", password: "p@ss")
        fields["sslmode"] = "require"
        #expect(fields.setting("application_name", "x") == url)
    }

    @Test("the password is in no description, nor in the error of a string that cannot be read")
    func hiddenPassword() throws {
        let settings = try PostgresSettings("postgres://u:s3cret@h/d?sslpassword=s3cret2")
        var shown = "\(settings) \(String(reflecting: settings)) \([settings])"
        dump(settings, to: &shown)
        #expect(!shown.contains("s3cret") && shown.contains("password=…") && shown.contains("host=h"))
        for wrong in [
            "postgres://u:s3cret%ZZ@h/d", "password=s3cret s3cret", "password='s3cret", "postgres://u:s3cret@[h/d",
            "postgres://u@h/d?pasword=s3cret", "password s3cret", "s3cret=password",
        ] {
            let error = #expect(throws: PostgresError.self) { try PostgresSettings(wrong) }
            #expect(error.map { !"\($0)".contains("s3cret") } == true, "\(wrong)")
        }
    }

    @Test(
        "off this machine the server must prove who it is, unless something else is said",
        arguments: [
            ("db.example", "verify-full"), ("10.0.0.1", "verify-full"), ("127.0.0.1.example", "verify-full"),
            ("localhost.example", "verify-full"), ("127.1", "verify-full"),
            ("localhost", "prefer"), ("127.0.0.1", "prefer"), ("::1", "prefer"), ("/var/run/postgresql", "prefer"),
            ("@abstract", "prefer"), ("", "prefer"),
        ])
    func encryption(_ host: String, _ mode: String) throws {
        let settings = PostgresSettings(host: host, database: "d", user: "u")
        #expect(attempts(settings).allSatisfy { $0["sslmode"] == mode })
        #expect(attempts(settings.setting("sslmode", "disable")).allSatisfy { $0["sslmode"] == "disable" })
        #expect(attempts(settings, ["PGSSLMODE": "require"]).allSatisfy { $0["sslmode"] == nil })
        #expect(attempts(PostgresSettings(), ["PGHOST": host]).allSatisfy { $0["sslmode"] == mode })
        let mixed = attempts(settings.setting("host", "localhost,db.example")).map { $0["sslmode"] }
        #expect(mixed == ["prefer", "verify-full"])
        #expect(attempts(settings.setting("hostaddr", "10.0.0.1")).allSatisfy { $0["sslmode"] == "verify-full" })
    }

    @Test("the machine's authorities are trusted where there are none of the user's")
    func authorities() {
        let path = PostgresSettings.authoritiesPath
        let remote = PostgresSettings(host: "db.example", database: "d", user: "u")
        let local = PostgresSettings(host: "localhost", database: "d", user: "u")
        #expect(attempts(remote, files: [path])[0]["sslrootcert"] == path)
        #expect(attempts(remote)[0]["sslrootcert"] == nil)
        #expect(attempts(local, files: [path])[0]["sslrootcert"] == nil)
        let own: Set = [path, "/home/u/.postgresql/root.crt"]
        #expect(attempts(remote, ["HOME": "/home/u"], files: own)[0]["sslrootcert"] == nil)
        #expect(attempts(remote, ["PGSSLROOTCERT": "/x"], files: [path])[0]["sslrootcert"] == nil)
    }

    @Test("a broken line is noticed by default, and each host of a list is one attempt")
    func defaults() throws {
        let settings = try PostgresSettings("host=a,b port=1,2 dbname=d keepalives_idle=30")
        let found = attempts(settings)
        #expect(found.map { $0["host"] } == ["a", "b"] && found.map { $0["port"] } == ["1", "2"])
        for one in found {
            #expect(
                one["keepalives_idle"] == "30" && one["keepalives_interval"] == "5" && one["keepalives_count"] == "3")
            #expect(
                one["tcp_user_timeout"] == "15000" && one["connect_timeout"] == "10" && one["client_encoding"] == "UTF8"
            )
            #expect(one["application_name"] == PostgresSettings.applicationName)
        }
        #expect(
            attempts(PostgresSettings(), ["PGAPPNAME": "x", "PGCONNECT_TIMEOUT": "3"])[0].keys.contains(
                "application_name") == false)
    }

    @Test("a name is quoted, and one that is too long is refused or shortened without being taken for another")
    func names() throws {
        #expect("\(try PostgresName("select"))" == "\"select\"")
        #expect("\(try PostgresName("a\"b\u{301}\"\u{301}"))" == "\"a\"\"b\u{301}\"\"\u{301}\"")
        #expect("\(try PostgresTable(schema: "S", "t.u"))" == "\"S\".\"t.u\"")
        let long = String(repeating: "größe_", count: 12)
        for wrong in ["", "a\0b", long] { #expect(throws: PostgresError.self) { try PostgresName(wrong) } }
        let shortened = [long, long + "1", long + "2"].map { PostgresName.shortened($0) }
        #expect(Set(shortened).count == 3)
        for name in shortened {
            #expect(name.utf8.count <= 63 && name.utf8.count > 55 && name.hasPrefix("größe_größe_"))
        }
        #expect(try PostgresName(shortening: long).text == shortened[0])
        #expect(PostgresName.shortened(String(repeating: "x", count: 63)) == String(repeating: "x", count: 63))
        #expect("\(try PostgresLiteral("o'clock"))" == "'o''clock'")
        #expect("\(try PostgresLiteral("a\\'"))" == " E'a\\\\'''")
    }

    @Test("a UUID is read with and without hyphens, and nothing else is")
    func uuids() {
        let text = "01234567-89ab-cdef-0123-456789abcdef"
        #expect(PostgresUUID(text)?.description == text)
        #expect(PostgresUUID(text.filter { $0 != "-" }.uppercased())?.description == text)
        for wrong in ["", "x", String(text.dropLast()), "+1234567-89ab-cdef-0123-456789abcdef"] {
            #expect(PostgresUUID(wrong) == nil)
        }
    }
}
