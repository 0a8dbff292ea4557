import Dispatch
import Foundation
import PrimaryStore
import SQLiteClient
import Synchronization
import Telemetry
import Testing

@Suite("Backup and restore")
struct BackupTests {
    /// A store with something of everything, and a folder for what is made of it.
    private final class House {
        let test: TestStore
        let assignment: TestAssignment
        let folder = NSTemporaryDirectory() + "/backup-\(UUID().uuidString)"

        var file: String { folder + "/copy.db" }
        var data: String { folder + "/data" }

        init() throws {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            test = try TestStore()
            assignment = try test.assignment()
            try append([1, 2, 3])
            _ = try test.store.push([assignment.push([.make(nil, 1, 6), .make(nil, 7, 9)])])[0].get()
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        func append(_ seconds: [Int64]) throws {
            let batch = batch(test.store.parameters, seconds)
            _ = try test.store.append([LogAppend(device: assignment.key.device, batch: batch)])
        }

        func backup() throws -> Backup {
            try Backup.write(folder: test.folder, to: file, isReplacing: false)
        }

        var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder).sorted()) ?? [] }
    }

    @Test("a backup holds all there is, lies in one file, and is another store than the one it was made of")
    func whole() throws {
        let house = try House()
        let backup = try house.backup()
        #expect(house.names == ["copy.db"])
        #expect(backup.path == house.file && backup.logPosition == 1 && backup.registryRevision == 3)
        #expect(backup.counts.devices == 1 && backup.counts.calculators == 1 && backup.counts.assignments == 1)
        #expect(backup.counts.intervals == 2 && backup.counts.messages == 3)
        #expect(backup.byteCount == (try Data(contentsOf: URL(filePath: house.file)).count))
        let restored = try Backup.restore(house.file, to: house.data, isReplacing: false)
        #expect(restored.counts == backup.counts && restored.logPosition == 1)
        let store = try SQLitePrimaryStore(folder: house.data)
        defer { store.close() }
        #expect(try store.registry().assignments == house.test.store.registry().assignments)
        #expect(try store.registry().revision == house.test.store.registry().revision)
        #expect(store.lastPosition == 1)
        let identities = [store.storeIdentity, house.test.store.storeIdentity]
        let parts = identities.map { $0.split(separator: "-") }
        #expect(parts[0][0] != parts[1][0] && parts[0][1] != parts[1][1], "whoever read the other one is told")
        let key = house.assignment.key
        #expect(try store.intervals(key, IntervalQuery()) == house.test.store.intervals(key, IntervalQuery()))
        #expect(try store.readLog(after: 0, slots: .all).entries.count == 1)
        let copied = try Connection(path: house.file, mode: .readOnly)
        let id = try copied.integer("SELECT value FROM meta WHERE key = 'store_id'")
        #expect(Set([store.storeID, house.test.store.storeID, UInt64(bitPattern: id ?? 0)]).count == 3)
        let epochs = try store.claimAllSlots(owner: "worker", at: .zero)
        #expect(epochs[house.assignment.slot] == house.assignment.epoch + 1)
    }

    @Test("a backup made while messages are written holds all of them up to its position and none beyond")
    func underLoad() throws {
        let house = try House()
        for second in 10..<400 { try house.append([Int64(second)]) }
        let writer = LoadWriter(house.test.store, house.assignment.key.device)
        writer.start()
        let all = try (0..<5).map { _ in
            try Backup.write(folder: house.test.folder, to: house.file, isReplacing: true)
        }
        writer.stop()
        #expect(all.map(\.logPosition) == all.map(\.logPosition).sorted())
        let last = try #require(all.last)
        let copy = try Connection(path: house.file, mode: .readOnly)
        #expect(try copy.integer("SELECT COUNT(*) FROM log") == last.logPosition)
        #expect(try copy.integer("SELECT MAX(position) FROM log") == last.logPosition)
        #expect(last.logPosition > 391 && last.logPosition <= house.test.store.lastPosition)
    }

    /// A thread that appends messages for as long as it is let.
    private final class LoadWriter: Sendable {
        private let store: SQLitePrimaryStore
        private let device: DeviceID
        private let isStopping = Atomic(false)
        private let hasStarted = DispatchSemaphore(value: 0)
        private let hasEnded = DispatchSemaphore(value: 0)

        init(_ store: SQLitePrimaryStore, _ device: DeviceID) {
            self.store = store
            self.device = device
        }

        /// Returns once the first messages are written.
        func start() {
            Thread.detachNewThread { [self] in
                var second: Int64 = 1_000
                while !isStopping.load(ordering: .acquiring) {
                    _ = try? store.append([LogAppend(device: device, batch: batch(store.parameters, [second]))])
                    if second == 1_000 { hasStarted.signal() }
                    second += 1
                }
                hasEnded.signal()
            }
            hasStarted.wait()
        }

        func stop() {
            isStopping.store(true, ordering: .releasing)
            hasEnded.wait()
        }
    }

    @Test("a file that is there is replaced only if that is asked for, and never by its own store")
    func existing() throws {
        let house = try House()
        try Data("mine".utf8).write(to: URL(filePath: house.file))
        #expect(throws: StoreError.self) { try house.backup() }
        #expect(try Data(contentsOf: URL(filePath: house.file)) == Data("mine".utf8))
        _ = try Backup.write(folder: house.test.folder, to: house.file, isReplacing: true)
        #expect(try Backup(checking: house.file).counts.messages == 3)
        let own = house.test.folder + "/primary.db"
        #expect(throws: StoreError.self) { try Backup.write(folder: house.test.folder, to: own, isReplacing: true) }
        try house.append([5])
        #expect(house.test.store.lastPosition == 2)
        #expect(throws: StoreError.self) { try Backup.write(folder: "/nowhere", to: house.file, isReplacing: true) }
        #expect(house.names == ["copy.db"])
    }

    @Test("what a backup that was killed has left is no obstacle")
    func leftovers() throws {
        let house = try House()
        for suffix in [".partial", ".partial-journal"] {
            try Data("half".utf8).write(to: URL(filePath: house.file + suffix))
        }
        _ = try house.backup()
        #expect(house.names == ["copy.db"])
    }

    @Test("a folder with anything in it is left as it is, unless replacing it is asked for")
    func occupied() throws {
        let house = try House()
        _ = try house.backup()
        try FileManager.default.createDirectory(atPath: house.data + "/cache", withIntermediateDirectories: true)
        try Data("old".utf8).write(to: URL(filePath: house.data + "/cache/worker-0.db"))
        #expect(throws: StoreError.self) { try Backup.restore(house.file, to: house.data, isReplacing: false) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: house.data) == ["cache"])
        _ = try Backup.restore(house.file, to: house.data, isReplacing: true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: house.data + "/cache").isEmpty)
        #expect(try Backup(checking: house.data + "/primary.db").counts.messages == 3)
    }

    @Test("a folder that a process holds is refused, whatever is asked for", arguments: [false, true])
    func held(_ isReplacing: Bool) throws {
        let house = try House()
        _ = try house.backup()
        let lock = try DataFolderLock(folder: house.data)
        #expect(throws: StoreError.locked(house.data)) {
            try Backup.restore(house.file, to: house.data, isReplacing: isReplacing)
        }
        _ = consume lock
        #expect(try FileManager.default.contentsOfDirectory(atPath: house.data) == ["lock"])
    }

    @Test("a store that was killed and is replaced leaves nothing of its log to the new one")
    func replaced() throws {
        let house = try House()
        _ = try house.backup()
        // Another store whose last writes are in its write-ahead log alone.
        try house.append([4, 5, 6])
        try FileManager.default.createDirectory(atPath: house.data, withIntermediateDirectories: true)
        for suffix in ["", "-wal"] {
            let name = "/primary.db" + suffix
            try FileManager.default.copyItem(atPath: house.test.folder + name, toPath: house.data + name)
        }
        _ = try Backup.restore(house.file, to: house.data, isReplacing: true)
        let store = try SQLitePrimaryStore(folder: house.data)
        defer { store.close() }
        #expect(store.lastPosition == 1)
        #expect(try store.intervals(house.assignment.key, IntervalQuery()).count == 2)
    }

    @Test("a file that is damaged, cut, empty or no store is refused, and the folder stays as it was")
    func damaged() throws {
        let house = try House()
        for second in 10..<300 { try house.append([Int64(second)]) }
        _ = try house.backup()
        let good = try Data(contentsOf: URL(filePath: house.file))
        var changed = good
        changed.replaceSubrange(8192..<24_576, with: Data(repeating: 0xa5, count: 16_384))
        let other = house.folder + "/other.db"
        try Connection(path: other).run("CREATE TABLE t (x)")
        let cases = [
            changed, good.prefix(good.count / 2), Data(), Data("no database".utf8),
            try Data(contentsOf: URL(filePath: other)),
        ]
        for (index, bytes) in cases.enumerated() {
            try bytes.write(to: URL(filePath: house.file))
            #expect(throws: StoreError.self, "case \(index)") {
                try Backup.restore(house.file, to: house.data, isReplacing: false)
            }
            let names = try FileManager.default.contentsOfDirectory(atPath: house.data)
            #expect(names == ["lock"], "case \(index)")
        }
    }

    @Test("a backup of an older schema is restored and brought up to date, one of a newer is refused")
    func schemas() throws {
        let house = try House()
        let old = house.folder + "/old"
        try FileManager.default.createDirectory(atPath: old, withIntermediateDirectories: true)
        try SchemaOneFixture.make(folder: old)
        _ = try Backup.write(folder: old, to: house.file, isReplacing: false)
        #expect(try Backup.restore(house.file, to: house.data, isReplacing: false).schema == 1)
        let store = try SQLitePrimaryStore(folder: house.data)
        defer { store.close() }
        #expect(try store.registry().revision == 5)
        try Connection(path: house.file).run("PRAGMA user_version = 99")
        #expect(throws: StoreError.self) {
            try Backup.restore(house.file, to: house.folder + "/newer", isReplacing: false)
        }
    }
}
