import SQLiteClient
import Telemetry

/// The one writer of the file: its connection, and what it remembers between transactions.
///
/// Used by the writer thread only. What it remembers is a value, so that it is put back when a savepoint or a
/// transaction is.
final class Writer {
    struct State {
        /// The names of the parameter table that are in the file.
        var storedParameterCount = 0
        var lastPosition: Int64 = 0
        /// The last position of which the observers know.
        var notifiedPosition: Int64 = 0
        var registryRevision: Int64 = 0
        /// Whether any interval may have custom fields, so that pushes need not ask where nobody ever set one.
        var hasIntervalFields = false
        var appendedSlots = SlotSet()
        var changedSlots = SlotSet()
    }

    let connection: Connection
    let parameters: ParameterTable
    var state = State()
    var book: SlotBook
    /// Where the batches of the log stand that are committed, and what the open transaction has done to them.
    let logIndex: LogIndex
    var logChanges = LogChanges()
    let registryJournal: RegistryJournal
    /// The assignments whose intervals the open transaction has changed, those of parts that were undone too.
    var changedAssignments: Set<AssignmentKey> = []
    private var isBookForgotten = false

    init(_ connection: Connection, parameters: ParameterTable) throws {
        self.connection = connection
        self.parameters = parameters
        book = try SlotBook(connection)
        logIndex = try LogIndex(connection)
        state.storedParameterCount = parameters.count
        let trimmed = try MetaTable.value(connection, "log_position") ?? 0
        state.lastPosition = max(trimmed, try connection.integer("SELECT MAX(position) FROM log") ?? 0)
        state.notifiedPosition = state.lastPosition
        state.registryRevision = try MetaTable.value(connection, "registry_revision") ?? 0
        registryJournal = RegistryJournal(from: state.registryRevision)
        state.hasIntervalFields = try connection.integer("SELECT 1 FROM interval_fields LIMIT 1") != nil
    }

    /// Stores the names that are new, so that they are in the file no later than the first bytes that use them.
    func storeParameters() throws {
        let first = state.storedParameterCount
        guard parameters.count > first else { return }
        let names = parameters.names(from: first)
        for (index, name) in names.enumerated() {
            try CheckedTable.parameters.put(connection, [.integer(Int64(first + index)), .text(name)])
        }
        state.storedParameterCount = first + names.count
    }

    /// Refuses a write whose epoch is not its slot's.
    func check(_ fence: Fence) throws { try fence.check(try slot(fence.slot)) }

    func checkDevice(_ device: DeviceID) throws {
        let statement = try connection.statement("SELECT 1 FROM devices WHERE id = ?")
        try statement.bind(1, device.rawValue)
        guard try statement.first({ _ in true }) != nil else { throw StoreError.notFound("device \(device)") }
    }

    /// Notes a change of the registry and gives it a number.
    func bumpRegistry() throws {
        state.registryRevision += 1
        try MetaTable.set(connection, "registry_revision", state.registryRevision)
    }

    /// Tells the journal what the open transaction has changed of the registry.
    func noteRegistryChanges() throws {
        registryJournal.note(try RegistryJournal.take(connection), revision: state.registryRevision)
    }

    /// Deletes log rows of a device, and notes the last position so that none is ever given twice.
    func trimLog(_ device: DeviceID, upTo: Int64) throws {
        let gone = try deleteLog(device, upTo: upTo)
        if gone.count > 0 {
            book.changeLog(Slot(device: device)) { log in
                log.rows.count -= gone.count
                log.rows.sum &-= gone.sum
            }
        }
        if try MetaTable.value(connection, "log_position") != state.lastPosition {
            try MetaTable.set(connection, "log_position", state.lastPosition)
        }
    }

    private func deleteLog(_ device: DeviceID, upTo: Int64) throws -> RunningTotal {
        let checksum = try connection.statement("SELECT crc FROM log WHERE position = ?")
        let deletion = try connection.statement("DELETE FROM log WHERE position = ?")
        var gone = RunningTotal()
        let committed = logIndex.positions(of: device, upTo: upTo)
        let positions = committed + logChanges.appended(device, upTo: upTo)
        // Those whose rows have vanished too, which the totals tell.
        if !positions.isEmpty { logChanges.append(.trimmed(device, upTo: upTo)) }
        for position in positions {
            try checksum.bind(1, position)
            guard let value = try checksum.first({ $0.int64(0) }) else { continue }
            gone.add(value)
            try deletion.bind(1, position)
            try deletion.run()
        }
        return gone
    }
}

// MARK: - Slots

extension Writer {
    /// A slot as this transaction has it.
    func slot(_ slot: Slot) throws -> SlotRow { try book.row(connection, slot) }

    /// Forgets the totals of the log, after a transaction that was rolled back.
    func forgetBook() { isBookForgotten = true }

    /// Takes the totals from the file if they were forgotten. On a full disk even that may fail: then nothing is
    /// written on top of what the lost transaction had counted.
    func recallBook() throws {
        guard isBookForgotten else { return }
        book = try SlotBook(connection)
        isBookForgotten = false
    }

    func changeSlot(_ slot: Slot, _ body: (inout SlotRow) throws -> Void) throws {
        var row = try self.slot(slot)
        try body(&row)
        book.set(row)
    }

    /// Adds rows to the feed of a slot, in their order; their numbers are given here.
    func appendFeed(_ slot: Slot, _ rows: some Sequence<FeedRow>) throws {
        try changeSlot(slot) { slotRow in
            for var row in rows {
                slotRow.revision += 1
                row.revision = slotRow.revision
                slotRow.feed.add(try FeedTable.append(connection, row))
                state.changedSlots.insert(slot)
                changedAssignments.insert(row.key)
            }
        }
    }
}
