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
        var registryRevision: Int64 = 0
        /// Whether any interval may have custom fields, so that pushes need not ask where nobody ever set one.
        var hasIntervalFields = false
        var appendedSlots = SlotSet()
        var changedSlots = SlotSet()
    }

    let connection: Connection
    let parameters: ParameterTable
    var state = State()

    init(_ connection: Connection, parameters: ParameterTable) throws {
        self.connection = connection
        self.parameters = parameters
        state.storedParameterCount = parameters.count
        let trimmed = try connection.integer("SELECT value FROM meta WHERE key = 'log_position'") ?? 0
        state.lastPosition = max(trimmed, try connection.integer("SELECT MAX(position) FROM log") ?? 0)
        state.registryRevision = try connection.integer("SELECT value FROM meta WHERE key = 'registry_revision'") ?? 0
        state.hasIntervalFields = try connection.integer("SELECT 1 FROM interval_fields LIMIT 1") != nil
    }

    /// Stores the names that are new, so that they are in the file no later than the first bytes that use them.
    func storeParameters() throws {
        let first = state.storedParameterCount
        guard parameters.count > first else { return }
        let names = parameters.names(from: first)
        let statement = try connection.statement("INSERT INTO parameters (id, name) VALUES (?, ?)")
        for (index, name) in names.enumerated() {
            try statement.bind(1, Int64(first + index))
            try statement.bind(2, name)
            try statement.run()
        }
        state.storedParameterCount = first + names.count
    }

    /// Refuses a write whose epoch is not its slot's; returns the slot's feed revision.
    @discardableResult
    func checkFence(_ slot: Slot, epoch: Int64, device: DeviceID) throws -> Int64 {
        guard slot == Slot(device: device) else {
            throw StoreError.invalid("device \(device) is not in slot \(slot.rawValue)")
        }
        let statement = try connection.statement("SELECT epoch, rev FROM slots WHERE slot = ?")
        try statement.bind(1, Int64(slot.rawValue))
        let row = try statement.first { (epoch: $0.int64(0), revision: $0.int64(1)) }
        guard let row, row.epoch == epoch else {
            throw StoreError.fenced(slot: slot, epoch: epoch, current: row?.epoch ?? 0)
        }
        return row.revision
    }

    func checkDevice(_ device: DeviceID) throws {
        let statement = try connection.statement("SELECT 1 FROM devices WHERE id = ?")
        try statement.bind(1, device.rawValue)
        guard try statement.first({ _ in true }) != nil else { throw StoreError.notFound("device \(device)") }
    }

    /// Notes a change of the registry and gives it a number.
    func bumpRegistry() throws {
        state.registryRevision += 1
        try setMeta("registry_revision", state.registryRevision)
    }

    /// Deletes log rows of a device, and notes the last position so that none is ever given twice.
    func trimLog(_ device: DeviceID, upTo: Int64) throws {
        let statement = try connection.statement("DELETE FROM log WHERE device = ? AND position <= ?")
        try statement.bind(1, device.rawValue)
        try statement.bind(2, upTo)
        try statement.run()
        try setMeta("log_position", state.lastPosition)
    }

    private func setMeta(_ key: String, _ value: Int64) throws {
        let statement = try connection.statement("UPDATE meta SET value = ? WHERE key = ?")
        try statement.bind(1, value)
        try statement.bind(2, key)
        try statement.run()
    }
}
