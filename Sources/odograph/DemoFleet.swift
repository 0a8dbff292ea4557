import Ingest
import Logging
import PrimaryStore
import ServiceLifecycle
import Synchronization
import Telemetry

/// The demo's vehicles and their devices in the store.
final class DemoFleet: Sendable {
    private let store: SQLitePrimaryStore
    private let vehicles: Mutex<[FleetVehicle]>
    let deviceIDs: [DeviceID]

    /// Makes the devices that are not there.
    init(store: SQLitePrimaryStore, seed: UInt64, vehicleCount: Int) throws {
        self.store = store
        let simulator = FleetSimulator(seed: seed, vehicleCount: vehicleCount)
        let made = (0..<vehicleCount).map { simulator.vehicle($0) }
        vehicles = Mutex(made)
        let known = Dictionary(
            try store.registry().devices.map { ($0.ident, $0.id) }, uniquingKeysWith: { first, _ in first })
        deviceIDs = try made.enumerated().map { index, vehicle in
            if let id = known[vehicle.ident] { return id }
            let entity = JSONValue.object([
                .init("name", .string(vehicle.name)),
                .init("configuration", .object([.init("ident", .string(vehicle.ident))])),
                .init("metadata", DemoIdentity(index).metadata),
            ])
            return try store.createDevice(ident: vehicle.ident, name: vehicle.name, json: entity.text).id
        }
    }

    /// From where on messages are missing: the last message there is, else `days` before now.
    func start(now: Timestamp, days: Int) throws -> Timestamp {
        var latest: Timestamp?
        for device in deviceIDs {
            try MessageHistory(store: store).forEachBlock(device: device, range: .all, isReversed: true) { block in
                latest = [latest, block.timestamps.last.map { Timestamp(microseconds: $0 + 1) }].compactMap { $0 }.max()
                return false
            }
        }
        return latest ?? now.advanced(bySeconds: -86_400 * Double(days))
    }

    /// Appends what the whole fleet sends in a range of time.
    func append(_ range: TimeRange, as acceptance: Acceptance) async throws {
        let appends = vehicles.withLock { vehicles in
            vehicles.indices.compactMap { index -> LogAppend? in
                let messages = vehicles[index].messages(in: range)
                guard !messages.isEmpty else { return nil }
                let batch = MessageBatch(messages, table: store.parameters, acceptance: acceptance)
                return LogAppend(device: deviceIDs[index], batch: batch)
            }
        }
        if !appends.isEmpty { _ = try await store.append(appends) }
    }
}

/// Sends the fleet's live messages, a second at a time.
struct DemoFeeder: Service {
    let fleet: DemoFleet
    let store: SQLitePrimaryStore
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var last = Server.clock()
            while !Task.isCancelled {
                // The demo's own heart-beat: messages come when their second has passed.
                try? await Task.sleep(for: .seconds(1))
                let now = Server.clock()
                do {
                    try await fleet.append(TimeRange(lower: last, upper: now), as: .now(now))
                    last = now
                } catch { logger.error("live messages were not taken", metadata: ["error": "\(error)"]) }
            }
        }
    }
}

/// What the demo prints once it serves.
struct DemoPage: Sendable {
    let settings: Settings
    let tokenPath: String
    let calculators: [CalculatorRecord]

    func text(port: Int) -> String {
        let url = "http://\(settings.host):\(port)"
        let lines = calculators.prefix(2).map { calculator in
            """
              # \(calculator.name), device 1
              curl -s -H "Authorization: FlespiToken $TOKEN" '\(url)/gw/calcs/\(calculator.id)/devices/1/intervals/all?count=5&reverse=true'
            """
        }
        return """

            Odograph is running at \(url). In another terminal:

              TOKEN=$(cat \(tokenPath))
            \(lines.joined(separator: "\n"))
              # the fleet
              curl -s -H "Authorization: FlespiToken $TOKEN" '\(url)/gw/devices/all?fields=id,name'

            Ctrl-C ends it; started again, it goes on where it was.
            """
    }
}
