import SQLiteClient
import Synchronization
import Telemetry
import Testing

@testable import PrimaryStore

@Suite("The one writer")
struct WriterTests {
    private static func insert(_ name: String) -> Writes<Bool>.Body {
        { writer in
            try writer.connection.run("INSERT INTO meta (key, value) VALUES (?, 1)", name)
            return true
        }
    }

    private static func names(_ store: SQLitePrimaryStore) throws -> Int64? {
        try store.read { try $0.integer("SELECT COUNT(*) FROM meta WHERE key LIKE 'test%'") }
    }

    @Test("of writes in one group the one that fails is undone alone")
    func savepoints() throws {
        let test = try TestStore()
        let failing: Writes<Bool>.Body = { writer in
            _ = try Self.insert("test-b")(writer)
            writer.state.lastPosition = 99
            throw StoreError.invalid("no")
        }
        let results = test.store.writeEach([Self.insert("test-a"), failing, Self.insert("test-c")])
        #expect(results == [.success(true), .failure(.invalid("no")), .success(true)])
        #expect(try Self.names(test.store) == 2)
        #expect(try test.store.write { $0.state.lastPosition } == 0)
        #expect(test.store.writeEach([failing]) == [.failure(.invalid("no"))])
        #expect(try Self.names(test.store) == 2)
    }

    @Test("nothing of a group is visible before its commit, and the commit is told before the writers are answered")
    func visibility() throws {
        let test = try TestStore()
        let store = test.store
        let told = Mutex<[Int64]>([])
        store.addCommitObserver { notice in told.withLock { $0.append(notice.lastPosition) } }
        let seen = try store.write { [weak store] writer in
            _ = try Self.insert("test-a")(writer)
            return try store.map(Self.names) ?? nil
        }
        #expect(try seen == 0 && Self.names(store) == 1)
        #expect(told.withLock { $0 } == [0])
    }

    @Test("a full disk fails what it hits and the store goes on")
    func diskFull() throws {
        let test = try TestStore()
        let device = try test.device()
        try test.store.write { try $0.connection.run("PRAGMA max_page_count = 1") }
        let big = LogAppend(device: device, batch: batch(test.store.parameters, (0..<50_000).map { $0 * $0 }))
        #expect(throws: StoreError.diskFull) { try test.store.append([big]) }
        #expect(test.store.lastPosition == 0)
        try test.store.write { try $0.connection.run("PRAGMA max_page_count = 100000") }
        #expect(try test.store.append([big]) == [1])
        #expect(try test.store.readLog(after: 0, slots: .all).entries[0].batch() == big.batch)
        #expect(test.store.parameters.names(from: 0) == ["position.speed"])
    }

    @Test("after an I/O error every write is refused and reading goes on")
    func failed() throws {
        let test = try TestStore()
        let device = try test.device()
        let broken: Writes<Bool>.Body = { _ in throw SQLiteError(extendedCode: 1034, message: "disk I/O error") }
        let results = test.store.writeEach([Self.insert("test-a"), broken])
        #expect(results.allSatisfy { if case .failure(.failed) = $0 { true } else { false } })
        #expect(try Self.names(test.store) == 0)
        let error = #expect(throws: StoreError.self) { try test.store.deleteDevice(device, at: .zero) }
        #expect(error?.isRetryable == false)
        #expect(try test.store.registry().devices.count == 1)
    }

    @Test("a closed store refuses to write, one for reading only as well")
    func closed() throws {
        let test = try TestStore()
        _ = try test.device()
        let reader = try SQLitePrimaryStore(folder: test.folder, mode: .readOnly)
        #expect(try reader.registry().devices.count == 1 && reader.storeID == test.store.storeID)
        #expect(throws: StoreError.self) { try reader.createCalculator(name: "", json: "") }
        test.store.close()
        #expect(throws: StoreError.notWritable("it is closed")) { try test.device("b") }
        #expect(try test.store.registry().devices.count == 1)
    }

    @Test("a file of a newer program is refused")
    func newerSchema() throws {
        let test = try TestStore()
        test.store.close()
        try test.tamper("PRAGMA user_version = 99")
        #expect(throws: StoreError.self) { try SQLitePrimaryStore(folder: test.folder) }
    }
}
