import FleetSchema
import FoundationEssentials
import PostgresClient
@testable import Publishing
import Testing
import ThrowAwayPostgres

@Suite struct MigrationTextTests {
    private var folder: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Sources/FleetSchema/SQL")
    }

    @Test("every file of the folder is part of the program, in its order and byte for byte")
    func embedded() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(names.count == Int(fleet_schema_count()))
        for (index, name) in names.enumerated() {
            let bytes = [UInt8](try Data(contentsOf: folder.appending(path: name)))
            let text = try #require(fleet_schema_text(Int32(index)))
            let length = fleet_schema_length(Int32(index))
            #expect([UInt8](UnsafeBufferPointer(start: text, count: length)) == bytes, "\(name)")
            let migration = Migration.all[index]
            let digits = String(1000 + migration.version).dropFirst()
            #expect("\(digits)_\(migration.name).sql" == name)
            #expect(Array(migration.text.utf8) == bytes)
            #expect(migration.version == index + 1)
        }
        #expect(fleet_schema_text(Int32(names.count)) == nil && fleet_schema_text(-1) == nil)
    }

    @Test("a checksum is the SHA-256 of the text")
    func checksum() {
        #expect(
            Migration(version: 1, name: "abc", text: "abc").checksum
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test(
        "a name of a role that could be more than a name is refused",
        arguments: ["", "Owner", "a b", "a\"b", "a'b", "a;b", "1a", "é", "pg_me", "a-b", "{{reader}}", "a\0b"])
    func names(name: String) throws {
        let error = try thrown(MigrationError.self) { _ = try RoleNames(owner: name, writer: "w", reader: "r") }
        #expect(error == .invalidRole(name))
        #expect(try RoleNames(owner: "o_1", writer: "_w", reader: "r2").owner == "o_1")
    }

    @Test("three roles have three names of at most 63 characters")
    func lengths() throws {
        let long = String(repeating: "a", count: 63)
        #expect(try RoleNames(owner: long, writer: "w", reader: "r").owner == long)
        #expect(throws: MigrationError.invalidRole(long + "a")) {
            try RoleNames(owner: long + "a", writer: "w", reader: "r")
        }
        #expect(throws: MigrationError.sameRoles) { try RoleNames(owner: "o", writer: "same", reader: "same") }
    }
}

@Suite(.needsPostgres)
struct MigrationTests {
    private static let last = Migration.all.count

    /// Lends an empty database of the shared server.
    private func empty(_ body: (PostgresConnection) throws -> Void) throws {
        try ThrowAwayPostgres.shared().withDatabase { settings in
            let connection = try PostgresConnection(settings)
            defer { connection.close() }
            try body(connection)
        }
    }

    @Test("an empty database takes every migration, told in order, and a second run finds nothing to do")
    func twice() throws {
        try empty { connection in
            let migrator = Migrator()
            let plan = try migrator.plan(connection)
            #expect(plan.present == 0 && plan.wanted == Self.last && plan.pending == Migration.all)
            try thrown(MigrationError.self) { try migrator.checkSchema(connection) }
            var told: [Int] = []
            let applied = try migrator.run(connection) { told.append($0.version) }
            #expect(told == Array(1...Self.last) && applied.map(\.version) == told)
            try migrator.checkSchema(connection)
            #expect(try migrator.plan(connection).isUpToDate)
            #expect(try migrator.run(connection).isEmpty)
            let sums = try connection.query(
                "SELECT checksum FROM odograph.migrations ORDER BY version", as: String.self)
            #expect(sums == Migration.all.map(\.checksum))
        }
    }

    @Test("a migration that fails leaves nothing of itself, keeps those before it, and is gone on with later")
    func halfWay() throws {
        try empty { connection in
            var broken = Migration.all
            let text = "CREATE TABLE reporting.half (a integer); SELECT 1 / 0"
            broken[6] = Migration(version: 7, name: "trips", text: text)
            let error = try thrown(MigrationError.self) { try Migrator(migrations: broken).run(connection) }
            guard case .failed(7, "trips", let cause) = error else { throw error }
            #expect(cause.sqlState == "22012" && !error.isRetryable)
            #expect(try connection.value("SELECT to_regclass('reporting.half') IS NULL", as: Bool.self) == true)
            #expect(try connection.value("SELECT max(version) FROM odograph.migrations", as: Int32.self) == 6)
            let older = try thrown(MigrationError.self) { try Migrator().checkSchema(connection) }
            #expect(older == .older(present: 6, wanted: Self.last))
            #expect(try Migrator().run(connection).map(\.version) == Array(7...Self.last))
        }
    }

    @Test("a newer schema is refused, with both versions in the message")
    func newer() throws {
        try empty { connection in
            let more = Migration.all + [Migration(version: 999, name: "future", text: "SELECT 1")]
            try Migrator(migrations: more).run(connection)
            for call in [{ _ = try Migrator().run(connection) }, { try Migrator().checkSchema(connection) }] {
                let error = try thrown(MigrationError.self, call)
                #expect(
                    "\(error)" == "the database has schema 999, this program knows \(Self.last): update the program")
                #expect(!error.isRetryable)
            }
        }
    }

    @Test("another text under a number that was applied is refused")
    func changedText() throws {
        try empty { connection in
            try Migrator().run(connection)
            var changed = Migration.all
            changed[2] = Migration(version: 3, name: "feed", text: changed[2].text + "\n")
            let error = try thrown(MigrationError.self) { try Migrator(migrations: changed).run(connection) }
            #expect("\(error)" == "migration 3 (feed) was applied with other text than this program has")
        }
    }

    @Test("every file applied again changes nothing")
    func idempotentFiles() throws {
        try empty { connection in
            try Migrator().run(connection)
            let shape = """
                SELECT md5(string_agg(x, ',' ORDER BY x)) FROM (
                  SELECT format('%s %s %s', attrelid::regclass, attname, atttypid) AS x FROM pg_attribute
                  WHERE attrelid IN (
                    SELECT oid FROM pg_class WHERE relnamespace::regnamespace::text ~ 'odograph|reporting|tracksolid')
                  UNION ALL SELECT format('%s %s', oid::regprocedure, md5(prosrc)) FROM pg_proc
                  WHERE pronamespace::regnamespace::text ~ 'odograph|reporting|tracksolid'
                  UNION ALL SELECT format('%s %s', tgrelid::regclass, tgname) FROM pg_trigger WHERE NOT tgisinternal
                  UNION ALL SELECT format('%s %s', key, value) FROM reporting.settings) s
                """
            let before = try connection.value(shape, as: String.self)
            try connection.execute("SET client_min_messages = warning; TRUNCATE odograph.migrations")
            #expect(try Migrator().run(connection).count == Self.last)
            #expect(try connection.value(shape, as: String.self) == before)
        }
    }

    @Test("a role that may make roles makes those of other names, and the owner owns what is made")
    func otherNames() throws {
        let server = try ThrowAwayPostgres.shared()
        let admin = try PostgresConnection(server.settings())
        defer { admin.close() }
        try admin.execute("CREATE ROLE maker LOGIN CREATEROLE; CREATE ROLE plain_user LOGIN")
        let database = try server.createDatabase()
        let plain = try server.createDatabase()
        for (settings, owner) in [(database, "maker"), (plain, "plain_user")] {
            try admin.execute("ALTER DATABASE \(settings.database ?? "") OWNER TO \(owner)")
        }
        defer {
            for settings in [database, plain] { try? server.drop(settings) }
            _ = try? admin.execute("DROP ROLE o2; DROP ROLE w2; DROP ROLE r2; DROP ROLE maker; DROP ROLE plain_user")
        }
        let owner = "SELECT pg_get_userbyid(nspowner)::text FROM pg_namespace WHERE nspname = 'odograph'"
        try connected(database.user("maker", password: nil)) { connection in
            try Migrator(names: RoleNames(owner: "o2", writer: "w2", reader: "r2")).run(connection)
            #expect(try connection.value(owner, as: String.self) == "o2")
        }
        // What it may not make is left out, and it owns all itself.
        try connected(plain.user("plain_user", password: nil)) { connection in
            try Migrator(names: RoleNames(owner: "no_o", writer: "no_w", reader: "no_r")).run(connection)
            #expect(try connection.value(owner, as: String.self) == "plain_user")
        }
        var settings = SinkSettings(plain.user("plain_user", password: nil))
        settings.roles = try RoleNames(owner: "no_o", writer: "no_w", reader: "no_r")
        let sink = PostgresFeedSink(settings)
        _ = try sink.open(store: "s")
        let fleet = MadeFleet(vehicles: 2, days: 1, seed: 1)
        try fleet.deliver(to: sink)
        sink.close()
        try connected(plain) { connection in
            let count = try connection.value("SELECT count(*) FROM odograph.intervals", as: Int64.self)
            #expect(count == Int64(fleet.feed.count))
        }
    }

    @Test("two migrators at once end as one does")
    func atOnce() async throws {
        let settings = try ThrowAwayPostgres.shared().createDatabase()
        defer { try? ThrowAwayPostgres.shared().drop(settings) }
        let counts = await withTaskGroup { group in
            for _ in 0..<2 {
                group.addTask { (try? Migrator().run(PostgresConnection(settings)).count) ?? -1 }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(counts.reduce(0, +) == Self.last && !counts.contains(-1))
    }

    @Test("the writer makes no tables, the reader writes nothing and sees neither tokens nor bookkeeping")
    func rights() throws {
        try FleetDatabase.with { database in
            let cases = [
                ("odograph_writer", "CREATE TABLE reporting.x (a int)"),
                ("odograph_writer", "DELETE FROM odograph.migrations"),
                ("odograph_writer", "SELECT odograph.begin_anew(true, true)"),
                ("odograph_reader", "SET default_transaction_read_only = off; DELETE FROM reporting.settings"),
                ("odograph_reader", "TABLE tracksolid.api_token_cache"), ("odograph_reader", "TABLE odograph.cursors"),
            ]
            for (role, sql) in cases {
                try database.connection.execute("SET ROLE \(role)")
                let error = try thrown(PostgresError.self) { try database.connection.execute(sql) }
                #expect(error.isPermissionDenied, "\(role): \(sql): \(error)")
                try database.connection.execute("RESET ROLE")
            }
        }
    }

    private func connected(_ settings: PostgresSettings, _ body: (PostgresConnection) throws -> Void) throws {
        let connection = try PostgresConnection(settings)
        defer { connection.close() }
        try body(connection)
    }
}
