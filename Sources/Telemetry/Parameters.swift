import Synchronization

/// The interned name of a message parameter: an index into a `ParameterTable`.
public struct ParameterID: Hashable, Comparable, Sendable {
    public var rawValue: UInt32

    @inlinable
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    @inlinable
    public static func < (left: ParameterID, right: ParameterID) -> Bool { left.rawValue < right.rawValue }
}

/// The append-only table of parameter names; ids count up from 0 and are never reused.
///
/// A store persists the table beside the data that uses its ids. Safe to share between threads; a look-up costs
/// about 20 ns, so decoders and programs look a name up once and keep the id.
public final class ParameterTable: Sendable {
    /// More names than this are refused, so that hostile input cannot grow the table without end.
    public static let countMax = 65_536
    /// A longer name is refused.
    public static let nameLengthMax = 256

    private struct State {
        var names: [String] = []
        /// By bytes: two spellings of one character are two names, as everywhere on the wire.
        var ids: [ByteName: ParameterID] = [:]
        var hashes: [UInt64] = []
    }

    private let state = Mutex(State())

    public init(names: [String] = []) {
        for name in names { _ = id(for: name) }
    }

    /// The id of a name, added to the table if it is new; nil if the table is full or the name empty or too long.
    public func id(for name: String) -> ParameterID? {
        guard !name.isEmpty, name.utf8.count <= Self.nameLengthMax else { return nil }
        return state.withLock { state in
            let key = ByteName(name)
            if let known = state.ids[key] { return known }
            guard state.names.count < Self.countMax else { return nil }
            let id = ParameterID(rawValue: UInt32(state.names.count))
            state.names.append(name)
            state.ids[key] = id
            state.hashes.append(hash64(name.utf8))
            return id
        }
    }

    /// The id of a name that is in the table already.
    public func existing(_ name: String) -> ParameterID? {
        state.withLock { $0.ids[ByteName(name)] }
    }

    /// The name behind an id of this table.
    public func name(_ id: ParameterID) -> String {
        state.withLock { state in
            precondition(Int(id.rawValue) < state.names.count, "a parameter id must come from this table")
            return state.names[Int(id.rawValue)]
        }
    }

    /// The stable hash of the name behind an id: the same in every table and on every machine.
    public func nameHash(_ id: ParameterID) -> UInt64 {
        state.withLock { $0.hashes[Int(id.rawValue)] }
    }

    public var count: Int { state.withLock { $0.names.count } }

    /// The names from an index on, in the order of their ids.
    public func names(from index: Int) -> [String] {
        state.withLock { Array($0.names.dropFirst(index)) }
    }
}

/// A name told apart by its bytes, where Swift's strings are equal if they mean the same characters.
struct ByteName: Hashable {
    private let bytes: [UInt8]

    init(_ name: String) { bytes = Array(name.utf8) }
}
