import CPostgres

/// A row of a COPY, lent while it is read. It has no types: what is asked for must be what the column holds.
package struct PostgresCopyRow: PostgresCells {
    fileprivate let cells: [UnsafeRawBufferPointer?]

    package var columnCount: Int { cells.count }

    package func cell(_ column: Int) -> PostgresCell {
        PostgresCell(type: .unknown, bytes: cells[column], column: column)
    }
}

extension PostgresConnection {
    /// Copies a table out, calling the body at each row; the number of rows.
    @discardableResult
    package func copyOut(
        table: PostgresTable, columns: [String], _ body: (PostgresCopyRow) throws -> Void
    ) throws -> Int {
        let list = try columns.map { try PostgresName($0).description }.joined(separator: ", ")
        return try copyOut("\(table) (\(list))", body)
    }

    /// Copies the rows of a query out; a query stands in brackets: `(SELECT …)`.
    @discardableResult
    package func copyOut(_ source: String, _ body: (PostgresCopyRow) throws -> Void) throws -> Int {
        let sql = "COPY \(source) TO STDOUT (FORMAT binary)"
        let handle = try idle()
        guard !sql.utf8.contains(0), PQsendQuery(handle, sql) == 1 else { throw refused(sql) }
        try beginCopy(sql, PGRES_COPY_OUT)
        isBusy = true
        defer { isBusy = false }
        var reader = PostgresCopyReader()
        var patience = patience()
        do {
            while let piece = try nextPiece(sql, &patience) {
                defer { PQfreemem(piece.start) }
                try reader.take(UnsafeRawBufferPointer(start: piece.start, count: piece.count), body)
                patience = self.patience()
            }
        } catch {
            abandonCopyOut(sql)
            throw error
        }
        let copied = try collect(sql, &patience).affectedCount
        guard copied == reader.rowCount, reader.isComplete else {
            throw PostgresError(.client, "\(copied) rows were copied and \(reader.rowCount) read", statement: sql)
        }
        return copied
    }

    /// The next message of the copy, nil at its end.
    private func nextPiece(
        _ sql: String, _ patience: inout Patience
    ) throws(PostgresError) -> (start: UnsafeMutablePointer<CChar>, count: Int)? {
        let handle = try live()
        while true {
            var start: UnsafeMutablePointer<CChar>?
            let count = PQgetCopyData(handle, &start, 1)
            if count > 0, let start { return (start, Int(count)) }
            if count == -1 { return nil }
            guard count == 0 else { throw refused(sql) }
            do throws(WaitFailure) { try awaitInput(&patience) } catch { throw ended(error, sql) }
        }
    }

    private func abandonCopyOut(_ sql: String) {
        guard let handle = try? live() else { return }
        canceller.cancel(timeoutMilliseconds: graceMilliseconds)
        var patience = Patience(deadline: Deadline(milliseconds: graceMilliseconds), isCancelled: true)
        do throws(PostgresError) {
            while let piece = try nextPiece(sql, &patience) { PQfreemem(piece.start) }
        } catch {}
        guard (try? live()) == handle else { return }
        do throws(WaitFailure) {
            while let result = try nextResult(&patience) { PQclear(result) }
        } catch {
            close()
        }
    }
}

/// Cuts the messages of a binary COPY into rows. A row lies in one message, as the server sends it.
struct PostgresCopyReader {
    private static let headerBytes = 19
    private(set) var rowCount = 0
    private(set) var isComplete = false
    private var isBegun = false

    mutating func take(_ message: UnsafeRawBufferPointer, _ body: (PostgresCopyRow) throws -> Void) throws {
        var offset = 0
        if !isBegun {
            guard message.count >= Self.headerBytes else { throw Self.damaged }
            offset = Self.headerBytes + Int(message.bigEndian(at: 15, as: UInt32.self))
            isBegun = true
        }
        while offset < message.count {
            guard offset + 2 <= message.count else { throw Self.damaged }
            let count = message.bigEndian(at: offset, as: Int16.self)
            offset += 2
            if count < 0 {
                isComplete = true
                return
            }
            let cells = try Self.cells(message, Int(count), &offset)
            rowCount += 1
            try body(PostgresCopyRow(cells: cells))
        }
    }

    private static func cells(
        _ message: UnsafeRawBufferPointer, _ count: Int, _ offset: inout Int
    ) throws(PostgresError) -> [UnsafeRawBufferPointer?] {
        var cells: [UnsafeRawBufferPointer?] = []
        cells.reserveCapacity(count)
        for _ in 0..<count {
            guard offset + 4 <= message.count else { throw damaged }
            let size = Int(message.bigEndian(at: offset, as: Int32.self))
            offset += 4
            guard size >= 0 else {
                cells.append(nil)
                continue
            }
            guard offset + size <= message.count else { throw damaged }
            cells.append(UnsafeRawBufferPointer(rebasing: message[offset..<offset + size]))
            offset += size
        }
        return cells
    }

    private static let damaged = PostgresError(.client, "the server's COPY is not in the binary form")
}
