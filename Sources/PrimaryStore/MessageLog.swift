import MessageChunks
import Telemetry

/// Messages of one device on their way into the log.
package struct LogAppend: Sendable {
    package var device: DeviceID
    /// The messages as they came, in any order; not empty.
    package var batch: MessageBatch

    package init(device: DeviceID, batch: MessageBatch) {
        self.device = device
        self.batch = batch
    }
}

/// One batch of the log.
package struct LogEntry: Sendable {
    /// Where it stands: positions ascend in the order of the commits.
    package var position: Int64
    package var device: DeviceID
    /// The number of messages.
    package var count: Int
    /// The batch in the chunk format, checked against its CRC.
    package var bytes: [UInt8]

    package init(position: Int64, device: DeviceID, count: Int, bytes: [UInt8]) {
        self.position = position
        self.device = device
        self.count = count
        self.bytes = bytes
    }

    /// The messages, in the order they came.
    package func batch() throws(StoreError) -> MessageBatch {
        do throws(ChunkError) {
            return try MessageChunk(bytes).batch()
        } catch { throw .corrupt("log batch at position \(position) of device \(device): \(error)") }
    }
}

/// What one read of the log gave.
package struct LogPage: Sendable {
    package var entries: [LogEntry]
    /// Everything up to here that was asked for is in this page or was in one before: the next read starts after it.
    package var reached: Int64
    /// Whether a limit ended the page, so that more is there to be read at once.
    package var isCut: Bool

    package init(entries: [LogEntry], reached: Int64, isCut: Bool) {
        self.entries = entries
        self.reached = reached
        self.isCut = isCut
    }
}

/// Where one read of the log stops.
package struct LogLimit: Sendable, Hashable {
    /// At least one entry is given, even if it is larger.
    package var byteCountMax: Int
    package var entryCountMax: Int

    package init(byteCountMax: Int = 8 << 20, entryCountMax: Int = 10_000) {
        self.byteCountMax = byteCountMax
        self.entryCountMax = entryCountMax
    }
}

/// What of a device is in the log and not yet in the archive.
package struct PendingLog: Sendable, Hashable {
    package var device: DeviceID
    package var entryCount: Int
    package var messageCount: Int
    package var firstPosition: Int64
    package var lastPosition: Int64

    package init(device: DeviceID, entryCount: Int, messageCount: Int, firstPosition: Int64, lastPosition: Int64) {
        self.device = device
        self.entryCount = entryCount
        self.messageCount = messageCount
        self.firstPosition = firstPosition
        self.lastPosition = lastPosition
    }
}
