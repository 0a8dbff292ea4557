import CPostgres

/// The answers to the statements of a pipeline, in their order.
package struct PostgresPipelineAnswers {
    package var outcomes: [Result<PostgresResult, PostgresError>]

    /// The first error that is the cause of others, if any statement failed.
    package var firstError: PostgresError? {
        for case .failure(let error) in outcomes where error.origin != .aborted { return error }
        for case .failure(let error) in outcomes { return error }
        return nil
    }

    /// All results; throws the first error if there is one.
    @discardableResult
    package func get() throws(PostgresError) -> [PostgresResult] {
        if let firstError { throw firstError }
        return outcomes.compactMap { try? $0.get() }
    }

    /// The rows that all statements together changed.
    package var affectedCount: Int {
        outcomes.reduce(0) { sum, outcome in
            if case .success(let result) = outcome { sum + result.affectedCount } else { sum }
        }
    }
}

/// Statements that are sent one after the other without waiting for answers.
///
/// From one `sync` to the next they are one transaction, unless one is open around them: when one fails, those behind
/// it are not run, and what went before it is undone.
package final class PostgresPipeline {
    private enum Expected {
        case preparation(PreparedStatements.Key, name: String)
        case statement(Int, sql: String)
        case sync
    }

    private let connection: PostgresConnection
    private var expected: [Expected] = []
    private var headIndex = 0
    private var outcomes: [Result<PostgresResult, PostgresError>?] = []
    private var patience: Patience
    /// Statements on their way to being prepared in this pipeline.
    private var names: [PreparedStatements.Key: String] = [:]
    private var isOpen = true
    private var unsentCount = 0
    /// So many statements are handed to libpq before it is made to send and answers are taken.
    private static let unsentMax = 64

    fileprivate init(_ connection: PostgresConnection) {
        self.connection = connection
        patience = connection.patience()
    }

    /// Sends a statement; its answer stands at the same place of the answers.
    package func add(_ sql: String, _ values: any PostgresParameter...) throws(PostgresError) {
        try add(sql, values: values)
    }

    package func add(_ sql: String, values: [any PostgresParameter]) throws(PostgresError) {
        let handle = try handle()
        try connection.setParameters(sql, values)
        let parameters = connection.parameters
        let key = PreparedStatements.Key(sql: sql, types: parameters.types)
        let name = try name(of: key)
        let isSent = parameters.withPointers { pointers, lengths, formats in
            PQsendQueryPrepared(handle, name, Int32(parameters.count), pointers, lengths, formats, 1)
        }
        guard isSent == 1 else { throw connection.refused(sql) }
        expected.append(.statement(outcomes.count, sql: sql))
        outcomes.append(nil)
        unsentCount += 1
        if unsentCount >= Self.unsentMax { try pump() }
    }

    /// Ends a transaction and begins the next.
    package func sync() throws(PostgresError) {
        guard PQpipelineSync(try handle()) == 1 else { throw connection.refused(nil) }
        expected.append(.sync)
        // Behind a failure nothing is prepared until here, so what is not known to be so is prepared again.
        names = [:]
    }

    private func handle() throws(PostgresError) -> OpaquePointer {
        guard isOpen else { throw PostgresError(.client, "the pipeline is over") }
        return try connection.live()
    }

    private func name(of key: PreparedStatements.Key) throws(PostgresError) -> String {
        if let known = connection.prepared.name(of: key) ?? names[key] { return known }
        let name = connection.prepared.newName()
        let handle = try handle()
        guard PQsendPrepare(handle, name, key.sql, Int32(key.types.count), key.types) == 1 else {
            throw connection.refused(key.sql)
        }
        expected.append(.preparation(key, name: name))
        names[key] = name
        return name
    }
}

// MARK: - Answers

extension PostgresPipeline {
    /// Sends what waits, and takes the answers that are there, so that neither side fills up.
    private func pump() throws(PostgresError) {
        unsentCount = 0
        do throws(WaitFailure) {
            try connection.flush(&patience)
            try connection.consume()
            try takeReady()
        } catch {
            throw connection.ended(error, nil)
        }
        if !patience.isCancelled { patience = connection.patience() }
    }

    private func takeReady() throws(WaitFailure) {
        while headIndex < expected.count, let handle = try? connection.live(), PQisBusy(handle) == 0 {
            let result = PQgetResult(handle)
            if result == nil, PQstatus(handle) == CONNECTION_BAD { throw .lost }
            take(result)
        }
    }

    private func takeAll() throws(WaitFailure) {
        try connection.flush(&patience)
        while headIndex < expected.count {
            let result = try connection.nextResult(&patience)
            if result == nil, !connection.isUnbroken { throw .lost }
            take(result)
            if !patience.isCancelled { patience = connection.patience() }
        }
    }

    /// A null ends the answer to a statement; a sync is answered by one result without a null.
    private func take(_ result: OpaquePointer?) {
        let place = expected[headIndex]
        guard let result else {
            headIndex += 1
            return
        }
        let sql = if case .statement(_, let sql) = place { sql } else { "" }
        let outcome = Result { () throws(PostgresError) in try connection.take(result, sql) }.mapError {
            connection.expected($0, patience)
        }
        switch place {
        case .sync: headIndex += 1
        case .statement(let index, _): if outcomes[index]?.isFailure != true { outcomes[index] = outcome }
        case .preparation(let key, let name): settle(key, name, outcome)
        }
    }

    /// A statement that could not be prepared fails with the error of its preparation.
    private func settle(
        _ key: PreparedStatements.Key, _ name: String, _ outcome: Result<PostgresResult, PostgresError>
    ) {
        switch outcome {
        case .success: connection.prepared.insert(key, name: name)
        case .failure(var error):
            guard error.origin != .aborted else { return }
            error.statement = StatementText.hidden(key.sql)
            let index = expected[headIndex...].lazy.compactMap { place -> Int? in
                if case .statement(let index, _) = place { index } else { nil }
            }.first
            if let index { outcomes[index] = .failure(error) }
        }
    }

    /// Waits for all answers. Without a connection what was not answered fails with its loss.
    fileprivate func finish() throws(PostgresError) -> PostgresPipelineAnswers {
        if case .sync? = expected.last {} else { try sync() }
        isOpen = false
        do throws(WaitFailure) { try takeAll() } catch { throw connection.ended(error, nil) }
        return PostgresPipelineAnswers(
            outcomes: outcomes.map { $0 ?? .failure(PostgresError(.aborted, "there was no answer")) })
    }

    /// Undoes what was sent since the last sync: a statement that fails makes the server do so.
    fileprivate func abandon() throws(PostgresError) {
        if case .sync? = expected.last {} else { try add("DO $$ BEGIN RAISE 'abandoned by the client'; END $$") }
        _ = try finish()
    }
}

extension Result {
    fileprivate var isFailure: Bool { if case .failure = self { true } else { false } }
}

extension PostgresConnection {
    fileprivate var isUnbroken: Bool {
        guard let handle = try? live() else { return false }
        return PQstatus(handle) == CONNECTION_OK
    }

    /// An error within a pipeline, which goes on: the connection is not closed yet.
    fileprivate func expected(_ error: PostgresError, _ patience: Patience) -> PostgresError {
        guard patience.isCancelled, error.isCancelled else { return error }
        var late = error
        late.origin = .deadline
        return late
    }

    /// Runs statements without waiting for the answer of each; their answers, whether they succeeded or failed.
    ///
    /// If the body throws, what it has sent since its last `sync` is undone. If the connection is lost, that is thrown:
    /// which of the statements since the last answered `sync` were committed is then unknown.
    package func pipeline(_ body: (PostgresPipeline) throws -> Void) throws -> PostgresPipelineAnswers {
        let handle = try idle()
        if transactionState != .failed, let drops = prepared.takeDropped() { try execute(drops) }
        guard PQenterPipelineMode(handle) == 1 else { throw refused(nil) }
        isBusy = true
        defer { leavePipeline() }
        let pipeline = PostgresPipeline(self)
        do {
            try body(pipeline)
        } catch {
            try? pipeline.abandon()
            throw error
        }
        return try pipeline.finish()
    }

    private func leavePipeline() {
        isBusy = false
        guard let handle = try? live() else { return }
        if PQexitPipelineMode(handle) != 1 { close() }
    }
}
