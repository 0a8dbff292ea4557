import PrimaryStore
import Publishing
import Telemetry

/// The dashboard's answers from the engine's own store, without PostgreSQL: the same texts, up to the order of keys.
///
/// What exists in PostgreSQL alone it does not know: drivers by their cards, assignments made there.
final class EngineFleetReports: FleetReports {
    let store: any PrimaryStore
    let catalog: EntityCatalog
    let options: FleetOptions
    let zone: TimeZoneTable
    let now: @Sendable () -> Timestamp
    let board: LiveBoard
    let trips: TripBook
    let vehicleBook = VehicleBook()

    init(
        store: any PrimaryStore, catalog: EntityCatalog, options: FleetOptions, zone: TimeZoneTable,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.store = store
        self.catalog = catalog
        self.options = options
        self.zone = zone
        self.now = now
        board = LiveBoard(store: store, options: options)
        trips = TripBook(store: store, tripsMax: options.tripsHeldMax)
    }

    func ingestHealth() -> ReportAnswer {
        let runs = board.runs(of: catalog.present.deviceIDs, at: now())
        let moment = now()
        let isHealthy = runs.isHealthy(at: moment)
        var writer = JSONWriter(capacity: 256)
        writer.write(literal: "{\"ok\":")
        isHealthy ? writer.write(literal: "true") : writer.write(literal: "false")
        writer.write(literal: ",\"jobs\":[")
        runs.write(at: moment, to: &writer)
        writer.write(literal: "]}")
        return ReportAnswer(json: writer.bytes, isHealthy: isHealthy)
    }

    /// Calls the store.
    func stored<Value>(_ body: () throws(StoreError) -> Value) throws(ReportError) -> Value {
        do throws(StoreError) { return try body() } catch {
            throw error.isRetryable ? .unavailable("\(error)") : .failed("\(error)")
        }
    }

    func drivers() throws(ReportError) -> DriverBook {
        DriverBook(try stored { () throws(StoreError) in try store.deviceDrivers(nil) })
    }
}
