import ArgumentParser
import FoundationEssentials
import HTTPAPI
import Logging
import Telemetry

/// The flags that the server's commands share.
struct SettingsOptions: ParsableArguments {
    @Option(help: "The data folder. (default: odograph-data, for demo .odograph-demo)")
    var data: String?

    @Option(help: "The address to listen on, HOST:PORT. (default: 127.0.0.1:8080)")
    var listen: String?

    @Option(help: "Worker threads, each with a cache of its own. (default: one per core, at least 2)")
    var workers: Int?

    @Option(help: "Days after which a day's messages are stored compressed. (default: 14)")
    var coldDays: Double?

    @Option(help: "A JSON file with settings; see docs/operations.md.")
    var config: String?

    @Option(help: "The PostgreSQL that gets the reporting tables, as a URL or \"host=… dbname=… user=…\".")
    var postgres: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical. (default: info)")
    var logLevel: String?
}

/// How the server is to run: flags over environment over file over defaults.
struct Settings {
    var data: String
    var host: String
    var port: Int
    var workers: Int
    /// Days after its last message from which a chunk is stored for the long run.
    var coldDays: Double
    var logLevel: Logger.Level
    /// Bytes of finished reports that may be kept in memory.
    var keptAnswerBytes: Int
    var reporting: ReportingSettings

    /// Every name that a file may have; the environment has the same in capitals after ODOGRAPH_.
    static let names =
        ["data", "listen", "workers", "cold_days", "log_level", "kept_answer_bytes"] + ReportingSettings.names
    static let dataDefault = "odograph-data"
    static let listenDefault = "127.0.0.1:8080"
    static let coldDaysDefault = 14.0

    init(
        _ options: SettingsOptions, dataDefault: String = Self.dataDefault,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws {
        let file = try Self.read(options.config ?? environment["ODOGRAPH_CONFIG"])
        func setting(_ name: String, _ flag: String?) -> String? {
            flag ?? environment["ODOGRAPH_" + name.uppercased()] ?? file[name]
        }
        data = setting("data", options.data) ?? dataDefault
        (host, port) = try Self.address(setting("listen", options.listen) ?? Self.listenDefault)
        let cores = ProcessInfo.processInfo.activeProcessorCount
        workers = try Self.count(setting("workers", options.workers.map(String.init))) ?? max(2, cores)
        coldDays = try Self.days(setting("cold_days", options.coldDays.map { "\($0)" })) ?? Self.coldDaysDefault
        let level = setting("log_level", options.logLevel) ?? "info"
        guard let known = Logger.Level(rawValue: level) else {
            throw CommandFailure(
                reason: "log level \"\(level)\": one of trace, debug, info, notice, warning, error, critical", status: 2
            )
        }
        logLevel = known
        keptAnswerBytes = try Self.byteCount(setting("kept_answer_bytes", nil)) ?? APILimits().keptAnswerBytesMax
        reporting = try ReportingSettings { name in setting(name, name == "postgres" ? options.postgres : nil) }
    }

    static func read(_ path: String?) throws -> [String: String] {
        guard let path else { return [:] }
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(reason: "\(path): cannot be read", status: 2)
        }
        do {
            guard let members = try JSONValue(parsing: bytes).members else {
                throw CommandFailure(reason: "\(path): must be a JSON object of settings", status: 2)
            }
            for member in members where !names.contains(member.key) {
                throw CommandFailure(
                    reason: "\(path): no setting \"\(member.key)\"; known are \(names.joined(separator: ", "))",
                    status: 2)
            }
            return Dictionary(uniqueKeysWithValues: members.map { ($0.key, $0.value.stringValue ?? $0.value.text) })
        } catch let error as JSONError { throw CommandFailure(reason: "\(path): \(error)", status: 2) }
    }

    private static func address(_ text: String) throws -> (String, Int) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard let last = parts.last, parts.count >= 2, let port = Int(last), (0...65535).contains(port) else {
            throw CommandFailure(reason: "listen \"\(text)\": must be HOST:PORT, such as 127.0.0.1:8080", status: 2)
        }
        let host = parts.dropLast().joined(separator: ":")
        return (host.isEmpty ? "0.0.0.0" : host.trimmingBrackets, port)
    }

    private static func byteCount(_ text: String?) throws -> Int? {
        guard let text else { return nil }
        guard let count = Int(text), (0...(1 << 40)).contains(count) else {
            throw CommandFailure(reason: "kept_answer_bytes \"\(text)\": must be a number of bytes, or 0", status: 2)
        }
        return count
    }

    private static func count(_ text: String?) throws -> Int? {
        guard let text else { return nil }
        guard let count = Int(text), (1...64).contains(count) else {
            throw CommandFailure(reason: "workers \"\(text)\": must be from 1 to 64", status: 2)
        }
        return count
    }

    private static func days(_ text: String?) throws -> Double? {
        guard let text else { return nil }
        guard let days = Double(text), (0...36_500).contains(days) else {
            throw CommandFailure(reason: "cold_days \"\(text)\": must be from 0 to 36500", status: 2)
        }
        return days
    }
}

extension String {
    /// An IPv6 address without its brackets.
    fileprivate var trimmingBrackets: String {
        hasPrefix("[") && hasSuffix("]") ? String(dropFirst().dropLast()) : self
    }
}
