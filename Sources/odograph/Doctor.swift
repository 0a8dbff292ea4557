import ArgumentParser
import FoundationEssentials
import Glibc
import Telemetry
import TimeZones

/// Looks at an installation, one thing after the other; what cannot be looked at does not keep it from the rest.
struct Doctor {
    let config: String?
    let environment: [String: String]
    let now: Timestamp
    let report: (DoctorFinding) -> Void
    let progress: (_ done: Int, _ total: Int) -> Void
    /// The data folder: as it was asked for, else as the settings say.
    private(set) var data: String
    private let dataAsked: String?
    /// As the settings say; nil where they cannot be read.
    private var reporting: ReportingSettings?

    /// Names that the environment may have after ODOGRAPH_.
    private static let variables = Settings.names.map { $0.uppercased() } + ["CONFIG"]
    /// The clock is held to be wrong outside of these: the years 2025 and 2100.
    private static let clockSeconds = 1_735_689_600.0...4_102_444_800.0

    init(
        data: String?, config: String?, environment: [String: String], now: Timestamp,
        report: @escaping (DoctorFinding) -> Void, progress: @escaping (_ done: Int, _ total: Int) -> Void
    ) {
        dataAsked = data
        self.data = data ?? environment["ODOGRAPH_DATA"] ?? Settings.dataDefault
        self.config = config
        self.environment = environment
        self.now = now
        self.report = report
        self.progress = progress
    }

    mutating func run() {
        lookAtSettings()
        lookAtEnvironment()
        lookAtClock()
        lookAtTimeZones()
        lookAtLibrary()
        if let reporting { lookAtReporting(reporting) }
        guard lookAtFolder() else { return }
        lookAtLock()
        lookAtSpace()
        lookAtCaches()
        lookAtStore()
    }

    func say(_ state: DoctorFinding.State, _ name: String, _ text: String, mend: String? = nil) {
        report(DoctorFinding(state, name, text, mend: mend))
    }

    private mutating func lookAtSettings() {
        let arguments = (dataAsked.map { ["--data", $0] } ?? []) + (config.map { ["--config", $0] } ?? [])
        let file = config ?? environment["ODOGRAPH_CONFIG"]
        do {
            let settings = try Settings(SettingsOptions.parse(arguments), environment: environment)
            data = settings.data
            reporting = settings.reporting
            let source = file.map { "from \($0), " } ?? ""
            say(
                .ok, "settings",
                "\(source)data \(settings.data), listen \(settings.host):\(settings.port), workers \(settings.workers)")
        } catch {
            let reason = (error as? CommandFailure)?.reason ?? "\(error)"
            say(.error, "settings", reason, mend: "mend it, or leave it out for the default")
        }
    }

    private func lookAtEnvironment() {
        let unknown = environment.keys.filter { name in
            name.hasPrefix("ODOGRAPH_") && !Self.variables.contains(String(name.dropFirst("ODOGRAPH_".count)))
        }
        for name in unknown.sorted() {
            say(
                .warning, "environment", "\(name) is no setting and has no effect",
                mend: "known are \(Self.variables.map { "ODOGRAPH_" + $0 }.joined(separator: ", "))")
        }
        if unknown.isEmpty { say(.ok, "environment", "no unknown settings") }
    }

    private func lookAtClock() {
        let seconds = "\(Int(now.seconds))"
        guard Self.clockSeconds.contains(now.seconds) else {
            return say(
                .error, "clock", "the time is \(seconds) seconds since 1970, which cannot be", mend: "set the clock")
        }
        say(.ok, "clock", "\(seconds) seconds since 1970")
    }

    private func lookAtTimeZones() {
        let database = TimeZoneDatabase()
        let count = database.names.count
        do {
            _ = try database.table("Europe/Berlin")
            say(.ok, "time zones", "\(count) zones")
        } catch {
            say(
                .error, "time zones", "\(error)", mend: "install the package tzdata: only UTC can be used without it")
        }
    }
}
