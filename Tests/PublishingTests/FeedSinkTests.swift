import PostgresClient
import PrimaryStore
@testable import Publishing
import SeededRandom
import Telemetry
import Testing
import ThrowAwayPostgres

@Suite(.needsPostgres)
struct FeedSinkTests {
    @Test("every call made again, with its cursor and without, changes nothing")
    func repetition() throws {
        try FleetDatabase.with { database in
            let fleet = MadeFleet(vehicles: 8, days: 2, seed: 3)
            let sink = try database.feedSink()
            defer { sink.close() }
            try fleet.deliver(to: sink)
            let before = try database.contents()
            #expect(try database.count("odograph.intervals") == fleet.feed.count)
            let tripCount = fleet.feed.filter { $0.key.calculator.rawValue == 1 }.count
            #expect(try database.count("reporting.v_trips") == tripCount)
            #expect(try database.count("reporting.\"Trips\"") == tripCount)
            let again = try sink.apply(fleet.feed)
            #expect(again.stale == fleet.feed.count && again.written == 0)
            try sink.apply(fleet.registry)
            try sink.refreshTrips()
            try sink.maintain()
            #expect(try database.contents() == before)
            try database.connection.execute("UPDATE odograph.cursors SET position = 0 WHERE name = 'feed'")
            let unchanged = try sink.apply(fleet.feed)
            #expect(unchanged.unchanged == fleet.feed.count && unchanged.written == 0 && unchanged.stale == 0)
            #expect(try database.contents() == before)
            let cursors = try PostgresFeedSink(database.sinkSettings()).open(store: FleetDatabase.store)
            #expect(cursors.revisions == fleet.revisions)
        }
    }

    @Test("created, updated, activated, deactivated and deleted reach the interval, its typed row and its trip")
    func operations() throws {
        try FleetDatabase.with { database in
            let sink = try database.feedSink()
            defer { sink.close() }
            let fleet = MadeFleet(vehicles: 1, days: 1, seed: 1)
            try sink.apply(fleet.registry)
            var feed = FeedBuilder()
            let state = """
                SELECT i.is_active, t.distance, v.distance_km, v.is_active, t.calc_revision, i.revision
                FROM odograph.intervals i JOIN reporting."Trips" t USING (device_id, interval_id)
                JOIN reporting.v_trips v USING (device_id, interval_id)
                """
            func interval(_ distance: Double, _ isActive: Bool) -> Interval {
                Interval(MadeFleet.start, MadeFleet.start + 600, isActive: isActive, ["distance": .number(distance)])
            }
            _ = try sink.apply([feed.row(.created, key(1, 1), 1, interval(1, true))])
            #expect(try database.rows(state) == ["(t,1,1,t,1,1)"])
            _ = try sink.apply([feed.row(.updated, key(1, 1), 1, interval(2, true), calculatorRevision: 2)])
            #expect(try database.rows(state) == ["(t,2,2,t,2,2)"])
            _ = try sink.apply([feed.row(.deactivated, key(1, 1), 1, interval(2, false), calculatorRevision: 2)])
            #expect(try database.rows(state) == ["(f,2,2,f,2,3)"])
            _ = try sink.apply([feed.row(.activated, key(1, 1), 1, interval(2, true), calculatorRevision: 2)])
            #expect(try database.rows(state) == ["(t,2,2,t,2,4)"])
            // Several of one interval in one batch, in any order: the last counts.
            let batch = [
                feed.row(.updated, key(1, 1), 1, interval(3, true)),
                feed.row(.updated, key(1, 1), 1, interval(4, false)),
            ]
            let receipt = try sink.apply(batch.reversed())
            #expect(receipt.written == 1)
            #expect(try database.rows(state) == ["(f,4,4,f,1,6)"])
            let gone = try sink.apply([feed.row(.deleted, key(1, 1), 1, interval(4, false))])
            #expect(gone.deleted == 1)
            for table in ["odograph.intervals", "reporting.\"Trips\"", "reporting.trips"] {
                #expect(try database.count(table) == 0)
            }
            // Written, deleted since, and its deletion not yet read: it waits.
            var lost = feed.row(.updated, key(1, 1), 2, interval(1, false))
            lost.json = nil
            #expect(try sink.apply([lost]).written == 0)
            #expect(try database.count("odograph.intervals") == 0)
            #expect(try sink.apply([lost]).stale == 1)
        }
    }

    @Test("a connection that is killed between the rows and the commit leaves nothing, and the next one everything")
    func killedConnections() throws {
        try FleetDatabase.with { undisturbed in
            let fleet = MadeFleet(vehicles: 4, days: 2, seed: 8)
            let calm = try undisturbed.feedSink()
            try fleet.deliver(to: calm)
            calm.close()
            try FleetDatabase.with { database in
                let sink = PostgresFeedSink(database.sinkSettings())
                defer { sink.close() }
                var cursors = try sink.open(store: FleetDatabase.store)
                var kills = 0
                /// Makes a call that is cut at both places before it is made whole.
                func disturbed(_ body: () throws -> Void) throws {
                    for step in SinkLink.Step.allCases {
                        let before = try database.contents()
                        sink.link.stepObserver = { if $0 == step { killSinks(database.connection) } }
                        let error = try thrown(SinkError.self, body)
                        guard case .retry = error else { throw error }
                        sink.link.stepObserver = nil
                        kills += 1
                        #expect(try database.contents() == before)
                        let found = try sink.open(store: FleetDatabase.store)
                        #expect(found == cursors)
                    }
                    try body()
                }
                try disturbed { try sink.apply(fleet.registry) }
                while true {
                    cursors = try sink.open(store: FleetDatabase.store)
                    let batch = fleet.nextFeed(cursors)
                    guard !batch.isEmpty else { break }
                    try disturbed { _ = try sink.apply(batch) }
                }
                #expect(kills > 4)
                #expect(try database.contents() == undisturbed.contents())
            }
        }
    }

    @Test("a server killed at any place loses nothing and doubles nothing", arguments: [1, 2] as [UInt64])
    func killedServer(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let server = try ThrowAwayPostgres()
        let settings = try server.createDatabase()
        let migrating = try PostgresConnection(settings)
        try Migrator().run(migrating)
        migrating.close()
        let fleet = MadeFleet(vehicles: 5, days: 2, seed: seed)
        let feed = PostgresFeedSink(SinkSettings(settings))
        let messages = PostgresMessageSink(SinkSettings(settings))
        var (kills, isApplied, isDone) = (0, false, false)
        for link in [feed.link, messages.link] {
            link.stepObserver = { _ in
                guard kills < 4, random.chance(0.5) else { return }
                kills += 1
                server.kill()
            }
        }
        while !isDone {
            do {
                let cursors = try feed.open(store: "s")
                var position = try messages.open(store: "s")
                if !isApplied { try feed.apply(fleet.registry) }
                isApplied = true
                var batch = fleet.nextFeed(cursors)
                var revisions = cursors
                while !batch.isEmpty {
                    _ = try feed.apply(batch)
                    for row in batch {
                        revisions.revisions[row.slot] = max(row.revision, revisions.revisions[row.slot, default: 0])
                    }
                    let (rows, reached) = try fleet.nextMessages(after: position)
                    _ = try messages.apply(rows, after: position, upTo: reached)
                    position = reached
                    batch = fleet.nextFeed(revisions)
                }
                try fleet.deliver(to: messages, from: position)
                isDone = true
            } catch let error as SinkError {
                guard case .retry = error else { throw error }
                try server.restart()
            }
        }
        #expect(kills > 0, "seed \(seed)")
        let disturbed = try FleetDatabase(settings)
        defer { disturbed.connection.close() }
        try FleetDatabase.with { calm in
            let (feed, messages) = (try calm.feedSink(), try calm.messageSink())
            try fleet.deliver(to: feed)
            try fleet.deliver(to: messages)
            feed.close()
            messages.close()
            #expect(try disturbed.contents() == calm.contents(), "seed \(seed)")
        }
    }

    @Test("a server that hangs, or is not there, is one to try again")
    func hangingServer() throws {
        let server = try ThrowAwayPostgres()
        let settings = try server.createDatabase()
        let migrating = try PostgresConnection(settings)
        try Migrator().run(migrating)
        migrating.close()
        var options = SinkSettings(settings.setting("connect_timeout", "1"))
        (options.openingMilliseconds, options.deliveryMilliseconds) = (500, 500)
        let sink = PostgresFeedSink(options)
        let fleet = MadeFleet(vehicles: 2, days: 1, seed: 1)
        _ = try sink.open(store: "s")
        sink.link.graceMilliseconds = 100
        try sink.apply(fleet.registry)
        func expectRetry(_ body: () throws -> Void) throws {
            let error = try thrown(SinkError.self, body)
            guard case .retry = error else { throw error }
        }
        server.pause()
        try expectRetry { _ = try sink.apply(fleet.feed) }
        try expectRetry { _ = try sink.apply(fleet.feed) }
        try expectRetry { _ = try sink.open(store: "s") }
        server.resume()
        _ = try sink.open(store: "s")
        #expect(try sink.apply(fleet.feed).written == fleet.feed.count)
        server.stop()
        try expectRetry { _ = try sink.apply(fleet.feed) }
        try expectRetry { _ = try sink.open(store: "s") }
    }

    @Test("a writer of another store is refused, until the database begins anew")
    func otherStore() throws {
        try FleetDatabase.with { database in
            let fleet = MadeFleet(vehicles: 4, days: 1, seed: 4)
            let sink = try database.feedSink()
            try fleet.deliver(to: sink)
            sink.close()
            for other in [PostgresFeedSink(database.sinkSettings()), PostgresFeedSink(database.sinkSettings())] {
                let error = try thrown(SinkError.self) { _ = try other.open(store: "store-2") }
                #expect("\(error)".contains("is filled from the store store-1, not from store-2"))
                guard case .refused = error else { throw error }
            }
            let messages = PostgresMessageSink(database.sinkSettings())
            try thrown(SinkError.self) { _ = try messages.open(store: "store-2") }
            try FleetRebuild.fromNothing(database.connection, .intervalsAndMessages)
            #expect(try database.count("odograph.intervals") == 0)
            #expect(try database.count("reporting.\"Trips\"") == 0)
            let next = PostgresFeedSink(database.sinkSettings())
            #expect(try next.open(store: "store-2") == FeedCursors(revisions: fleet.revisions.mapValues { _ in 0 }))
            try fleet.deliver(to: next)
            next.close()
            #expect(try database.count("odograph.intervals") == fleet.feed.count)
            let stores = try database.rows("SELECT DISTINCT store FROM odograph.cursors WHERE name <> 'messages'")
            #expect(stores == ["(store-2)"])
        }
    }

    @Test("intervals of a calculator that is not known yet are kept, and are in its table once it is")
    func unknownCalculator() throws {
        try FleetDatabase.with { database in
            let fleet = MadeFleet(vehicles: 4, days: 2, seed: 5)
            let early = try database.feedSink()
            try fleet.deliverFeed(to: early)
            #expect(try database.count("odograph.intervals") == fleet.feed.count)
            #expect(try database.count("reporting.trips") == 0)
            try early.apply(fleet.registry)
            early.close()
            try FleetDatabase.with { other in
                let usual = try other.feedSink()
                try fleet.deliver(to: usual)
                usual.close()
                #expect(try database.contents() == other.contents())
            }
        }
    }

    @Test("days begin in the time zone of the settings, and a zone that does not exist is refused")
    func timeZone() throws {
        try FleetDatabase.with { database in
            let fleet = MadeFleet(vehicles: 2, days: 2, seed: 7)
            var settings = database.sinkSettings()
            for zone in ["Africa/Nairobi", "Pacific/Auckland", "Pacific/Auckland"] {
                settings.timeZone = zone
                let sink = PostgresFeedSink(settings)
                _ = try sink.open(store: FleetDatabase.store)
                try fleet.deliver(to: sink)
                sink.close()
                let days =
                    "SELECT bool_and(trip_date = (start_time AT TIME ZONE '\(zone)')::date) AS b FROM reporting.v_trips"
                #expect(try database.value(days) == "t")
            }
            settings.timeZone = "Mars/Base"
            let sink = PostgresFeedSink(settings)
            let error = try thrown(SinkError.self) { _ = try sink.open(store: FleetDatabase.store) }
            guard case .refused = error else { throw error }
        }
    }

    @Test("intervals that end before the horizon are frozen")
    func frozen() throws {
        try FleetDatabase.with { database in
            let fleet = MadeFleet(vehicles: 2, days: 2, seed: 6)
            let sink = try database.feedSink()
            defer { sink.close() }
            try fleet.deliver(to: sink)
            #expect(try database.count("reporting.intervals WHERE is_frozen") == 0)
            let horizon = Timestamp(seconds: MadeFleet.start + 86_400)
            try sink.apply(
                RegistrySnapshot(
                    revision: 2, devices: fleet.registry.devices, calculators: fleet.registry.calculators,
                    horizon: horizon))
            let before = fleet.feed.filter { $0.end < horizon }.count
            #expect(before > 0 && before < fleet.feed.count)
            #expect(try database.count("reporting.intervals WHERE is_frozen") == before)
        }
    }
}

/// Ends every session of the writer in the database, and waits until they have gone.
func killSinks(_ connection: PostgresConnection) {
    let others = """
        SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
        """
    _ = try? connection.query(others)
}
