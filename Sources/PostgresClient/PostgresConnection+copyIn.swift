import CPostgres

extension PostgresConnection {
    /// Copies rows into a table in the binary form, the fastest way in; the number of rows.
    ///
    /// The body gives the values of each row in the order of the columns. If it throws, nothing is copied. A copy is
    /// one statement: it is done wholly or not at all.
    @discardableResult
    package func copyIn(
        table: PostgresTable, columns: [String], _ body: (PostgresCopyWriter) throws -> Void
    ) throws -> Int {
        let columns = try copyColumns(table, columns)
        let list = columns.map(\.name.description).joined(separator: ", ")
        let sql = "COPY \(table) (\(list)) FROM STDIN (FORMAT binary)"
        let handle = try idle()
        guard PQsendQuery(handle, sql) == 1 else { throw refused(sql) }
        try beginCopy(sql, PGRES_COPY_IN)
        isBusy = true
        defer { isBusy = false }
        let writer = PostgresCopyWriter(self, columns, sql)
        do {
            try body(writer)
            try writer.finish()
        } catch {
            abortCopyIn(sql)
            throw (error as? PostgresError).map { copyError($0, sql) } ?? error
        }
        return try endCopyIn(sql, writer)
    }

    /// Names and types of the columns, in the order asked for.
    private func copyColumns(_ table: PostgresTable, _ names: [String]) throws(PostgresError) -> [PostgresCopyColumn] {
        let known = try query(Self.columnsSQL, table.description, as: String.self, PostgresCell.TypeNumber.self)
        let types = Dictionary(known.map { ($0.0, $0.1.type) }) { first, _ in first }
        var columns: [PostgresCopyColumn] = []
        for name in names {
            guard let type = types[name] else {
                throw PostgresError(
                    .client, "there is no column \(name) in \(table)", sqlState: "42703")
            }
            columns.append(PostgresCopyColumn(name: try PostgresName(name), type: type))
        }
        guard !columns.isEmpty else { throw PostgresError(.client, "a COPY without columns") }
        return columns
    }

    /// A domain counts as the type under it.
    private static let columnsSQL = """
        SELECT a.attname, CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped
        """

    /// Waits until the server is ready for the copy.
    func beginCopy(_ sql: String, _ wanted: ExecStatusType) throws(PostgresError) {
        var patience = patience()
        var begun: OpaquePointer?
        do throws(WaitFailure) {
            try flush(&patience)
            begun = try nextResult(&patience)
        } catch {
            throw ended(error, sql)
        }
        guard let begun else { throw refused(sql) }
        if PQresultStatus(begun) == wanted { return PQclear(begun) }
        var failure: PostgresError?
        do throws(PostgresError) { _ = try take(begun, sql) } catch { failure = error }
        do throws(PostgresError) { _ = try collect(sql, &patience) } catch { failure = failure ?? error }
        throw settled(failure ?? PostgresError(.client, "the statement is no COPY", statement: sql), patience)
    }

    private func endCopyIn(_ sql: String, _ writer: PostgresCopyWriter) throws(PostgresError) -> Int {
        guard PQputCopyEnd(try live(), nil) == 1 else { throw refused(sql) }
        var patience = writer.patience
        let copied = try collect(sql, &patience).affectedCount
        guard copied == writer.rowCount else {
            throw PostgresError(.client, "\(writer.rowCount) rows were sent and \(copied) copied", statement: sql)
        }
        return copied
    }

    /// Makes the server drop what was sent of a copy.
    private func abortCopyIn(_ sql: String) {
        guard let handle = try? live() else { return }
        guard PQputCopyEnd(handle, "abandoned by the client") == 1 else { return close() }
        var patience = patience()
        // The server answers that the copy failed, which is what was asked for.
        do throws(PostgresError) { _ = try collect(sql, &patience) } catch {}
    }

    private func copyError(_ error: PostgresError, _ sql: String) -> PostgresError {
        var named = error
        if named.statement == nil { named.statement = StatementText.hidden(sql) }
        return named
    }
}

extension PostgresCell {
    /// The number of a type, read from a catalogue.
    struct TypeNumber: PostgresDecodable {
        let type: PostgresType

        init(_ cell: PostgresCell) throws(PostgresError) {
            type = PostgresType(oid: UInt32(truncatingIfNeeded: try cell.integer()))
        }
    }
}
