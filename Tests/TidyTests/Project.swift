import Foundation

/// The project's files, found from where this file lies.
enum Project {
    /// The top of the project; links on the way to it are followed.
    static let root: String = {
        let file = URL(filePath: #filePath).resolvingSymlinksInPath()
        return file.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
    }()

    /// Every Swift file of `Sources` and `Tests`, and `Package.swift`.
    static let files: [SourceFile] = {
        let paths = ["Sources", "Tests"].flatMap { folder in
            entries(below: folder).filter { $0.hasSuffix(".swift") }.map { "\(folder)/\($0)" }
        }
        return (paths.sorted() + ["Package.swift"]).compactMap { path in
            text(path).map { SourceFile(path: path, text: $0) }
        }
    }()

    static var sources: [SourceFile] { files.filter { $0.path.hasPrefix("Sources/") } }
    static var tests: [SourceFile] { files.filter(\.isTest) }

    static let manifest = Manifest(text("Package.swift") ?? "")
    static let moduleTable = ModuleTable(text("docs/modules.md") ?? "")

    /// The text of a file; nil if it cannot be read.
    static func text(_ path: String) -> String? {
        FileManager.default.contents(atPath: "\(root)/\(path)").map { String(decoding: $0, as: UTF8.self) }
    }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: "\(root)/\(path)") }

    /// What lies below a folder at any depth, by paths from it.
    static func entries(below folder: String) -> [String] {
        (try? FileManager.default.subpathsOfDirectory(atPath: "\(root)/\(folder)")) ?? []
    }

    /// The paths that git tracks; nil where there is no git or it does not know this folder.
    static let trackedPaths: [String]? = {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["git", "-C", root, "ls-files", "-z"]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { return nil }
        return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }()
}
