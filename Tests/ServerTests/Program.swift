import Foundation
import Glibc

/// The program under test, as it lies beside the tests.
enum Program {
    /// The top of the project; links on the way to it are followed.
    static let root: String = {
        let file = URL(filePath: #filePath).resolvingSymlinksInPath()
        return file.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
    }()

    /// The executable; nil where it is not built.
    static let path: String? = {
        let bundle = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path
        return [bundle + "/odograph", root + "/.build/debug/odograph"].first { access($0, X_OK) == 0 }
    }()

    static var isBuilt: Bool { path != nil }

    /// What ended a command of the program.
    struct Outcome: CustomStringConvertible {
        var status: Int32
        var output: String
        var errors: String

        var description: String { "status \(status)\n\(output.suffix(2_000))\n\(errors.suffix(2_000))" }
    }

    /// Runs a command to its end, which must come in time.
    static func run(
        _ arguments: [String], input: String? = nil, environment: [String: String] = [:], within seconds: Double = 30
    ) async throws -> Outcome {
        let folder = try Folder()
        if let input { try folder.write(input, to: "input") }
        let child = try Child(
            arguments, environment: environment, input: input == nil ? "/dev/null" : folder.path + "/input",
            output: folder.path + "/output", errors: folder.path + "/errors")
        let status = try await child.end(within: seconds)
        return Outcome(status: status, output: folder.text("output"), errors: folder.text("errors"))
    }
}

/// What keeps a test from going on.
struct Obstacle: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// A temporary folder, which is deleted with its owner.
final class Folder: Sendable {
    let path: String

    init() throws {
        var template = Array((NSTemporaryDirectory() + "odograph-test-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw Obstacle("no temporary folder: \(errno)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The text of a file; empty if it is not there.
    func text(_ name: String) -> String {
        FileManager.default.contents(atPath: "\(path)/\(name)").map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// Writes a file and gives its path.
    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: URL(filePath: "\(path)/\(name)"))
        return "\(path)/\(name)"
    }

    func exists(_ name: String) -> Bool { access("\(path)/\(name)", F_OK) == 0 }

    /// The names in a folder below.
    func names(in name: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(name)")) ?? []
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }

    /// The rights of a file, such as 0o600.
    func mode(_ name: String) -> mode_t {
        var status = stat()
        guard stat("\(path)/\(name)", &status) == 0 else { return 0 }
        return status.st_mode & 0o777
    }
}
