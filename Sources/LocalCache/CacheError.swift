import MessageChunks
import SQLiteClient
import Telemetry

/// Why a cache could not do what it was asked.
package enum CacheError: Error, Sendable, CustomStringConvertible {
    /// The file is not what was written: it is deleted and built anew from the primary store.
    case corrupt(String)
    /// The disk or SQLite refused.
    case database(String)

    init(_ error: any Error) {
        switch error {
        case let error as CacheError: self = error
        case let error as SQLiteError where error.isCorrupt: self = .corrupt(error.message)
        case let error as ChunkError: self = .corrupt("\(error)")
        case let error as MalformedBytes: self = .corrupt("\(error)")
        default: self = .database("\(error)")
        }
    }

    package var description: String {
        switch self {
        case .corrupt(let what): "corrupt cache: \(what)"
        case .database(let reason): reason
        }
    }
}
