import CPostgres

extension PostgresConnection {
    /// Runs one or several statements without values; the answer is that of the last. Several are one transaction
    /// unless they say otherwise.
    @discardableResult
    package func execute(_ sql: String) throws(PostgresError) -> PostgresResult {
        let handle = try idle()
        var patience = patience()
        guard !sql.utf8.contains(0), PQsendQuery(handle, sql) == 1 else { throw refused(sql) }
        return try collect(sql, &patience)
    }

    /// Runs a statement with values for its `$1`, `$2`, …; the statement stays prepared for the next time.
    ///
    /// All rows are in memory: for more than some ten thousand there is `forEachRow`.
    @discardableResult
    package func query(_ sql: String, _ values: any PostgresParameter...) throws(PostgresError) -> PostgresResult {
        try query(sql, values: values)
    }

    /// The same with the values as a list.
    @discardableResult
    package func query(_ sql: String, values: [any PostgresParameter]) throws(PostgresError) -> PostgresResult {
        try retryingStale {
            () throws(PostgresError) in
            var patience = try send(sql, values)
            return try collect(sql, &patience)
        }
    }

    /// The first column of all rows.
    package func query<Value: PostgresDecodable>(
        _ sql: String, _ values: any PostgresParameter..., as type: Value.Type
    ) throws(PostgresError) -> [Value] {
        let result = try query(sql, values: values)
        var column: [Value] = []
        column.reserveCapacity(result.rowCount)
        for row in result.rows { column.append(try row.get(0, as: type)) }
        return column
    }

    /// The rows as tuples of the given types.
    package func query<First: PostgresDecodable, Second: PostgresDecodable, each Rest: PostgresDecodable>(
        _ sql: String, _ values: any PostgresParameter..., as first: First.Type, _ second: Second.Type,
        _ rest: repeat (each Rest).Type
    ) throws(PostgresError) -> [(First, Second, repeat each Rest)] {
        let result = try query(sql, values: values)
        var rows: [(First, Second, repeat each Rest)] = []
        rows.reserveCapacity(result.rowCount)
        for row in result.rows { rows.append(try row.values(as: first, second, repeat each rest)) }
        return rows
    }

    /// What the body makes of each row.
    package func query<Value>(
        _ sql: String, _ values: any PostgresParameter..., rows body: (PostgresRow) throws -> Value
    ) throws -> [Value] {
        try query(sql, values: values).rows.map(body)
    }

    /// The first column of the first row; nil if there is no row. It may be an optional, for what can be null.
    package func value<Value: PostgresDecodable>(
        _ sql: String, _ values: any PostgresParameter..., as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value? {
        let result = try query(sql, values: values)
        return result.rowCount == 0 ? nil : try result[0].get(0, as: type)
    }

    /// Calls the body at each row as it comes, so that no more than one is in memory; if the body throws, the statement
    /// is cancelled. The body must not use the connection.
    package func forEachRow(
        _ sql: String, _ values: any PostgresParameter..., body: (PostgresRow) throws -> Void
    ) throws {
        var patience = try send(sql, values)
        PQsetSingleRowMode(try live())
        isBusy = true
        defer { isBusy = false }
        do throws(WaitFailure) { try flush(&patience) } catch { throw ended(error, sql) }
        while let result = try nextRow(sql, &patience) {
            do {
                for row in result.rows { try body(row) }
            } catch {
                abandon(sql)
                throw error
            }
            patience = self.patience()
        }
    }

    /// The answer of an empty statement, to learn whether the server is there.
    package func ping() throws(PostgresError) { try execute("SELECT 1") }
}

extension PostgresConnection {
    /// The next row of a statement in single-row mode. After an error the rest of the answer is taken too.
    private func nextRow(_ sql: String, _ patience: inout Patience) throws(PostgresError) -> PostgresResult? {
        var error: PostgresError?
        do throws(WaitFailure) {
            while let result = try nextResult(&patience) {
                do throws(PostgresError) {
                    let taken = try take(result, sql)
                    if error == nil { return taken }
                } catch let found {
                    error = error ?? found
                }
            }
        } catch {
            throw ended(error, sql)
        }
        if let error { throw settled(error, patience) }
        return nil
    }

    /// Cancels the running statement and takes what still comes of it, or closes the connection.
    func abandon(_ sql: String) {
        var patience = Patience(deadline: Deadline(milliseconds: graceMilliseconds), isCancelled: true)
        canceller.cancel(timeoutMilliseconds: graceMilliseconds)
        do throws(WaitFailure) {
            while let result = try nextResult(&patience) { PQclear(result) }
        } catch {
            close()
        }
    }

    /// Sends a statement, prepared if it was not, with values.
    private func send(_ sql: String, _ values: [any PostgresParameter]) throws(PostgresError) -> Patience {
        let handle = try idle()
        try setParameters(sql, values)
        let key = PreparedStatements.Key(sql: sql, types: parameters.types)
        let known = prepared.name(of: key)
        let name = if let known { known } else { try prepare(key) }
        let patience = patience()
        let isSent = parameters.withPointers { pointers, lengths, formats in
            PQsendQueryPrepared(handle, name, Int32(parameters.count), pointers, lengths, formats, 1)
        }
        guard isSent == 1 else { throw refused(sql) }
        return patience
    }

    func setParameters(_ sql: String, _ values: [any PostgresParameter]) throws(PostgresError) {
        do throws(PostgresError) {
            guard !sql.utf8.contains(0) else {
                throw PostgresError(.client, "the statement has a NUL character in it")
            }
            try parameters.set(values)
        } catch {
            var named = error
            named.statement = StatementText.hidden(sql)
            throw named
        }
    }

    private func prepare(_ key: PreparedStatements.Key) throws(PostgresError) -> String {
        if transactionState != .failed, let drops = prepared.takeDropped() { try execute(drops) }
        let name = prepared.newName()
        var patience = patience()
        guard PQsendPrepare(try live(), name, key.sql, Int32(key.types.count), key.types) == 1 else {
            throw refused(key.sql)
        }
        _ = try collect(key.sql, &patience)
        prepared.insert(key, name: name)
        return name
    }

    /// Runs a statement again whose preparation the server could not use, if no transaction was harmed by that.
    private func retryingStale(
        _ body: () throws(PostgresError) -> PostgresResult
    ) throws(PostgresError) -> PostgresResult {
        let before = prepared.staleCount
        do throws(PostgresError) {
            return try body()
        } catch {
            guard prepared.staleCount > before, transactionState == .idle else { throw error }
            return try body()
        }
    }
}
