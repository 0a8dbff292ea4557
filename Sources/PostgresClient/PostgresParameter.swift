/// A value that can stand for a `$1` of a statement.
///
/// It says its type, so the server infers nothing: a `String` is a text, never a number or a moment. The server's own
/// assignment rules then apply, such as a number of eight bytes into a column of four.
package protocol PostgresParameter {
    static var postgresType: PostgresType { get }
    /// 1 for binary, 0 for the text that the server parses.
    static var postgresFormat: Int32 { get }
    var isNull: Bool { get }
    /// Writes the value in the server's binary form, without its length; not called for null.
    func encode(into buffer: PostgresBuffer) throws(PostgresError)
}

extension PostgresParameter {
    package static var postgresFormat: Int32 { 1 }
    package var isNull: Bool { false }
}

extension Bool: PostgresParameter {
    package static var postgresType: PostgresType { .bool }
    package func encode(into buffer: PostgresBuffer) { buffer.append(UInt8(self ? 1 : 0)) }
}

extension Int16: PostgresParameter {
    package static var postgresType: PostgresType { .int2 }
    package func encode(into buffer: PostgresBuffer) { buffer.append(self) }
}

extension Int32: PostgresParameter {
    package static var postgresType: PostgresType { .int4 }
    package func encode(into buffer: PostgresBuffer) { buffer.append(self) }
}

extension Int64: PostgresParameter {
    package static var postgresType: PostgresType { .int8 }
    package func encode(into buffer: PostgresBuffer) { buffer.append(self) }
}

extension Int: PostgresParameter {
    package static var postgresType: PostgresType { .int8 }
    package func encode(into buffer: PostgresBuffer) { buffer.append(Int64(self)) }
}

extension Double: PostgresParameter {
    package static var postgresType: PostgresType { .float8 }
    package func encode(into buffer: PostgresBuffer) { buffer.append(self) }
}

extension String: PostgresParameter {
    package static var postgresType: PostgresType { .text }
    package func encode(into buffer: PostgresBuffer) throws(PostgresError) { try buffer.append(self) }
}

extension PostgresTimestamp: PostgresParameter {
    package static var postgresType: PostgresType { .timestamptz }

    package func encode(into buffer: PostgresBuffer) throws(PostgresError) { buffer.append(try wire()) }

    /// Since 2000, where both infinities stay what they are.
    func wire() throws(PostgresError) -> Int64 {
        if microseconds == .max || microseconds == .min { return microseconds }
        guard microseconds >= Self.first else {
            throw PostgresError(.client, "a moment is before the first that PostgreSQL can store")
        }
        return microseconds - Self.epochMicroseconds
    }
}

extension PostgresDate: PostgresParameter {
    package static var postgresType: PostgresType { .date }

    package func encode(into buffer: PostgresBuffer) throws(PostgresError) { buffer.append(try wire()) }

    func wire() throws(PostgresError) -> Int32 {
        if days == .max || days == .min { return days }
        let (value, isOver) = days.subtractingReportingOverflow(Self.epochDays)
        if isOver { throw PostgresError(.client, "a day is before the first that PostgreSQL can store") }
        return value
    }
}

extension PostgresUUID: PostgresParameter {
    package static var postgresType: PostgresType { .uuid }
    package func encode(into buffer: PostgresBuffer) {
        buffer.append(high)
        buffer.append(low)
    }
}

extension PostgresJSON: PostgresParameter {
    package static var postgresType: PostgresType { .jsonb }

    package func encode(into buffer: PostgresBuffer) throws(PostgresError) {
        buffer.append(Self.version)
        try buffer.append(text)
    }

    /// Of the binary form of `jsonb`: the text follows.
    static let version: UInt8 = 1
}

extension PostgresNumeric: PostgresParameter {
    package static var postgresType: PostgresType { .numeric }
    package func encode(into buffer: PostgresBuffer) throws(PostgresError) { try write(to: buffer) }
}

extension PostgresUntyped: PostgresParameter {
    package static var postgresType: PostgresType { .unknown }
    package static var postgresFormat: Int32 { 0 }
    package func encode(into buffer: PostgresBuffer) throws(PostgresError) { try buffer.append(text) }
}

extension Optional: PostgresParameter where Wrapped: PostgresParameter {
    package static var postgresType: PostgresType { Wrapped.postgresType }
    package static var postgresFormat: Int32 { Wrapped.postgresFormat }
    package var isNull: Bool { self?.isNull ?? true }
    package func encode(into buffer: PostgresBuffer) throws(PostgresError) { try self?.encode(into: buffer) }
}
