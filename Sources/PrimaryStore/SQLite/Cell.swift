import MessageChunks
import SQLiteClient

/// A value of one column of one row.
enum Cell: Hashable, Bindable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])

    enum Kind: Sendable { case integer, real, text, blob }

    init(_ row: Statement, _ column: Int32, _ kind: Kind) {
        guard !row.isNull(column) else {
            self = .null
            return
        }
        switch kind {
        case .integer: self = .integer(row.int64(column))
        case .real: self = .real(row.double(column))
        case .text: self = .text(row.text(column))
        case .blob: self = .blob(row.bytes(column))
        }
    }

    func bind(to statement: Statement, at position: Int32) throws(SQLiteError) {
        switch self {
        case .null: try statement.bindNull(position)
        case .integer(let value): try statement.bind(position, value)
        case .real(let value): try statement.bind(position, value)
        case .text(let value): try statement.bind(position, value)
        case .blob(let value): try statement.bind(position, value)
        }
    }

    func add(to checksum: inout RowChecksum) {
        switch self {
        case .null: checksum.add(0 as Int64)
        case .integer(let value):
            checksum.add(1 as Int64)
            checksum.add(value)
        case .real(let value):
            checksum.add(2 as Int64)
            checksum.add(Int64(bitPattern: value.bitPattern))
        case .text(let value):
            checksum.add(Int64(3 + 4 * value.utf8.count))
            checksum.add(value)
        case .blob(let value):
            checksum.add(Int64(2 + 4 * (value.count + 1)))
            checksum.add(Int64(crc32c(value)))
        }
    }

    var integer: Int64? { if case .integer(let value) = self { value } else { nil } }

    var real: Double? { if case .real(let value) = self { value } else { nil } }

    var text: String? { if case .text(let value) = self { value } else { nil } }

    var blob: [UInt8]? { if case .blob(let value) = self { value } else { nil } }
}
