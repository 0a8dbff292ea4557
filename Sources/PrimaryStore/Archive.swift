import Telemetry

/// A chunk of a device's messages in the archive; chunks of one device never overlap.
package struct ArchivedChunk: Sendable, Hashable {
    /// The timestamps of its first and its last message.
    package var first: Timestamp
    package var last: Timestamp
    package var count: Int
    /// The log position it covers: messages appended after it are not in this chunk.
    package var upTo: Int64
    /// The chunk format, checked against its CRC.
    package var bytes: [UInt8]
    /// Whether it is stored for the long run.
    package var isCold: Bool

    package init(
        first: Timestamp, last: Timestamp, count: Int, upTo: Int64, bytes: [UInt8], isCold: Bool = false
    ) {
        self.first = first
        self.last = last
        self.count = count
        self.upTo = upTo
        self.bytes = bytes
        self.isCold = isCold
    }
}

/// Where a chunk stands in the archive.
package struct ChunkPlace: Sendable, Hashable {
    package var device: DeviceID
    package var first: Timestamp
    package var last: Timestamp

    package init(device: DeviceID, first: Timestamp, last: Timestamp) {
        self.device = device
        self.first = first
        self.last = last
    }
}

/// A chunk that is to be stored for the long run, under the fence: the same messages in other bytes.
package struct Cooling: Sendable {
    package var slot: Slot
    package var epoch: Int64
    package var device: DeviceID
    /// The chunk as it was read: one that has changed since is left alone.
    package var chunk: ArchivedChunk
    package var bytes: [UInt8]

    package init(slot: Slot, epoch: Int64, device: DeviceID, chunk: ArchivedChunk, bytes: [UInt8]) {
        self.slot = slot
        self.epoch = epoch
        self.device = device
        self.chunk = chunk
        self.bytes = bytes
    }
}

/// Log rows of a device made into chunks, to be written under the fence in one transaction.
package struct Seal: Sendable {
    package struct Chunk: Sendable, Hashable {
        package var first: Timestamp
        package var last: Timestamp
        package var count: Int
        package var bytes: [UInt8]

        package init(first: Timestamp, last: Timestamp, count: Int, bytes: [UInt8]) {
            self.first = first
            self.last = last
            self.count = count
            self.bytes = bytes
        }
    }

    package var slot: Slot
    package var epoch: Int64
    package var device: DeviceID
    /// The first timestamps of the chunks that go.
    package var replaced: [Timestamp]
    package var chunks: [Chunk]
    /// Log rows of the device up to here are covered and go.
    package var upTo: Int64

    package init(
        slot: Slot, epoch: Int64, device: DeviceID, replaced: [Timestamp], chunks: [Chunk], upTo: Int64
    ) {
        self.slot = slot
        self.epoch = epoch
        self.device = device
        self.replaced = replaced
        self.chunks = chunks
        self.upTo = upTo
    }
}
