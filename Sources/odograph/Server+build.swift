import CalcProcess
import FoundationEssentials
import Glibc
import HTTPAPI
import Hummingbird
import Logging
import PrimaryStore
import ServiceLifecycle
import Telemetry
import TimeZones
import UnixSignals

/// A data folder opened for serving.
final class Server {
    let lock: DataFolderLock
    let store: SQLitePrimaryStore
    let settings: Settings
    let logger: Logger
    let timeZones = TimeZoneDatabase()
    /// Where the master token of this folder was written.
    let tokenPath: String

    /// Opens the folder, made if it is not there; the first time a master token is made and written to a file that
    /// only its owner can read.
    init(_ settings: Settings) throws {
        self.settings = settings
        var logger = Logger(label: "odograph")
        logger.logLevel = settings.logLevel
        self.logger = logger
        try FileManager.default.createDirectory(atPath: settings.data, withIntermediateDirectories: true)
        lock = try DataFolderLock(folder: settings.data)
        store = try SQLitePrimaryStore(folder: settings.data)
        tokenPath = settings.data + "/master-token"
        try Self.makeMasterToken(store, tokenPath)
    }

    /// What the header `Server` says.
    static let name = "odograph"

    /// The wall clock; everything below takes it as an argument.
    static let clock: @Sendable () -> Timestamp = {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }

    private static func makeMasterToken(_ store: SQLitePrimaryStore, _ path: String) throws {
        guard try store.tokens().isEmpty else { return }
        let token = try store.createToken(name: "master", kind: .master, expires: nil, at: clock())
        try writeSecret(token.secret, to: path)
    }

    /// Writes a file of mode 0600 that is not readable by others even for a moment.
    private static func writeSecret(_ secret: String, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0, fchmod(descriptor, 0o600) == 0 else {
            throw CommandFailure(reason: "\(path): cannot be written")
        }
        defer { close(descriptor) }
        let line = Array((secret + "\n").utf8)
        guard write(descriptor, line, line.count) == line.count, fsync(descriptor) == 0 else {
            throw CommandFailure(reason: "\(path): cannot be written")
        }
    }

    /// Serves until SIGTERM or SIGINT. More services may run beside it; `onListening` is told the port.
    func run(
        with services: (CalcProcess) -> [any Service] = { _ in [] },
        onListening: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws {
        var configuration = CalcProcess.Configuration(folder: settings.data, workerCount: settings.workers)
        configuration.coldSeconds = settings.coldDays * 86_400
        let calc = try CalcProcess(
            store: store, timeZones: timeZones, configuration: configuration, now: Self.clock, logger: logger)
        let delivery = settings.reporting.postgres.map {
            Publication.delivery(store, to: $0, timeZone: settings.reporting.timeZone, logger: logger)
        }
        var limits = APILimits()
        limits.keptAnswerBytesMax = settings.keptAnswerBytes
        let api = try API(
            store: store, calc: calc, timeZones: timeZones, now: Self.clock, logger: logger, limits: limits,
            fleet: settings.reporting.fleetOptions, fleetReports: settings.reporting.fleetReports, delivery: delivery)
        let host = settings.host
        let listening = logger
        let tokenPath = tokenPath
        var application = Application(
            router: api.router(), server: api.server(name: Self.name),
            configuration: .init(address: .hostname(host, port: settings.port), serverName: Self.name),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? 0
                listening.notice(
                    "listening",
                    metadata: ["url": "http://\(host):\(port)", "master_token_file": "\(tokenPath)"])
                onListening(port)
            }, logger: logger)
        application.addServices(calc)
        application.addServices(MemoryReturn())
        if let delivery { application.addServices(delivery) }
        for service in services(calc) { application.addServices(service) }
        try await application.runService(gracefulShutdownSignals: [.sigterm, .sigint])
        store.close()
    }
}
