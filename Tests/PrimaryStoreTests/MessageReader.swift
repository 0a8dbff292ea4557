import MessageChunks
import PrimaryStore
import Telemetry

/// A reader of all messages from outside, that remembers its position only, and what it was given.
final class MessageReader {
    /// A message: every one of a test has a device and a second of its own.
    struct Message: Hashable {
        var device: DeviceID
        var second: Int64
    }

    let store: SQLitePrimaryStore
    private(set) var cursor = MessageCursor(position: 0)
    private(set) var given: [Message: Int] = [:]
    private(set) var damaged: [String] = []

    init(_ store: SQLitePrimaryStore) { self.store = store }

    /// Reads one page; returns whether there is more.
    func read(_ limit: MessageLimit = MessageLimit()) throws -> Bool {
        let page = try store.readMessages(after: cursor, limit: limit)
        for entry in page.entries { note(entry.device, try entry.batch()) }
        for part in page.chunks { note(part.device, try MessageChunk(part.chunk.bytes).batch()) }
        damaged += page.damaged
        cursor = page.next
        return page.hasMore
    }

    /// Reads to the end; returns all messages, in words.
    func readAll() throws -> [String] {
        while try read() {}
        return given.keys.map { "\($0.device) \($0.second)" }.sorted() + damaged
    }

    /// Forgets everything but the position, as after a start.
    func restart() { cursor = MessageCursor(position: cursor.position) }

    private func note(_ device: DeviceID, _ batch: MessageBatch) {
        for time in batch.timestamps { given[Message(device: device, second: time / 1_000_000), default: 0] += 1 }
    }
}
