import CPostgres

/// The statements that a session has prepared, by their text and the types of their parameters.
///
/// The one that was not used for the longest time makes room for a new one; it is dropped at the server with the next
/// statement that can do so.
struct PreparedStatements {
    static let countMax = 256

    struct Key: Hashable {
        var sql: String
        var types: [UInt32]
    }

    private struct Entry {
        var name: String
        var lastUse: UInt64
    }

    private var entries: [Key: Entry] = [:]
    private var useCount: UInt64 = 0
    private var nameCount: UInt64 = 0
    /// Names to be dropped at the server.
    private(set) var dropped: [String] = []
    /// How often the server could not use one any more.
    private(set) var staleCount = 0

    var count: Int { entries.count }

    /// The name of a statement that is prepared.
    mutating func name(of key: Key) -> String? {
        useCount += 1
        entries[key]?.lastUse = useCount
        return entries[key]?.name
    }

    /// A name that no statement of the session has had.
    mutating func newName() -> String {
        nameCount += 1
        return "s\(nameCount)"
    }

    mutating func insert(_ key: Key, name: String) {
        if entries.count >= Self.countMax, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
            remove(oldest.key)
        }
        entries[key] = Entry(name: name, lastUse: useCount)
    }

    mutating func remove(_ key: Key) {
        if let entry = entries.removeValue(forKey: key) { dropped.append(entry.name) }
    }

    /// The statements that drop what is to be dropped, nil if there is nothing.
    mutating func takeDropped() -> String? {
        guard !dropped.isEmpty else { return nil }
        defer { dropped = [] }
        return dropped.map { "DEALLOCATE \($0)" }.joined(separator: "; ")
    }

    /// After an error that says so nothing prepared is relied upon: who altered one table may have altered others, and
    /// who dropped one statement may have dropped all.
    mutating func forgetIfStale(_ result: OpaquePointer) {
        guard PostgresError.isStalePreparation(result) else { return }
        staleCount += 1
        let isLost = PostgresError(result: result, statement: nil).sqlState == "26000"
        if !isLost { dropped += entries.values.map(\.name) }
        entries = [:]
    }
}
