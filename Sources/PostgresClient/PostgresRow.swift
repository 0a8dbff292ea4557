import CPostgres

/// What has cells by position: a row of a result or of a COPY.
package protocol PostgresCells {
    var columnCount: Int { get }
    /// The cell at a position from 0, which must be one of the row's; lent while the row is.
    func cell(_ column: Int) -> PostgresCell
}

extension PostgresCells {
    /// The value at a position, from 0; ask for an optional where it can be null.
    package func get<Value: PostgresDecodable>(
        _ column: Int, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        guard column >= 0, column < columnCount else {
            throw PostgresError(.client, "there is no column \(column), the row has \(columnCount)")
        }
        return try Value(cell(column))
    }

    /// The values of the first columns.
    package func values<First: PostgresDecodable, Second: PostgresDecodable, each Rest: PostgresDecodable>(
        as first: First.Type, _ second: Second.Type, _ rest: repeat (each Rest).Type
    ) throws(PostgresError) -> (First, Second, repeat each Rest) {
        var column = 1
        func next() -> Int {
            column += 1
            return column
        }
        return try (get(0, as: first), get(1, as: second), repeat get(next(), as: each rest))
    }
}

/// The answer to one statement: its rows, all in memory, or how many rows it changed.
package final class PostgresResult {
    private let handle: OpaquePointer
    package let rowCount: Int
    package let columnCount: Int
    private let types: [PostgresType]

    /// Takes over a result of libpq.
    init(_ handle: OpaquePointer) {
        self.handle = handle
        rowCount = Int(PQntuples(handle))
        let columns = PQnfields(handle)
        columnCount = Int(columns)
        types = (0..<columns).map { PostgresType(oid: PQftype(handle, $0)) }
    }

    deinit { PQclear(handle) }

    /// The rows that were inserted, updated, deleted, copied or selected.
    package var affectedCount: Int { PQcmdTuples(handle).flatMap { Int(String(cString: $0)) } ?? 0 }

    /// What was done, such as COMMIT or INSERT 0 1.
    package var tag: String { PQcmdStatus(handle).map { String(cString: $0) } ?? "" }

    package func columnName(_ column: Int) -> String {
        precondition(column >= 0 && column < columnCount, "a column of the result")
        return PQfname(handle, Int32(column)).map { String(cString: $0) } ?? ""
    }

    package func columnType(_ column: Int) -> PostgresType { types[column] }

    package var rows: some RandomAccessCollection<PostgresRow> {
        (0..<rowCount).lazy.map { PostgresRow(result: self, index: $0) }
    }

    package subscript(index: Int) -> PostgresRow {
        precondition(index >= 0 && index < rowCount, "a row of the result")
        return PostgresRow(result: self, index: index)
    }

    fileprivate func cell(row: Int, column: Int) -> PostgresCell {
        let (row32, column32) = (Int32(row), Int32(column))
        if PQgetisnull(handle, row32, column32) == 1 {
            return PostgresCell(type: types[column], bytes: nil, column: column)
        }
        let start = UnsafeRawPointer(PQgetvalue(handle, row32, column32))
        let bytes = UnsafeRawBufferPointer(start: start, count: Int(PQgetlength(handle, row32, column32)))
        return PostgresCell(type: types[column], bytes: bytes, column: column)
    }
}

/// A row of a result, which it keeps alive.
package struct PostgresRow: PostgresCells {
    fileprivate let result: PostgresResult
    fileprivate let index: Int

    package var columnCount: Int { result.columnCount }
    package func cell(_ column: Int) -> PostgresCell { result.cell(row: index, column: column) }
}
