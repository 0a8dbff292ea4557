import CCrypto
import Glibc
import SQLiteClient
import Synchronization
import Telemetry

/// The primary store in one SQLite file, `primary.db` in the data folder: what the embedded tier uses.
///
/// One thread writes (`WriterThread`), readers have connections of their own. The caller holds the `DataFolderLock`.
package final class SQLitePrimaryStore: PrimaryStore {
    package enum Mode: Sendable { case readWrite, readOnly }

    package let parameters: ParameterTable
    package let storeID: UInt64
    package let storeIdentity: String
    package let intervalRevisions = IntervalRevisions()

    private let readers: ReaderPool
    private let thread: WriterThread?
    let published: Published
    let logIndex: LogIndex
    /// Nil where others write.
    let registryJournal: RegistryJournal?

    /// What the last durable commit left, for those who only ask for numbers.
    final class Published: Sendable {
        let lastPosition: Atomic<Int64>
        let registryRevision: Atomic<Int64>
        let observers = Mutex<[@Sendable (CommitNotice) -> Void]>([])
        /// Feed rows that are not durable; there are none but in tests that look for that bug.
        let early = Mutex<EarlyFeed.Rows>([:])

        init(_ state: Writer.State) {
            lastPosition = Atomic(state.lastPosition)
            registryRevision = Atomic(state.registryRevision)
        }

        func publish(_ notice: CommitNotice) {
            lastPosition.store(notice.lastPosition, ordering: .releasing)
            registryRevision.store(notice.registryRevision, ordering: .releasing)
            for observer in observers.withLock({ $0 }) { observer(notice) }
        }
    }

    /// Opens the store of a folder; for writing, it is made if it is not there.
    package init(folder: String, mode: Mode = .readWrite) throws(StoreError) {
        let path = folder + "/primary.db"
        do {
            if mode == .readWrite { mkdir(folder, 0o750) }
            let connection = try Self.connect(path, mode)
            storeID = try Self.identity(connection, mode)
            storeIdentity = try Self.identity(of: storeID, connection)
            parameters = try Self.loadParameters(connection)
            let writer = try Writer(connection, parameters: parameters)
            let published = Published(writer.state)
            self.published = published
            logIndex = writer.logIndex
            registryJournal = mode == .readWrite ? writer.registryJournal : nil
            readers = ReaderPool(path: path)
            thread =
                mode == .readWrite
                ? try WriterThread(writer, revisions: intervalRevisions) {
                    published.publish($0)
                } early: { rows in
                    published.early.withLock { $0 = rows }
                } : nil
            // A file that is synced can still lose its name.
            if mode == .readWrite { try Connection.syncFolder(folder) }
        } catch { throw StoreError(wrapping: error) }
    }

    deinit { thread?.close() }

    /// Writes what is queued and ends the writing; reading goes on.
    package func close() {
        readers.closeIdle()
        thread?.close()
    }

    package var lastPosition: Int64 { published.lastPosition.load(ordering: .acquiring) }

    package var registryRevision: Int64 { published.registryRevision.load(ordering: .acquiring) }

    package func addCommitObserver(_ observer: @escaping @Sendable (CommitNotice) -> Void) {
        published.observers.withLock { $0.append(observer) }
    }
}

// MARK: - The two ways in

extension SQLitePrimaryStore {
    /// Reads with a connection of the pool; each statement sees the last commit, several see one state only inside a
    /// transaction.
    func read<Value>(_ body: (Connection) throws -> Value) throws(StoreError) -> Value {
        do { return try readers.read(body) } catch { throw StoreError(wrapping: error) }
    }

    /// Has the writer thread run a body and waits until it is durable.
    func write<Value: Sendable>(_ body: @escaping @Sendable (Writer) throws -> Value) throws(StoreError) -> Value {
        guard let result = writeEach([body]).first else { throw .notWritable("no answer") }
        return try result.get()
    }

    /// Has the writer thread run bodies, each by itself, and waits until they are durable.
    func writeEach<Value: Sendable>(_ bodies: [Writes<Value>.Body]) -> [Result<Value, StoreError>] {
        let latch = Monitor<[Result<Value, StoreError>]?>(nil)
        submit(Writes(bodies) { results in latch.update { $0 = results } }, isWaiting: true)
        return latch.wait { $0 }
    }

    /// The same, without blocking a thread.
    func writeEach<Value: Sendable>(_ bodies: [Writes<Value>.Body]) async -> [Result<Value, StoreError>] {
        await withCheckedContinuation { continuation in
            submit(Writes(bodies) { continuation.resume(returning: $0) })
        }
    }

    func submit(_ request: some WriteRequest, isWaiting: Bool = false) {
        if let thread {
            if isWaiting { thread.submitWaiting(request) } else { thread.submit(request) }
        } else {
            for index in 0..<request.count { request.fail(index, .notWritable("it was opened for reading only")) }
            request.finish(nil)
        }
    }
}

// MARK: - Opening

extension SQLitePrimaryStore {
    private static func connect(_ path: String, _ mode: Mode) throws -> Connection {
        guard mode == .readWrite else {
            let connection = try Connection(path: path, mode: .readOnly)
            try Schema.check(connection)
            return connection
        }
        // After a sync that failed the last process may have left what can be read and is not on the disk.
        try Connection.hardenLog(of: path)
        let connection = try Connection(
            path: path,
            pragmas: [
                "page_size = 8192", "journal_mode = WAL", "synchronous = FULL", "cell_size_check = ON",
                "mmap_size = 0", "temp_store = MEMORY", "cache_size = -16384", "journal_size_limit = 67108864",
            ], busyTimeoutMilliseconds: 1000)
        try Schema.migrate(connection)
        for table in Totals.registry { try Totals.check(connection, table) }
        try Totals.install(connection)
        try RegistryJournal.install(connection)
        return connection
    }

    private static func identity(_ connection: Connection, _ mode: Mode) throws -> UInt64 {
        let stored = try MetaTable.value(connection, "store_id")
        if mode == .readWrite, stored == nil {
            let random = Int64(bitPattern: try RandomBytes.integer())
            try connection.transaction { try MetaTable.set(connection, "store_id", random) }
            return UInt64(bitPattern: random)
        }
        guard let stored else { throw StoreError.corrupt("the store has no id") }
        return UInt64(bitPattern: stored)
    }

    /// The id and the incarnation, which `Backup.restore` sets, in hex.
    private static func identity(of storeID: UInt64, _ connection: Connection) throws -> String {
        let incarnation = UInt64(bitPattern: try MetaTable.value(connection, MetaTable.feedIncarnation) ?? 0)
        return "\(String(storeID, radix: 16))-\(String(incarnation, radix: 16))"
    }

    private static func loadParameters(_ connection: Connection) throws -> ParameterTable {
        let table = ParameterTable()
        try CheckedTable.parameters.forEach(connection, "ORDER BY id") { row in
            let id = table.id(for: row[1].text ?? "")
            guard id.map({ Int64($0.rawValue) }) == row[0].integer else {
                throw StoreError.corrupt(CheckedTable.parameters.label(row))
            }
        }
        return table
    }
}
