import HTTPTypes
import Hummingbird
import Ingest
import Logging
import PrimaryStore
import Publishing
import Telemetry
import TimeZones

/// The REST API: routes, what they read and write, and who may.
///
/// It holds the entities in memory and asks the store for everything else, on threads that may block.
package struct API: Sendable {
    let store: any PrimaryStore
    let calculation: any Calculation
    let timeZones: TimeZoneDatabase
    let now: @Sendable () -> Timestamp
    let logger: Logger
    let limits: APILimits
    let catalog: EntityCatalog
    let pool: BlockingPool
    let fleet: FleetOptions
    package let fleetReports: any FleetReports
    /// What publishes the store; nil: nothing does.
    let delivery: Delivery?
    /// Threads of the dashboard alone, so that long reports never hold up the store's.
    let reportPool: BlockingPool
    let authenticator: Authenticator
    let metrics = RequestMetrics()
    let bodies = BodyBudget()
    let activity = DeviceActivity()
    let horizons = DeviceHorizons()
    /// Knows the names of parameters from one body to the next.
    let decoder: MessageDecoder
    let keptAnswers: KeptAnswers
    let health = HealthWatch()

    /// Loads the registry, which blocks. The dashboard is answered from the store unless other reports are given.
    package init(
        store: any PrimaryStore, calc: any Calculation, timeZones: TimeZoneDatabase,
        now: @escaping @Sendable () -> Timestamp, logger: Logger, limits: APILimits = APILimits(),
        fleet: FleetOptions = FleetOptions(), fleetReports: (any FleetReports)? = nil,
        delivery: Delivery? = nil
    ) throws(StoreError) {
        self.store = store
        self.calculation = calc
        self.timeZones = timeZones
        self.now = now
        self.logger = logger
        self.limits = limits
        keptAnswers = KeptAnswers(byteCountMax: limits.keptAnswerBytesMax)
        decoder = MessageDecoder(table: store.parameters)
        catalog = EntityCatalog(try store.registry())
        pool = BlockingPool(threadsMax: limits.blockingThreadsMax, queueMax: limits.blockingQueueMax)
        self.fleet = fleet
        self.delivery = delivery
        reportPool = BlockingPool(threadsMax: fleet.threadsMax, queueMax: fleet.queueMax)
        self.fleetReports =
            if let fleetReports { fleetReports } else {
                EngineFleetReports(
                    store: store, catalog: catalog, options: fleet, zone: try Self.zone(fleet, timeZones), now: now)
            }
        authenticator = Authenticator(store: store, pool: pool, now: now, logger: logger, limits: limits)
    }

    private static func zone(
        _ fleet: FleetOptions, _ timeZones: TimeZoneDatabase
    ) throws(StoreError) -> TimeZoneTable {
        do throws(TimeZoneError) { return try timeZones.table(fleet.timeZone) } catch { throw .invalid("\(error)") }
    }

    /// How many entities there are.
    package var deviceCount: Int { catalog.present.devices.count }
    package var assignmentCount: Int { catalog.present.assignments.count }

    /// The router of every route in `Route.table`; a web app's files may be added to it.
    package func router() -> Router<APIContext> {
        let router = Router(context: APIContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: FleetMiddleware(origins: fleet.origins))
        router.add(middleware: RequestMiddleware(api: self))
        for route in Route.table {
            router.on(RouterPath(route.path), method: route.method) { request, context in
                try await respond(to: request, context, route)
            }
        }
        return router
    }

    private func respond(to request: Request, _ context: APIContext, _ route: Route) async throws -> Response {
        var held = 0
        defer { bodies.giveBack(held) }
        let body = try await body(of: request, holding: &held)
        if route.access == .master, context.token?.kind != .master {
            throw APIFailure(.forbidden, "this needs a token of kind master")
        }
        let target = request.head.path ?? "/"
        let path = target.prefix { $0 != "?" }
        var call = Call(path: try Call.captures(path, of: route.segments), body: body, token: context.token)
        call.query = try Call.items(target.dropFirst(path.count + 1))
        call.route = route.path
        call.target = target
        call.ifNoneMatch = request.headers[.ifNoneMatch]
        call.acceptsGzip = Gzip.isAccepted(request.headers[.acceptEncoding])
        try call.checkQuery(route.parameters.map(\.name))
        return try await route.handler(self)(call).response
    }

    /// The whole body; one that is too large is never held in memory, nor one beyond what bodies may hold together.
    /// `held` is what it takes of that.
    private func body(of request: Request, holding held: inout Int) async throws -> [UInt8] {
        let announced = request.headers[.contentLength].flatMap { Int($0) } ?? 0
        var bytes: [UInt8] = []
        if announced <= limits.bodyBytesMax { bytes.reserveCapacity(announced) }
        var count = 0
        var hasRoom = true
        // Most clients send everything before they read the answer, so what is refused is read too, and dropped.
        if announced > limits.bodyDropMax { throw tooLarge }
        for try await buffer in request.body {
            count += buffer.readableBytes
            if count > limits.bodyDropMax { throw tooLarge }
            guard hasRoom, max(count, announced) <= limits.bodyBytesMax else { continue }
            hasRoom = bodies.take(buffer.readableBytes, max: limits.bodiesBytesMax)
            if hasRoom {
                held += buffer.readableBytes
                bytes.append(contentsOf: buffer.readableBytesView)
            } else {
                // The others go on with the room that this one leaves.
                bytes = []
                bodies.giveBack(held)
                held = 0
            }
        }
        guard count <= limits.bodyBytesMax else { throw tooLarge }
        guard hasRoom else {
            bodies.noteRefusalForMemory()
            throw APIFailure.overloaded(
                "the bodies of all requests in work take more than \(limits.bodiesBytesMax) bytes",
                seconds: limits.bodiesRetrySeconds)
        }
        return bytes
    }

    private var tooLarge: APIFailure {
        var failure = APIFailure(
            .tooLarge, "the body is over \(limits.bodyBytesMax) bytes", hint: "send the messages in several requests")
        failure.headers[.connection] = "close"
        return failure
    }
}

extension API {
    /// Calls the store where it may block.
    func stored<Value: Sendable>(
        _ body: @escaping @Sendable (any PrimaryStore) throws(StoreError) -> Value
    ) async throws(APIFailure) -> Value {
        let store = store
        return try await pool.run { () throws(APIFailure) in
            do throws(StoreError) { return try body(store) } catch { throw APIFailure(error) }
        }
    }

    /// Changes the registry in the store, then in the catalog.
    func change<Value: Sendable>(
        _ change: @escaping @Sendable (any PrimaryStore) throws(StoreError) -> Value,
        then apply: @escaping @Sendable (inout EntityCatalog.Contents, Value) -> Void
    ) async throws(APIFailure) -> Value {
        let catalog = catalog
        return try await stored { store throws(StoreError) in
            try catalog.changing({ () throws(StoreError) in try change(store) }, then: apply)
        }
    }

    func devices(_ text: String) throws(APIFailure) -> Selection<DeviceEntity> {
        catalog.present.devices(try ItemSelector(text, of: .device, limits: limits))
    }

    func calculators(_ text: String) throws(APIFailure) -> Selection<CalculatorEntity> {
        catalog.present.calculators(try ItemSelector(text, of: .calculator, limits: limits))
    }
}

/// What goes with a request from the middleware to the handler.
package struct APIContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// Who asks.
    package var token: TokenRecord?

    package init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
    }
}
