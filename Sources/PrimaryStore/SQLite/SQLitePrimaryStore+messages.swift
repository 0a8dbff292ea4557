import SQLiteClient
import Telemetry

extension SQLitePrimaryStore {
    package func readMessages(after cursor: MessageCursor, limit: MessageLimit) throws(StoreError) -> MessagePage {
        // Asked before the read begins, so that the read sees at least all up to here.
        let end = lastPosition
        return try read { connection in
            try connection.transaction(isWriting: false) {
                try MessageReading(connection: connection, end: end, limit: limit).page(after: cursor)
            }
        }
    }
}

/// One read of the messages of all devices, inside a read transaction.
struct MessageReading {
    /// Whether anything was sealed beyond a position: the one look that a reader ahead of every seal pays for.
    static let probe = "SELECT 1 FROM archive_marks WHERE position > ? LIMIT 1"
    static let log = """
        SELECT position, device, count, crc, bytes FROM log WHERE position > ? AND position <= ? ORDER BY position
        """
    static let devices = "SELECT device FROM archive_marks WHERE position > ? ORDER BY device DESC"
    static let chunks = """
        SELECT \(ArchivedChunk.columns) FROM chunks INDEXED BY chunks_by_upto
        WHERE device = ? AND upto > ? AND upto >= ? ORDER BY upto, first
        """

    let connection: Connection
    /// The last position of the log that this read sees for certain.
    let end: Int64
    let limit: MessageLimit

    func page(after cursor: MessageCursor) throws -> MessagePage {
        if let catchUp = cursor.catchUp { return try page(after: cursor.position, catchUp) }
        let isSealedBeyond = try connection.integer(Self.probe, cursor.position) != nil
        guard isSealedBeyond else { return try steadyPage(after: cursor.position) }
        return try page(
            after: cursor.position, MessageCursor.CatchUp(target: end, logPosition: cursor.position))
    }

    /// Nothing was sealed beyond the position: the log has everything.
    private func steadyPage(after position: Int64) throws -> MessagePage {
        var page = MessagePage(next: MessageCursor(position: position))
        let reached = try readLog(after: position, into: &page)
        page.next = MessageCursor(position: reached)
        page.hasMore = reached < end
        return page
    }

    private func page(after position: Int64, _ state: MessageCursor.CatchUp) throws -> MessagePage {
        var state = state
        var page = MessagePage(next: MessageCursor(position: position))
        page.hasMore = true
        if state.sealed == nil || state.isLogNext && state.logPosition < end {
            try readLog(after: position, &state, into: &page)
        } else {
            try readChunks(&state, into: &page)
            state.isLogNext = true
        }
        let isDone = state.sealed?.isEmpty ?? false
        page.next =
            isDone ? MessageCursor(position: state.logPosition) : MessageCursor(position: position, catchUp: state)
        return page
    }

    /// Reads on in the log, and notes in whose chunks that is which was sealed before it could be read here.
    private func readLog(
        after position: Int64, _ state: inout MessageCursor.CatchUp, into page: inout MessagePage
    ) throws {
        let before = state.logPosition
        state.logPosition = try readLog(after: before, into: &page)
        state.isLogNext = false
        if state.sealed != nil {
            state.add(try sealed(beyond: before))
        } else if state.logPosition >= state.target {
            state.add(try sealed(beyond: position))
        }
    }

    private func sealed(beyond position: Int64) throws -> [MessageCursor.CatchUp.Sealed] {
        var sealed: [MessageCursor.CatchUp.Sealed] = []
        try connection.statement(Self.devices, position).forEachRow { row in
            sealed.append(MessageCursor.CatchUp.Sealed(device: DeviceID(row.int64(0)), after: position))
        }
        return sealed
    }
}

// MARK: - Until the limit

extension MessageReading {
    /// Returns the position up to which the log was read.
    private func readLog(after position: Int64, into page: inout MessagePage) throws -> Int64 {
        var room = Room(limit)
        var reached = max(position, end)
        var last = position
        try connection.statement(Self.log, position, end).forEachRowWhile { row in
            guard room.take(Int(clamping: row.int64(2)), row.byteCount(4)) else {
                reached = last
                return false
            }
            last = row.int64(0)
            if let entry = try sound(&page, { try LogEntry(row) }) { page.entries.append(entry) }
            return true
        }
        return reached
    }

    /// Reads the chunks of one device after the other.
    private func readChunks(_ state: inout MessageCursor.CatchUp, into page: inout MessagePage) throws {
        var room = Room(limit)
        while let next = state.sealed?.last {
            guard try readChunks(of: next, &state, &room, into: &page) else { return }
            state.finishDevice()
        }
    }

    /// Returns whether the device has no more.
    ///
    /// What is sealed between two pages has an `upto` that is no less than those before, so that it comes after them.
    private func readChunks(
        of next: MessageCursor.CatchUp.Sealed, _ state: inout MessageCursor.CatchUp, _ room: inout Room,
        into page: inout MessagePage
    ) throws -> Bool {
        var isWhole = true
        let device = next.device
        try connection.statement(Self.chunks, device.rawValue, next.after, state.upTo).forEachRowWhile { row in
            let (first, upTo, checksum) = (Timestamp(microseconds: row.int64(0)), row.int64(3), row.int64(4))
            if upTo == state.upTo, state.given[first] == checksum { return true }
            // What a damaged one says of itself counts for nothing: it takes no room and moves nothing on.
            guard let chunk = try sound(&page, { try ArchivedChunk(row, device) }) else { return true }
            guard room.take(chunk.count, chunk.bytes.count) else {
                isWhole = false
                return false
            }
            if upTo != state.upTo { state.given = [:] }
            state.upTo = upTo
            state.given[first] = checksum
            page.chunks.append(DeviceChunk(device: device, chunk: chunk))
            return true
        }
        return isWhole
    }

    /// Passes over what is damaged, and says so: whoever follows the messages must not stand still for one batch.
    private func sound<Part>(_ page: inout MessagePage, _ read: () throws -> Part) throws -> Part? {
        do { return try read() } catch StoreError.corrupt(let what) {
            page.damaged.append(what)
            return nil
        }
    }

    /// What a page has room for; the first thing always fits.
    private struct Room {
        private var messageCount: Int
        private var byteCount: Int
        private var isEmpty = true

        init(_ limit: MessageLimit) {
            messageCount = limit.messageCountMax
            byteCount = limit.byteCountMax
        }

        mutating func take(_ messages: Int, _ bytes: Int) -> Bool {
            let fits = isEmpty || messages <= messageCount && bytes <= byteCount
            guard fits else { return false }
            isEmpty = false
            messageCount -= min(messages, messageCount)
            byteCount -= min(bytes, byteCount)
            return true
        }
    }
}
