import MessageChunks
import SQLiteClient
import Telemetry

/// Why a cache could not do what it was asked.
package enum CacheError: Error, Sendable, CustomStringConvertible {
    /// The file is not what was written: it is deleted and built anew from the primary store.
    case corrupt(String)
    /// The disk is full: the same call may succeed later.
    case full(String)
    /// The disk or SQLite refused.
    case database(String)

    init(_ error: any Error) {
        switch error {
        case let error as CacheError: self = error
        case let error as SQLiteError: self.init(error)
        case let error as ChunkError: self = .corrupt("\(error)")
        case let error as MalformedBytes: self = .corrupt("\(error)")
        default: self = .database("\(error)")
        }
    }

    private init(_ error: SQLiteError) {
        if error.isCorrupt || Self.damageCodes.contains(error.code) || error.extendedCode == Self.isMoved {
            self = .corrupt("\(error)")
        } else if error.isDiskFull || error.extendedCode == Self.sharedMemorySize {
            self = .full(error.message)
        } else {
            self = .database("\(error)")
        }
    }

    package var description: String {
        switch self {
        case .corrupt(let what): "corrupt cache: \(what)"
        case .full(let reason), .database(let reason): reason
        }
    }

    var isCorrupt: Bool { if case .corrupt = self { true } else { false } }
}

extension CacheError {
    /// What SQLite calls a mistake in a statement, its values or the schema. All of these are fixed here and tested: in
    /// a cache it means that the schema that is read is not the one that was written.
    ///
    /// SQLITE_ERROR, INTERNAL, SCHEMA, TOOBIG, CONSTRAINT, MISMATCH, FORMAT, RANGE.
    private static let damageCodes: Set<Int32> = [1, 2, 17, 18, 19, 20, 24, 25]
    /// SQLITE_READONLY_DBMOVED: the file was deleted or another put in its place.
    private static let isMoved: Int32 = 1032
    /// SQLITE_IOERR_SHMSIZE: no room for the index of the write-ahead log.
    private static let sharedMemorySize: Int32 = 4874
}
