import Telemetry

/// How far a reader from outside has come with the messages of all devices, in the log and in the archive.
///
/// Log rows go when they are sealed. A reader that was away longer than that catches up: it first reads what the log
/// has, and then, device by device, the chunks that have something of after its position; in between it goes on with
/// the log, so that what is new does not wait. A message of after the position is in the log until it is in such a
/// chunk, and what was sealed before the log was read up to it is noted when it is, so none is missed. What is given in
/// a catch-up may be given twice; the position moves at its end only.
package struct MessageCursor: Sendable, Hashable {
    /// Every message up to this log position has been given.
    package let position: Int64
    var catchUp: CatchUp?

    /// Where a catch-up stands.
    struct CatchUp: Sendable, Hashable {
        /// A device with something in its chunks that the log did not give.
        struct Sealed: Sendable, Hashable {
            var device: DeviceID
            /// Chunks that cover no more than this have nothing of it.
            var after: Int64
        }

        /// The log is read up to here before any chunk is.
        var target: Int64
        /// The log has been read up to here.
        var logPosition: Int64
        /// What is still to be read, the next one last; nil until the log has been read.
        var sealed: [Sealed]?
        var sealedCount = 0
        /// Whether the page before was of chunks, so that the log comes next.
        var isLogNext = false
        /// Of the next device: the greatest `upto` that was given, and the chunks with it, by their begin, with their
        /// checksums.
        var upTo: Int64 = 0
        var given: [Timestamp: Int64] = [:]

        init(target: Int64, logPosition: Int64) {
            self.target = target
            self.logPosition = logPosition
        }

        /// Has more devices read, after those that are waiting.
        mutating func add(_ more: [Sealed]) {
            sealed = more + (sealed ?? [])
            sealedCount += more.count
        }

        mutating func finishDevice() {
            sealed?.removeLast()
            upTo = 0
            given = [:]
        }
    }

    package init(position: Int64) {
        self.position = position
    }

    init(position: Int64, catchUp: CatchUp?) {
        self.position = position
        self.catchUp = catchUp
    }

    package var isCatchingUp: Bool { catchUp != nil }

    /// The devices whose chunks have been read in this catch-up, and of how many; nil while it reads the log.
    package var catchUpProgress: (done: Int, total: Int)? {
        catchUp.flatMap { now in now.sealed.map { (now.sealedCount - $0.count, now.sealedCount) } }
    }
}

/// A chunk of the archive and whose it is.
package struct DeviceChunk: Sendable, Hashable {
    package var device: DeviceID
    package var chunk: ArchivedChunk

    package init(device: DeviceID, chunk: ArchivedChunk) {
        self.device = device
        self.chunk = chunk
    }
}

/// What one read of the messages gave.
package struct MessagePage: Sendable {
    package var entries: [LogEntry] = []
    package var chunks: [DeviceChunk] = []
    /// What was passed over because its bytes are not what was written, in words.
    package var damaged: [String] = []
    /// Where to go on once this page is taken.
    package var next: MessageCursor
    /// Whether more is there to be read at once.
    package var hasMore = false

    package init(next: MessageCursor) {
        self.next = next
    }

    package var messageCount: Int {
        entries.reduce(0) { $0 + $1.count } + chunks.reduce(0) { $0 + $1.chunk.count }
    }
}

/// Where one read of messages stops; at least one batch or chunk is given, even if it is larger.
package struct MessageLimit: Sendable, Hashable {
    package var messageCountMax: Int
    package var byteCountMax: Int

    package init(messageCountMax: Int = 20_000, byteCountMax: Int = 4 << 20) {
        self.messageCountMax = messageCountMax
        self.byteCountMax = byteCountMax
    }
}
