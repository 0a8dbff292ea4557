/// Why a file cannot be imported, or not to its end.
package enum ImportError: Error, Sendable, Equatable, CustomStringConvertible {
    case unreadable(file: String, reason: String)
    /// An option does not fit the file.
    case wrongUse(String)
    /// The file breaks its own format so that what follows cannot be understood.
    case malformed(line: Int, reason: String)

    package var description: String {
        switch self {
        case .unreadable(let file, let reason): "\(file): \(reason)"
        case .wrongUse(let reason): reason
        case .malformed(let line, let reason): "line \(line): \(reason)"
        }
    }
}
