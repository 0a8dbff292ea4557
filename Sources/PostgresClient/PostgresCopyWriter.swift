import CPostgres

/// A column of a table that is copied into.
struct PostgresCopyColumn {
    let name: PostgresName
    let type: PostgresType
}

/// Takes the rows of a COPY, value by value in the order of the columns.
///
/// A value is written in the form of its column: a whole number into any number column that holds it, a text into any
/// text or JSON column or enumeration. What does not fit is an error that names the column.
package final class PostgresCopyWriter {
    /// So many bytes are gathered before they are sent.
    package static let bufferBytes = 64 << 10

    private static let signature: [UInt8] = [
        0x50, 0x47, 0x43, 0x4F, 0x50, 0x59, 0x0A, 0xFF, 0x0D, 0x0A, 0x00, 0, 0, 0, 0, 0, 0, 0, 0,
    ]
    private static let firstOwnType: UInt32 = 16384

    package private(set) var rowCount = 0
    private let connection: PostgresConnection
    private let columns: [PostgresCopyColumn]
    private let sql: String
    private let buffer = PostgresBuffer(capacity: bufferBytes + 4096)
    /// The columns of the present row that are written.
    private var columnIndex = 0
    private(set) var patience: Patience

    init(_ connection: PostgresConnection, _ columns: [PostgresCopyColumn], _ sql: String) {
        self.connection = connection
        self.columns = columns
        self.sql = sql
        patience = connection.patience()
        buffer.append(Self.signature)
    }

    /// Ends the row; all columns must have been given.
    package func endRow() throws(PostgresError) {
        guard columnIndex == columns.count else {
            throw PostgresError(.client, "a row of \(columnIndex) values for \(columns.count) columns")
        }
        columnIndex = 0
        rowCount += 1
        if buffer.count >= Self.bufferBytes { try send() }
    }

    /// A whole row, boxed: for rows that are few.
    package func row(_ values: any PostgresParameter...) throws(PostgresError) {
        for value in values { try addAny(value) }
        try endRow()
    }

    func finish() throws(PostgresError) {
        guard columnIndex == 0 else { throw PostgresError(.client, "the last row was not ended") }
        buffer.append(Int16(-1))
        try send()
    }

    private func send() throws(PostgresError) {
        let handle = try connection.live()
        let bytes = buffer.bytes
        let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        guard PQputCopyData(handle, start, Int32(bytes.count)) == 1 else { throw connection.refused(sql) }
        buffer.removeAll()
        do throws(WaitFailure) { try connection.flush(&patience) } catch { throw connection.ended(error, sql) }
        if !patience.isCancelled { patience = connection.patience() }
    }

    /// The type of the next column; the first value of a row writes the row's length.
    @inline(__always)
    private func next() throws(PostgresError) -> PostgresType {
        guard columnIndex < columns.count else {
            throw PostgresError(.client, "a row of more values than the \(columns.count) columns")
        }
        if columnIndex == 0 { buffer.append(Int16(truncatingIfNeeded: columns.count)) }
        defer { columnIndex += 1 }
        return columns[columnIndex].type
    }

    private func mismatch(_ what: String) -> PostgresError {
        let column = columns[columnIndex - 1]
        return PostgresError(.client, "\(what) cannot be stored in column \(column.name), which is \(column.type)")
    }
}

// MARK: - Values

extension PostgresCopyWriter {
    package func addNull() throws(PostgresError) {
        _ = try next()
        buffer.append(Int32(-1))
    }

    package func add(_ value: Bool?) throws(PostgresError) {
        guard let value else { return try addNull() }
        guard try next() == .bool else { throw mismatch("a boolean") }
        buffer.append(Int32(1))
        buffer.append(UInt8(value ? 1 : 0))
    }

    package func add(_ value: Int?) throws(PostgresError) { try add(value.map { Int64($0) }) }

    package func add(_ value: Int64?) throws(PostgresError) {
        guard let value else { return try addNull() }
        switch try next() {
        case .int8:
            buffer.append(Int32(8))
            buffer.append(value)
        case .int4:
            guard let small = Int32(exactly: value) else { throw mismatch("a number of more than 32 bits") }
            buffer.append(Int32(4))
            buffer.append(small)
        case .int2:
            guard let small = Int16(exactly: value) else { throw mismatch("a number of more than 16 bits") }
            buffer.append(Int32(2))
            buffer.append(small)
        case .float8: addSized(Double(value))
        case .float4: addSized(Float(value))
        case .numeric: try addSized(PostgresNumeric("\(value)"))
        default: throw mismatch("a whole number")
        }
    }

    package func add(_ value: Double?) throws(PostgresError) {
        guard let value else { return try addNull() }
        switch try next() {
        case .float8: addSized(value)
        case .float4: addSized(Float(value))
        case .numeric: try addSized(PostgresNumeric(value))
        default: throw mismatch("a number with decimals")
        }
    }

    package func add(_ value: String?) throws(PostgresError) {
        guard var value else { return try addNull() }
        let failure: PostgresError? = value.withUTF8 { text in
            do throws(PostgresError) { try add(text: UnsafeRawBufferPointer(text)) } catch { return error }
            return nil
        }
        if let failure { throw failure }
    }

    /// A text as its UTF-8 bytes.
    package func add(text: UnsafeRawBufferPointer) throws(PostgresError) {
        let type = try next()
        guard type.isText || type == .jsonb || type.oid >= Self.firstOwnType else { throw mismatch("a text") }
        let isVersioned = type == .jsonb
        buffer.append(Int32(truncatingIfNeeded: text.count + (isVersioned ? 1 : 0)))
        if isVersioned { buffer.append(PostgresJSON.version) }
        let place = buffer.count
        buffer.append(text)
        guard !text.contains(0) else {
            buffer.cut(to: place)
            throw mismatch("a text with a NUL character")
        }
    }

    package func add(_ value: PostgresTimestamp?) throws(PostgresError) {
        guard let value else { return try addNull() }
        let type = try next()
        guard type == .timestamptz || type == .timestamp else { throw mismatch("a moment") }
        let wire = try value.wire()
        buffer.append(Int32(8))
        buffer.append(wire)
    }

    package func add(_ value: Int16?) throws(PostgresError) { try add(value.map { Int64($0) }) }
    package func add(_ value: Int32?) throws(PostgresError) { try add(value.map { Int64($0) }) }
    package func add(_ value: PostgresJSON?) throws(PostgresError) { try add(value?.text) }
    package func add(_ value: PostgresDate?) throws(PostgresError) { try addExactly(value) }
    package func add(_ value: PostgresUUID?) throws(PostgresError) { try addExactly(value) }
    package func add(_ value: PostgresNumeric?) throws(PostgresError) { try addExactly(value) }
    package func add<Element: PostgresElement>(_ value: [Element]?) throws(PostgresError) { try addExactly(value) }

    /// A value whose type is known only when it comes.
    package func addAny(_ value: any PostgresParameter) throws(PostgresError) {
        switch value {
        case let number as Int64: try add(Optional(number))
        case let number as Int: try add(Optional(number))
        case let number as Int32: try add(Optional(number))
        case let number as Int16: try add(Optional(number))
        case let number as Double: try add(Optional(number))
        case let text as String: try add(Optional(text))
        case let json as PostgresJSON: try add(Optional(json))
        case let moment as PostgresTimestamp: try add(Optional(moment))
        default: try addExactly(value)
        }
    }

    /// A value whose column must be of its type.
    private func addExactly<Value: PostgresParameter>(_ value: Value) throws(PostgresError) {
        if value.isNull { return try addNull() }
        guard try next() == Value.postgresType, Value.postgresFormat == 1 else {
            throw mismatch("a value of type \(Value.postgresType)")
        }
        try buffer.appendSized { () throws(PostgresError) in try value.encode(into: buffer) }
    }

    private func addSized(_ value: Double) {
        buffer.append(Int32(8))
        buffer.append(value)
    }

    private func addSized(_ value: Float) {
        buffer.append(Int32(4))
        buffer.append(value)
    }

    private func addSized(_ value: PostgresNumeric) throws(PostgresError) {
        try buffer.appendSized { () throws(PostgresError) in try value.encode(into: buffer) }
    }
}
