import MessageChunks
import SQLiteClient
import Telemetry

/// A worker's own copy of what it calculates from: chunks, the open tail, invalidations, intervals held, saved states.
///
/// One SQLite file that one thread owns. It may be deleted at any time: everything in it comes back from the primary
/// store. `synchronous=NORMAL` is enough, since the log position commits together with what was read up to it.
///
/// Damage is noticed: every row carries a checksum that is compared when it is read, and the rows of a device are
/// counted and summed in its own row, so that one that vanished is noticed too, when the device is first used after
/// opening. These rows, and those of the assignments, are kept in memory and written at the end of the transaction that
/// changed them, once each.
package final class WorkerCache {
    let connection: Connection
    /// Why the file was built anew when it was opened; nil if it was not.
    package let rebuiltReason: String?

    var totals: CacheTotals
    var writtenTotals: CacheTotals
    var entries: PagedTable<DeviceID, DeviceEntry>
    /// The feed revisions that stand in the file or are written by the open transaction, where they were asked for.
    var notedRevisions: [Slot: Int64] = [:]
    /// Chunks that were decoded for several readers; nil where there is one, or chunks have changed.
    var shared: SharedChunks?
    /// What was read last where late messages were among it.
    var recent: RecentMessages?
    /// The devices whose entries the open transaction has changed, those that it removed among them.
    var touched: [DeviceID] = []
    /// The devices whose entries are to be read again, because what changed them was rolled back.
    private var stale: Set<DeviceID> = []
    private(set) var isStale = false
    private(set) var isInTransaction = false
    /// Whether a part of the open transaction has failed, so that nothing of it may be committed.
    private var isDoomed = false

    /// Opens the cache of a store, built anew if it belongs to another store or worker, has another version or is
    /// damaged; without a name any worker's is taken.
    package init(path: String, storeID: UInt64, name: String? = nil) throws(CacheError) {
        do {
            let owner = CacheOwner(storeID: storeID, name: name)
            var reason: String?
            let opened: (connection: Connection, contents: CacheContents)
            do { opened = try Self.open(path, owner) } catch {
                guard CacheError(error).isCorrupt else { throw error }
                reason = "\(CacheError(error))"
                Self.delete(path: path)
                opened = try Self.open(path, owner)
            }
            rebuiltReason = reason
            connection = opened.connection
            totals = opened.contents.totals
            writtenTotals = opened.contents.totals
            entries = opened.contents.entries
        } catch { throw CacheError(error) }
    }
}

// MARK: - Transactions

extension WorkerCache {
    /// Runs the body in one transaction; inside another one it becomes part of that.
    package func transaction<Result>(_ body: () throws -> Result) throws(CacheError) -> Result {
        if isInTransaction { return try change(body) }
        // A change ends a reading that is under way: what is read after it sees it.
        connection.rollback()
        try refresh()
        do {
            try connection.begin()
            isInTransaction = true
            isDoomed = false
            let result = try body()
            guard connection.isInTransaction, !isDoomed else {
                throw CacheError.database("a part of the transaction has failed")
            }
            try flush()
            try connection.commit()
            isInTransaction = false
            touched.removeAll(keepingCapacity: true)
            return result
        } catch {
            connection.rollback()
            isInTransaction = false
            forget()
            throw CacheError(error)
        }
    }

    /// Runs a body that reads many rows: until it changes something all are of one state of the file, whose locks are
    /// taken once.
    package func reading<Result>(_ body: () throws -> Result) throws -> Result {
        guard !connection.isInTransaction else { return try body() }
        do { try connection.begin(isWriting: false) } catch { throw CacheError(error) }
        // Nothing was written: ending it gives back the locks whichever way it is done.
        defer { connection.rollback() }
        return try body()
    }

    /// Runs a change as part of the open transaction, or else in one of its own. Where it throws, nothing of the
    /// transaction is committed, whoever catches the error.
    func change<Result>(_ body: () throws -> Result) throws(CacheError) -> Result {
        guard isInTransaction else { return try transaction(body) }
        do {
            // After a full disk SQLite may have rolled back: what follows would be committed by itself.
            guard connection.isInTransaction else { throw CacheError.database("the transaction was rolled back") }
            return try body()
        } catch {
            isDoomed = true
            throw CacheError(error)
        }
    }

    /// Takes the totals of what was rolled back from the file again.
    private func forget() {
        stale.formUnion(touched)
        touched.removeAll()
        notedRevisions = [:]
        isStale = true
        // What cannot be read now is read, or refused, before the next use.
        try? refresh()
    }

    /// Makes what is in memory what is in the file, after something was rolled back.
    func refresh() throws(CacheError) {
        guard isStale else { return }
        do {
            totals = try CacheTotals(connection)
            writtenTotals = totals
            for device in stale { entries[device] = try CacheContents.entries(connection, of: device)[device] }
        } catch { throw CacheError(error) }
        stale.removeAll()
        isStale = false
    }
}

// MARK: - Statements

extension WorkerCache {
    func run(_ sql: String, _ values: any Bindable...) throws {
        let statement = try connection.statement(sql)
        try statement.bindAll(values)
        try statement.run()
    }

    func read<Row>(_ sql: String, _ values: any Bindable..., row: (Statement) throws -> Row) throws(CacheError) -> [Row]
    {
        do {
            let statement = try connection.statement(sql)
            try statement.bindAll(values)
            var rows: [Row] = []
            try statement.forEachRow { rows.append(try row($0)) }
            return rows
        } catch { throw CacheError(error) }
    }

    /// A statement with numbers bound to its positions from 1 on.
    func statement(_ sql: String, _ values: Int64...) throws(SQLiteError) -> Statement {
        let statement = try connection.statement(sql)
        for (index, value) in values.enumerated() { try statement.bind(Int32(index + 1), value) }
        return statement
    }

    /// Runs an insertion; false if a row with this key is there, which is rare, and cheaper to meet than to look for.
    func insert(_ statement: Statement) throws(SQLiteError) -> Bool {
        do {
            try statement.run()
            return true
        } catch {
            if error.isConstraint { return false }
            throw error
        }
    }
}
