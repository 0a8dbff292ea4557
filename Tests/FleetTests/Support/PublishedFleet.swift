import CalcProcess
import Foundation
import HTTPAPI
import Ingest
import Logging
import PostgresClient
import PrimaryStore
import Publishing
import ServiceLifecycle
import Synchronization
import Telemetry
import Threads
import ThrowAwayPostgres
import TimeZones

/// A made-up fleet that went all the way: messages into a store, intervals by the calc process, and both to a
/// PostgreSQL of its own by the delivery. Nothing is written to a table by hand.
///
/// It is made once and left running for all tests, which only read; a test that changes something makes its own.
final class PublishedFleet: Sendable {
    static let timeZone = "Africa/Nairobi"
    static let calculatorFiles = ["trips", "daily-mileage", "stops", "idling", "overspeed", "harsh-braking"]

    let store: SQLitePrimaryStore
    let calc: CalcProcess
    let delivery: Delivery
    let database: PostgresSettings
    let folder: String
    let now: Timestamp
    let vehicles: [FleetVehicle]
    /// What the engine's clock is ahead of the machine's.
    private let hours = Hours()
    private let services: Task<Void, any Error>

    private static let shared = Task<PublishedFleet, any Error> { try await PublishedFleet(vehicleCount: 12, days: 9) }

    /// The fleet of all tests that only read.
    static func common() async throws -> PublishedFleet {
        let fleet = try await shared.value
        try await fleet.settle()
        return fleet
    }

    init(
        vehicleCount: Int, days: Int, calculators: [String] = calculatorFiles, server: ThrowAwayPostgres? = nil
    ) async throws {
        folder = NSTemporaryDirectory() + "odograph-fleet-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        database = try (server ?? ThrowAwayPostgres.shared()).createDatabase()
        try Self.migrate(database)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let clock: @Sendable () -> Timestamp = { [hours] in
            Self.clock().advanced(bySeconds: 3_600 * Double(hours.passed.load(ordering: .relaxed)))
        }
        now = clock()
        store = try SQLitePrimaryStore(folder: folder)
        calc = try CalcProcess(
            store: store, timeZones: TimeZoneDatabase(), configuration: .init(folder: folder, workerCount: 2),
            now: clock, logger: logger)
        delivery = Self.delivery(store, to: database, clock, logger)
        let simulator = FleetSimulator(seed: 7, vehicleCount: vehicleCount)
        vehicles = (0..<vehicleCount).map { simulator.vehicle($0) }
        let group = ServiceGroup(services: [calc, delivery], logger: logger)
        services = Task<Void, any Error> { try await group.run() }
        try await fill(days: days, calculators)
    }

    deinit {
        services.cancel()
        try? FileManager.default.removeItem(atPath: folder)
    }

    private final class Hours: Sendable {
        let passed = Atomic<Int>(0)
    }

    /// Has the engine believe that hours have passed.
    func pass(hours count: Int) { hours.passed.add(count, ordering: .relaxed) }

    /// Ends its services and waits for them.
    func stop() async {
        services.cancel()
        _ = await services.result
        store.close()
    }

    static let clock: @Sendable () -> Timestamp = {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }

    private static func delivery(
        _ store: SQLitePrimaryStore, to database: PostgresSettings, _ clock: @escaping @Sendable () -> Timestamp,
        _ logger: Logger
    ) -> Delivery {
        var settings = SinkSettings(database)
        settings.timeZone = Self.timeZone
        let sink = settings
        return Delivery(
            store: store,
            sinks: Delivery.Sinks(
                feed: { PostgresFeedSink(sink) { () throws(StoreError) in try store.deviceDrivers(nil) } },
                messages: { PostgresMessageSink(sink) }),
            extraction: MessageExtraction(parameters: store.parameters), now: clock, logger: logger)
    }

    private static func migrate(_ database: PostgresSettings) throws {
        let connection = try PostgresConnection(database)
        defer { connection.close() }
        _ = try Migrator().run(connection)
    }
}

extension PublishedFleet {
    /// Makes devices, calculators and assignments, and stores the vehicles' messages up to now.
    private func fill(days: Int, _ calculators: [String]) async throws {
        let devices = try vehicles.enumerated().map { index, vehicle in
            try store.createDevice(ident: vehicle.ident, name: vehicle.name, json: Self.entity(index, vehicle).text).id
        }
        let made = try calculators.map { try Self.createCalculator($0, in: store) }
        _ = try store.assign(
            made.flatMap { calculator in devices.map { AssignmentKey(calculator: calculator, device: $0) } },
            isEnabled: true, isAutoCreated: false)
        let range = TimeRange(lower: now.advanced(bySeconds: -86_400 * Double(days)), upper: now)
        for (var vehicle, device) in zip(vehicles, devices) {
            let batch = MessageBatch(vehicle.messages(in: range), table: store.parameters, acceptance: .history)
            try await append(batch, to: device)
        }
        try await settle()
    }

    /// Stores messages; `settle` then waits for what comes of them.
    func append(_ batch: MessageBatch, to device: DeviceID) async throws {
        _ = try await store.append([LogAppend(device: device, batch: batch)])
    }

    private static func entity(_ index: Int, _ vehicle: FleetVehicle) -> JSONValue {
        var metadata: [JSONValue.Member] = [
            .init(
                "vehicle_number",
                .string("KD\(index % 2 == 0 ? "A" : "B") 00\(index % 10)\(index % 3 == 0 ? "'S" : "X")"))
        ]
        if index % 4 != 0 { metadata.append(.init("driver_name", .string("Driver \(index % 5)"))) }
        if index % 3 != 0 { metadata.append(.init("cost_centre", .string("CC-\(index % 3)"))) }
        metadata.append(.init("assigned_city", .string(index % 2 == 0 ? "Nairobi" : "Mombasa")))
        return .object([
            .init("name", .string(vehicle.name)),
            .init("configuration", .object([.init("ident", .string(vehicle.ident))])),
            .init("metadata", .object(metadata)),
        ])
    }

    static func createCalculator(_ file: String, in store: SQLitePrimaryStore) throws -> CalculatorID {
        let path = #filePath.prefix { $0 != "\n" }.components(separatedBy: "/Tests/")[0] + "/calculators/\(file).json"
        let json = try JSONValue(parsing: Array(Data(contentsOf: URL(filePath: path))))
        return try store.createCalculator(name: json["name"]?.stringValue ?? file, json: json.text).id
    }

    /// Waits until everything is calculated and delivered.
    func settle(withinSeconds limit: Double = 120) async throws {
        let start = ContinuousClock.now
        while try !isSettled() {
            guard ContinuousClock.now - start < .seconds(limit) else { throw NotSettled(status: "\(delivery.status)") }
            // Not every step of a thread is a commit that could be waited for.
            let bell = Doorbell()
            await AsyncThread { bell.wait(seconds: 0.02) }.join()
        }
    }

    private func isSettled() throws -> Bool {
        for assignment in try store.registry().assignments where assignment.isEnabled {
            let status = calc.status(of: assignment.key)
            guard status.sync == .synced, status.pendingSince == nil else { return false }
        }
        return delivery.status.isUpToDate
    }

    struct NotSettled: Error {
        var status: String
    }
}

extension PublishedFleet {
    /// Asks the fleet's database, as the superuser of the throw-away server.
    func query<Value>(_ body: (PostgresConnection) throws -> Value) throws -> Value {
        let connection = try PostgresConnection(database)
        defer { connection.close() }
        return try body(connection)
    }
}

extension PublishedFleet {
    /// Asks as a member of the reader's role would, with what that role may and may not.
    func asReader<Value>(_ body: (PostgresConnection) throws -> Value) throws -> Value {
        try query { connection in
            try connection.execute("SET ROLE odograph_reader")
            try connection.execute("SET default_transaction_read_only = on")
            return try body(connection)
        }
    }

    /// A moment as SQL reads it.
    func isoMoment(daysAgo days: Double) -> String {
        Date(timeIntervalSince1970: Double(now.microseconds) / 1e6 - 86_400 * days).formatted(.iso8601)
    }
}
