/// What one request, and all of them together, may ask of the server.
package struct APILimits: Sendable {
    /// A larger body is refused before it is held in memory.
    package var bodyBytesMax = 8 << 20
    /// A refused body is read and dropped up to here, so that its sender comes to read the answer.
    package var bodyDropMax = 64 << 20
    /// Bytes that the bodies of all requests in work may hold together; more are told to come again.
    package var bodiesBytesMax = 32 << 20
    /// Seconds after which they may.
    package var bodiesRetrySeconds = 1
    /// Batches of the log that may wait to be calculated; with more, messages are told to come again.
    package var logRowsWaitingMax: Int64 = 1_000_000
    /// Seconds after which they may.
    package var logRetrySeconds = 5
    package var headerCountMax = 100
    /// Requests in work at one time; more are told to come again.
    package var concurrencyMax = 256
    /// Threads that calls to the store may block.
    package var blockingThreadsMax = 8
    /// Calls that may wait for such a thread.
    package var blockingQueueMax = 4_096
    /// Entities in one POST, or tokens of one list of ids.
    package var itemsMax = 1_000
    /// Assignments that one request may name.
    package var assignmentsMax = 100_000
    /// Bytes of an item selector in a path.
    package var selectorBytesMax = 16_384
    /// Bytes of an expression in a selector or a filter.
    package var expressionBytesMax = 4_096
    /// Entities in one page of a collection.
    package var pageMax = 10_000
    package var messagesDefault = 1_000
    package var messagesMax = 100_000
    /// Intervals of one assignment in an answer.
    package var intervalsMax = 100_000
    package var changesDefault = 1_000
    package var changesMax = 10_000
    package var jobsDefault = 100
    package var jobsMax = 1_000
    /// Devices whose telemetry one request may ask for.
    package var telemetryDevicesMax = 1_000
    /// A longer answer is refused: the range is to be narrowed.
    package var answerBytesMax = 128 << 20
    /// Bytes of answers that are kept in memory until they would be others; 0: none.
    package var keptAnswerBytesMax = 64 << 20
    package var metadataBytesMax = 65_536
    package var metadataKeysMax = 256
    package var nameBytesMax = 256
    package var identBytesMax = 128
    /// Messages further ahead of the server's clock are kept apart.
    package var futureSecondsMax = MessageSieve.futureSecondsMax
    package var apartDefault = 1_000
    /// Messages kept apart in one answer.
    package var apartMax = 10_000
    /// Devices whose messages kept apart one request may ask for.
    package var apartDevicesMax = 1_000
    /// Messages kept apart that one transaction admits or deletes.
    package var apartBatchMax = 500
    /// Findings, damaged chunks and held jobs that the details of the health tell.
    package var healthItemsMax = 1_000
    /// Seconds for which what was found out about the health is told again.
    package var healthCacheSeconds = 1.0
    /// Seconds for which a valid token is not looked up again.
    package var tokenCacheSeconds = 1.0
    /// Tokens held in memory.
    package var tokenCacheMax = 10_000
    /// Seconds between two notes of a token's use.
    package var tokenTouchSeconds = 60.0

    package init() {}
}
