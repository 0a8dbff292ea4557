import PostgresClient
import PrimaryStore
import Telemetry

/// Puts the messages of the log into positions, live positions and alarms.
package final class PostgresMessageSink: MessageSink {
    let link: SinkLink
    private var store = ""
    private var refusedRowCount = 0

    package init(_ settings: SinkSettings) { link = SinkLink(settings) }

    package func open(store: String) throws(SinkError) -> Int64 {
        self.store = StagedText.plain(store)
        _ = try link.open(store: store)
        return try link.run { connection throws(PostgresError) in
            try connection.postgres.value(
                "SELECT position FROM odograph.cursors WHERE name = 'messages' AND slot = -1", as: Int64.self) ?? 0
        }
    }

    package func close() { link.close() }

    package func apply(_ messages: [MessageRow], after: Int64, upTo: Int64) throws(SinkError) -> MessageReceipt {
        refusedRowCount = 0
        let fit = messages.filter(\.hasTime)
        var receipt: MessageReceipt
        do throws(LinkFailure) {
            receipt = try applyAtOnce(fit[...], after, upTo)
        } catch .data {
            // One by one as messages of the archive, which no cursor holds back; then the cursor alone.
            receipt = try applyParts(fit.map(\.archived)[...], at: after)
            do throws(LinkFailure) { _ = try applyAtOnce([], after, upTo) } catch { throw error.sinkError }
        } catch { throw error.sinkError }
        receipt.taken += messages.count - fit.count
        receipt.rejected += messages.count - fit.count
        return receipt
    }

    package func refreshMileage() throws(SinkError) -> Bool {
        try link.run { connection throws(PostgresError) in
            let count = try connection.postgres.value("SELECT tracksolid.refresh_mileage_daily()", as: Int64.self)
            return (count ?? 0) > 0
        }
    }

    /// Applies messages; where one cannot be taken, halves them until it is alone.
    private func applyParts(_ rows: ArraySlice<MessageRow>, at position: Int64) throws(SinkError) -> MessageReceipt {
        do throws(LinkFailure) {
            return try applyAtOnce(rows, position, position)
        } catch .data(let error) {
            guard let row = rows.first else { throw SinkError(error) }
            guard rows.count > 1 else { return try refuse(row, error.description) }
            let middle = rows.startIndex + rows.count / 2
            let before = try applyParts(rows[..<middle], at: position)
            return before + (try applyParts(rows[middle...], at: position))
        } catch { throw error.sinkError }
    }

    private func applyAtOnce(
        _ rows: ArraySlice<MessageRow>, _ after: Int64, _ upTo: Int64
    ) throws(LinkFailure) -> MessageReceipt {
        try link.deliver { connection throws(PostgresError) in
            try connection.transaction { postgres in
                if !rows.isEmpty { try Staging.messages(rows, to: postgres) }
                link.stepObserver?(.staged)
                let result = try postgres.query(
                    "SELECT taken, written, rejected FROM odograph.apply_messages($1, $2, $3)", after, upTo, store,
                    as: Int64.self, Int64.self, Int64.self)
                link.stepObserver?(.applied)
                var receipt = MessageReceipt()
                if let row = result.first {
                    (receipt.taken, receipt.written, receipt.rejected) = (Int(row.0), Int(row.1), Int(row.2))
                }
                return receipt
            }
        }
    }

    private func refuse(_ row: MessageRow, _ reason: String) throws(SinkError) -> MessageReceipt {
        refusedRowCount += 1
        guard refusedRowCount <= link.settings.refusedRowCountMax else {
            throw .refused(
                "more than \(link.settings.refusedRowCountMax) messages of one batch cannot be stored: \(reason)")
        }
        try link.run { connection throws(PostgresError) in
            try connection.refuse(
                sink: "messages", key: "\(row.device.rawValue)/\(row.timestamp.microseconds)", reason: reason,
                content: nil)
        }
        var receipt = MessageReceipt()
        (receipt.taken, receipt.rejected) = (1, 1)
        return receipt
    }
}

extension MessageRow {
    /// From the year 1 to 9999: others cannot have come over the API.
    fileprivate var hasTime: Bool { PostgresTimestamp(timestamp).isFinite }

    /// The same as a message of the archive.
    fileprivate var archived: MessageRow {
        var row = self
        row.position = 0
        return row
    }
}

extension MessageReceipt {
    fileprivate static func + (left: Self, right: Self) -> Self {
        var sum = left
        sum.taken += right.taken
        sum.written += right.written
        sum.rejected += right.rejected
        return sum
    }
}
