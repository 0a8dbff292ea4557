import Fleet
import Foundation

/// An `odograph serve` of our own, on a free port and with a data folder that is deleted before.
final class ServerProcess {
    private(set) var port = 0
    let folder: String
    private(set) var token = ""
    private let binary: String
    private var process = Process()

    init(binary: String, folder: String) throws {
        self.binary = binary
        self.folder = folder
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try start()
    }

    /// Starts the program on the data folder; there may be one from before.
    func start() throws {
        let log = folder + "/server.log"
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        process = Process()
        process.executableURL = URL(fileURLWithPath: binary)
        process.arguments = ["serve", "--data", folder + "/data", "--listen", "127.0.0.1:0"]
        let output = FileHandle(forWritingAtPath: log)
        process.standardOutput = output
        process.standardError = output
        try process.run()
        var found: Int?
        for _ in 0..<2_000 where found == nil {
            usleep(5_000)
            found = Self.port(in: (try? String(contentsOfFile: log, encoding: .utf8)) ?? "")
        }
        guard let found else { throw BenchmarkError("the server does not listen; see \(log)") }
        port = found
        token = try String(contentsOfFile: folder + "/data/master-token", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func port(in log: String) -> Int? {
        guard let range = log.range(of: "http://127.0.0.1:") else { return nil }
        return Int(log[range.upperBound...].prefix { $0.isNumber })
    }

    /// Seconds of processor time that the server has used.
    var processorTime: Double {
        let text = (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8)) ?? ""
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return .nan }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    var processID: Int32 { process.processIdentifier }

    /// Megabytes of memory that the server had at most.
    var memoryMost: Double {
        let text = (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM") }
        return line?.split(separator: " ").compactMap { Double($0) }.first.map { $0 / 1_000 } ?? .nan
    }

    /// Counts the most from now on.
    func forgetMemoryMost() {
        try? "5".write(toFile: "/proc/\(process.processIdentifier)/clear_refs", atomically: false, encoding: .utf8)
    }

    /// Bytes of memory that the server has now.
    var residentBytes: Int {
        let text = (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/statm", encoding: .utf8)) ?? ""
        let fields = text.split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
    }

    func connect() throws(BenchmarkError) -> HTTPConnection { try HTTPConnection(port: port, token: token) }

    func stop() {
        guard process.isRunning else { return }
        process.terminate()
        process.waitUntilExit()
    }

    /// Runs another command of the program until it ends; gives its status and what it printed.
    @discardableResult
    func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: binary)
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }

    /// Bytes of a file or folder below the data folder.
    func size(_ name: String) -> Int {
        let path = folder + "/data/" + name
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return 0 }
        let inside = (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []
        let files = isFolder.boolValue ? inside.map { path + "/" + $0 } : [path]
        return files.reduce(0) { sum, file in
            sum + ((try? FileManager.default.attributesOfItem(atPath: file)[.size] as? Int) ?? 0)
        }
    }
}
