import CalcProcess
import Ingest
import Logging
import PrimaryStore
import Synchronization
import Telemetry
import TimeZones

/// The way of a message from its JSON to a page of intervals, step by step and on one thread beside the store's, for
/// the benchmarks to measure. No part of the product uses it.
@_spi(Benchmarks) public final class Workbench {
    private let store: SQLitePrimaryStore
    private let process: SteppedProcess
    private let decoder: MessageDecoder
    private let clock: WorkbenchClock
    private var calculator = CalculatorID(0)
    private var devices: [String: DeviceID] = [:]

    /// A store and a cache in an empty folder; time stands still but for `advance`.
    public init(folder: String, now: Timestamp) throws {
        store = try SQLitePrimaryStore(folder: folder)
        clock = WorkbenchClock(now)
        decoder = MessageDecoder(table: store.parameters)
        process = SteppedProcess(
            store: store, timeZones: TimeZoneDatabase(), cachePath: folder + "/worker.db",
            now: { [clock] in clock.now }, logger: Logger(label: "workbench") { _ in SwiftLogNoOpLogHandler() })
    }

    deinit { store.close() }

    /// Creates the devices `d1`, `d2`, …
    public func addDevices(_ count: Int) throws {
        let wanted = (1...count).map { index in
            let configuration = JSONValue.object([.init("ident", .string("d\(index)"))])
            return NewDevice(
                ident: "d\(index)", name: "d\(index)",
                json: JSONValue.object([.init("configuration", configuration)]).text)
        }
        for result in store.createDevices(wanted) {
            let device = try result.get()
            devices[device.ident] = device.id
        }
    }

    /// Creates the calculator and assigns it to all devices.
    public func addCalculator(_ definition: String) throws {
        calculator = try store.createCalculator(name: "measured", json: definition).id
        let keys = devices.values.sorted().map { AssignmentKey(calculator: calculator, device: $0) }
        _ = try store.assign(keys, isEnabled: true, isAutoCreated: false)
    }

    /// Gives the calculator another definition; everything is calculated again by the next `settle`.
    public func changeCalculator(_ definition: String) throws {
        _ = try store.replaceCalculator(calculator, name: "measured", json: definition, expecting: nil)
    }

    public func advance(seconds: Double) { clock.advance(seconds) }

    /// Decodes a body of messages into columns; gives their number.
    public func decode(_ body: [UInt8]) throws -> Int {
        try decoder.decode(body, acceptance: .history).accepted
    }

    /// Decodes a body and appends it to the log; gives the number of messages.
    public func append(_ body: [UInt8]) throws -> Int {
        let decoded = try decoder.decode(body, acceptance: .history)
        let appends = decoded.byIdent.compactMap { messages in
            devices[messages.ident ?? ""].map { LogAppend(device: $0, batch: messages.messages) }
        }
        _ = try store.append(appends)
        return decoded.accepted
    }

    /// Lets the worker take what is in the log, calculate and push.
    public func settle() throws { try process.settle() }

    /// Reads a device's intervals as a page; gives the number of its bytes.
    public func page(of device: Int) throws -> Int {
        guard let id = devices["d\(device)"] else { return 0 }
        let key = AssignmentKey(calculator: calculator, device: id)
        return try store.intervalPage(key, IntervalQuery()).json.count
    }
}

/// A clock that is set by hand.
private final class WorkbenchClock: Sendable {
    private let moment: Mutex<Timestamp>

    init(_ moment: Timestamp) { self.moment = Mutex(moment) }

    var now: Timestamp { moment.withLock { $0 } }

    func advance(_ seconds: Double) { moment.withLock { $0 = $0.advanced(bySeconds: seconds) } }
}
