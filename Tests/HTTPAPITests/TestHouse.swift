import CalcProcess
import Foundation
import HTTPAPI
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import PrimaryStore
import Publishing
import Synchronization
import Telemetry
import Testing
import TimeZones

/// A store in a folder of its own, the API over it, and a server on a free port, for the length of one test.
final class TestHouse: Sendable {
    let store: SQLitePrimaryStore
    let clock = ManualClock()
    let calculation = RecordedCalculation()
    let api: API
    let folder: String
    let master: String
    private let port = Mutex(0)
    private let routerPort = Mutex(0)

    private init(
        limits: APILimits, fleet: FleetOptions, fleetReports: (any FleetReports)?,
        _ prepare: (_ folder: String) throws -> Void
    ) throws {
        folder = NSTemporaryDirectory() + "odograph-api-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try prepare(folder)
        store = try SQLitePrimaryStore(folder: folder)
        master = try store.createToken(name: "test", kind: .master, expires: nil, at: clock.now).secret
        let clock = clock
        calculation.attach(store, clock)
        api = try API(
            store: store, calc: calculation, timeZones: TimeZoneDatabase(), now: { clock.now },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, limits: limits, fleet: fleet,
            fleetReports: fleetReports)
    }

    /// Runs a body against a running server, over a folder that may be prepared before.
    static func open(
        limits: APILimits = APILimits(), fleet: FleetOptions = FleetOptions(),
        fleetReports: (any FleetReports)? = nil,
        withRouterAlone: Bool = false, preparing prepare: (_ folder: String) throws -> Void = { _ in },
        _ body: @escaping @Sendable (TestHouse) async throws -> Void
    ) async throws {
        let house = try TestHouse(limits: limits, fleet: fleet, fleetReports: fleetReports, prepare)
        defer {
            house.store.close()
            try? FileManager.default.removeItem(atPath: house.folder)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            let port = await start(&group, house.api.router(), house.api.server(name: "odograph"))
            house.port.withLock { $0 = port }
            let routerPort = withRouterAlone ? await start(&group, house.api.router(), .http1()) : 0
            house.routerPort.withLock { $0 = routerPort }
            try await body(house)
            group.cancelAll()
        }
    }

    /// Starts a server and gives its port.
    private static func start(
        _ group: inout ThrowingTaskGroup<Void, any Error>, _ router: Router<APIContext>, _ server: HTTPServerBuilder
    ) async -> Int {
        let (ready, announce) = AsyncStream.makeStream(of: Int.self)
        let app = Application(
            router: router, server: server,
            configuration: .init(address: .hostname("127.0.0.1", port: 0), serverName: "odograph"),
            onServerRunning: { channel in
                announce.yield(channel.localAddress?.port ?? 0)
                announce.finish()
            }, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        group.addTask { try await app.run() }
        return await ready.first { _ in true } ?? 0
    }

    var client: TestClient { TestClient(port: port.withLock { $0 }) }
    /// A server with the router and nothing in front of it.
    var routerClient: TestClient { TestClient(port: routerPort.withLock { $0 }) }

    /// Sends a request with the master token, unless another is given.
    @discardableResult
    func send(
        _ method: String, _ path: String, _ body: String? = nil, token: String? = nil, headers: [String: String] = [:]
    ) async throws -> TestResponse {
        var headers = headers
        if headers["Authorization"] == nil { headers["Authorization"] = "FlespiToken \(token ?? master)" }
        return try await client.send(method, path, body: body.map { Array($0.utf8) }, headers: headers)
    }

    /// What a metric says.
    func metric(_ name: String) async throws -> Int {
        let lines = try await send("GET", "/metrics").body.split(separator: "\n")
        let line = try #require(lines.first { $0.hasPrefix(name + " ") }, "\(name)")
        return try #require(Int(line.dropFirst(name.count + 1)))
    }

    /// Asks again and again until something holds, but not for ever.
    func wait(until holds: () async throws -> Bool) async throws {
        for _ in 0..<10_000 { if try await holds() { return } }
    }

    /// Creates a device and gives its id.
    func device(_ ident: String, _ more: String = "") async throws -> Int64 {
        let response = try await send("POST", "/gw/devices", "[{\"configuration\":{\"ident\":\"\(ident)\"}\(more)}]")
        return try #require(response.result.first?["id"]?.integerValue, "\(response)")
    }

    /// Creates a calculator and gives its id.
    func calculator(_ definition: String = TestHouse.trips) async throws -> Int64 {
        let response = try await send("POST", "/gw/calcs", definition)
        return try #require(response.result.first?["id"]?.integerValue, "\(response)")
    }

    static let trips = """
        {"name":"trips","selectors":[{"type":"expression","expression":"$position.speed>3"}],\
        "counters":[{"name":"max","type":"parameter","parameter":"position.speed","method":"maximum"}],"update_delay":7}
        """
}

/// A clock that stands until it is moved.
final class ManualClock: Sendable {
    private let moment = Mutex(Timestamp(seconds: 1_700_000_000))

    var now: Timestamp { moment.withLock { $0 } }

    func advance(seconds: Double) { moment.withLock { $0 = $0.advanced(bySeconds: seconds) } }
}

/// Stands for the part that calculates: says what it was told to say and notes what it is asked.
final class RecordedCalculation: Calculation {
    private struct State {
        var statuses: [AssignmentKey: AssignmentStatus] = [:]
        var asked: [(AssignmentKey, TimeRange?)] = []
        var attached: (store: SQLitePrimaryStore, clock: ManualClock)?
        var replays = ReplayStatus(isPaused: false, share: 1, progress: [])
        var findings: [HealthFinding] = []
        var logRowsWaiting: Int64 = 0
    }

    private let state = Mutex(State())

    func status(of device: DeviceID) -> DeviceStatus { DeviceStatus(sync: .synced, position: 9) }

    func status(of key: AssignmentKey) -> AssignmentStatus {
        state.withLock { $0.statuses[key] ?? AssignmentStatus(sync: .synced, appliedPosition: 9) }
    }

    func statuses(of keys: [AssignmentKey]) -> [AssignmentStatus] { keys.map(status(of:)) }

    func set(_ key: AssignmentKey, _ status: AssignmentStatus) { state.withLock { $0.statuses[key] = status } }

    func recalculate(_ key: AssignmentKey, range: TimeRange?) throws(StoreError) {
        state.withLock { $0.asked.append((key, range)) }
    }

    var asked: [(AssignmentKey, TimeRange?)] { state.withLock { $0.asked } }

    func attach(_ store: SQLitePrimaryStore, _ clock: ManualClock) { state.withLock { $0.attached = (store, clock) } }

    /// Sets them as the owner of the slot would.
    func setIntervalFields(
        _ key: AssignmentKey, id: Int64, fields: [JSONValue.Member]
    ) async throws(StoreError) {
        guard let (store, clock) = state.withLock({ $0.attached }) else { return }
        let slot = Slot(device: key.device)
        let epoch = try store.slotLeases().first { $0.slot == slot }?.epoch ?? 0
        _ = try store.setIntervalFields(slot: slot, epoch: epoch, key: key, id: id, fields: fields, at: clock.now)
    }

    /// Decides as the owner of the slot would.
    func decide(job id: Int64, isReleased: Bool) async throws(StoreError) -> JobRecord {
        guard let (store, _) = state.withLock({ $0.attached }),
            let job = try store.heldJobs().first(where: { $0.id == id })
        else { throw .notFound("held job \(id)") }
        let slot = Slot(device: job.key.device)
        let epoch = try store.slotLeases().first { $0.slot == slot }?.epoch ?? 0
        return try store.decide(job: id, isReleased ? .released : .discarded, slot: slot, epoch: epoch)
    }

    func replays() -> ReplayStatus { state.withLock { $0.replays } }

    func set(_ progress: [ReplayProgress]) { state.withLock { $0.replays.progress = progress } }

    func setReplays(isPaused: Bool?, share: Double?) throws(StoreError) {
        state.withLock { state in
            if let isPaused { state.replays.isPaused = isPaused }
            if let share { state.replays.share = share }
        }
    }

    var findings: [HealthFinding] { state.withLock { $0.findings } }

    func add(_ finding: HealthFinding) { state.withLock { $0.findings.append(finding) } }

    var logRowsWaiting: Int64 {
        get { state.withLock { $0.logRowsWaiting } }
        set { state.withLock { $0.logRowsWaiting = newValue } }
    }

    var metrics: CalcMetrics {
        var metrics = CalcMetrics()
        metrics.jobsRun = 5
        metrics.jobsHeld = 3
        return metrics
    }
}

extension TestHouse {
    /// What a new start over the same store would hold.
    func restarted() async throws -> API {
        try API(
            store: store, calc: calculation, timeZones: TimeZoneDatabase(), now: { [clock] in clock.now },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }
}
