import PrimaryStore
@testable import Publishing
import Telemetry

extension MadeFleet {
    var feedCountMax: Int { 40 }

    /// Gives a sink everything, in batches.
    func deliver(to sink: PostgresFeedSink) throws {
        try sink.apply(registry)
        try deliverFeed(to: sink)
    }

    func deliverFeed(to sink: PostgresFeedSink) throws {
        for start in stride(from: 0, to: feed.count, by: feedCountMax) {
            _ = try sink.apply(Array(feed[start..<min(start + feedCountMax, feed.count)]))
        }
    }

    /// What follows the cursors, a batch at most.
    func nextFeed(_ cursors: FeedCursors) -> [FeedRow] {
        Array(feed.lazy.filter { $0.revision > cursors.revisions[$0.slot, default: 0] }.prefix(feedCountMax))
    }

    /// The messages after a position of the log, so many batches at most, and the position then reached.
    func nextMessages(after position: Int64, entryCountMax: Int = 5) throws -> (rows: [MessageRow], reached: Int64) {
        let page = entries.filter { $0.position > position }.prefix(entryCountMax)
        let reader = MessageRowReader(parameters: parameters)
        return (try page.flatMap { try reader.rows(of: $0) }, page.last?.position ?? position)
    }

    /// Gives a sink the whole log, so many batches at once.
    func deliver(to sink: PostgresMessageSink, from start: Int64 = 0, entryCountMax: Int = 5) throws {
        var position = start
        while true {
            let (rows, reached) = try nextMessages(after: position, entryCountMax: entryCountMax)
            guard reached > position else { break }
            _ = try sink.apply(rows, after: position, upTo: reached)
            position = reached
        }
        while try sink.refreshMileage() {}
    }
}
