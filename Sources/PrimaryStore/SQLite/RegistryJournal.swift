import SQLiteClient
import Synchronization
import Telemetry

/// Which devices and assignments the last revisions of the registry changed, so that whoever knows one of them reads
/// what has changed since and not everything.
///
/// It holds keys alone; the rows are read from the file. The writer's connection collects the keys by triggers of its
/// own, so that no statement can forget them and a part that is undone takes its own back. It lives in memory: after a
/// start, or beyond what it holds, the registry is read as a whole.
final class RegistryJournal: Sendable {
    private struct Entry: Sendable {
        var revision: Int64
        var keys: RegistryKeys
    }

    private struct State: Sendable {
        /// What has changed behind this revision is known.
        var start: Int64
        /// In the order of their revisions, none without keys.
        var entries: ArraySlice<Entry> = []
        var keyCount = 0

        mutating func forgetAll(upTo revision: Int64) {
            self = State(start: revision)
        }
    }

    /// Keys that are kept; the oldest go. A calculator that is assigned to a whole fleet is one change.
    static let keyCountMax = 131_072

    private let state: Mutex<State>

    init(from revision: Int64) { state = Mutex(State(start: revision)) }

    /// Notes what a transaction has changed, before it is committed: who sees a revision finds it here. Nil: something
    /// else has changed too, so that nothing before it is of use any more.
    func note(_ keys: RegistryKeys?, revision: Int64) {
        state.withLock { state in
            guard let keys else { return state.forgetAll(upTo: revision) }
            guard keys.count > 0 else { return }
            state.entries.append(Entry(revision: revision, keys: keys))
            state.keyCount += keys.count
            while state.keyCount > Self.keyCountMax, let oldest = state.entries.popFirst() {
                state.keyCount -= oldest.keys.count
                state.start = oldest.revision
            }
        }
    }

    /// Forgets what was noted of a transaction that failed.
    func forget(after revision: Int64) {
        state.withLock { state in
            while let last = state.entries.last, last.revision > revision {
                state.keyCount -= last.keys.count
                state.entries.removeLast()
            }
            // Where it pushed out everything, itself too, nothing is behind the revision before it.
            state.start = min(state.start, revision)
        }
    }

    /// What changed behind one revision and up to another; nil if that is not known, or something else changed too.
    func keys(after: Int64, upTo: Int64) -> RegistryKeys? {
        state.withLock { state in
            guard state.start <= after, after <= upTo else { return nil }
            var keys = RegistryKeys()
            // Whoever asks nearly always knows all but the last few.
            for entry in state.entries.reversed() {
                guard entry.revision > after else { break }
                if entry.revision <= upTo { keys.formUnion(entry.keys) }
            }
            return keys
        }
    }
}

// MARK: - Triggers

extension RegistryJournal {
    private enum Kind: Int64 { case device = 0, assignment, other }

    /// Makes a connection collect what it changes of the registry, some of it several times: whether a row is there
    /// already cannot be asked by a conflict, since the statement that fires a trigger says what becomes of those.
    ///
    /// Marks of assignments are not part of it: they change with every push, and who wants them asks for them. Groups
    /// are not either: what they imply are assignments and links.
    static func install(_ connection: Connection) throws {
        try connection.execute(
            """
            CREATE TEMP TABLE registry_changes (kind INTEGER NOT NULL, a INTEGER NOT NULL, b INTEGER NOT NULL)
            """)
        try watch(connection, "devices", Kind.device, "0", "id")
        try watch(connection, "assignments", Kind.assignment, "calc", "device", columns: "enabled, auto_created")
        for (table, condition) in [
            ("calcs", nil), ("asset_intervals", nil), ("entities", "kind != 'group'"),
            ("links", "kind = 'calculatorGeofence'"),
        ] as [(String, String?)] {
            try watch(connection, table, Kind.other, "0", "0", condition: condition)
        }
    }

    private static func watch(
        _ connection: Connection, _ table: String, _ kind: Kind, _ first: String, _ second: String,
        columns: String? = nil, condition: String? = nil
    ) throws {
        func row(_ side: String) -> String {
            let values = [first, second].map { $0 == "0" ? $0 : "\(side).\($0)" }.joined(separator: ", ")
            return "INSERT INTO registry_changes VALUES (\(kind.rawValue), \(values));"
        }
        let change = columns.map { "UPDATE OF \($0)" } ?? "UPDATE"
        for (name, event, side) in [("new", "INSERT", "new"), ("old", "DELETE", "old"), ("changed", change, "new")] {
            try connection.execute(
                """
                CREATE TEMP TRIGGER registry_of_\(name)_\(table) AFTER \(event) ON main.\(table)
                \(condition.map { "WHEN \(side).\($0)" } ?? "") BEGIN \(row(side)) END
                """)
        }
    }

    /// What the open transaction has changed; nil if it changed something else too.
    static func take(_ connection: Connection) throws -> RegistryKeys? {
        var keys = RegistryKeys()
        var isMore = false
        try connection.statement("SELECT kind, a, b FROM registry_changes").forEachRow { row in
            switch Kind(rawValue: row.int64(0)) {
            case .device: keys.devices.insert(DeviceID(row.int64(2)))
            case .assignment:
                keys.assignments.insert(
                    AssignmentKey(calculator: CalculatorID(row.int64(1)), device: DeviceID(row.int64(2))))
            default: isMore = true
            }
        }
        try connection.run("DELETE FROM registry_changes")
        return isMore ? nil : keys
    }
}
