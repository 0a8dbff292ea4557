import Foundation
import SQLiteClient
import Testing

@Suite("Files of SQLite without a connection")
struct FileTests {
    /// A folder of its own, which goes with it.
    private final class Folder {
        let path = NSTemporaryDirectory() + "/sqlite-\(UUID().uuidString)"

        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() } }
    }

    @Test("a file is deleted, and one that is not there is left alone")
    func delete() throws {
        let folder = try Folder()
        let path = folder.path + "/a.db"
        try Connection(path: path).execute("CREATE TABLE t (i)")
        #expect(try folder.names == ["a.db"])
        Connection.deleteFile(path)
        Connection.deleteFile(path)
        #expect(try folder.names == [])
    }

    @Test("syncing a folder leaves it as it is, and a folder that is not there is told")
    func sync() throws {
        let folder = try Folder()
        try Connection(path: folder.path + "/a.db").execute("CREATE TABLE t (i)")
        try Connection.syncFolder(folder.path)
        #expect(try folder.names == ["a.db"])
        #expect(throws: SQLiteError.self) { try Connection.syncFolder(folder.path + "/none") }
    }

    @Test("hardening a log changes no byte of it, and without a log there is nothing to do")
    func harden() throws {
        let folder = try Folder()
        let path = folder.path + "/a.db"
        try Connection.hardenLog(of: path)
        #expect(try folder.names == [])
        let connection = try Connection(path: path, pragmas: ["journal_mode = WAL"])
        try connection.execute("CREATE TABLE t (b)")
        for _ in 0..<3 { try connection.run("INSERT INTO t VALUES (?)", [UInt8](repeating: 7, count: 50_000)) }
        let before = try Data(contentsOf: URL(fileURLWithPath: path + "-wal"))
        try Connection.hardenLog(of: path)
        #expect(before.count > 150_000)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path + "-wal")) == before)
        #expect(try connection.integer("SELECT COUNT(*) FROM t") == 3)
    }
}
