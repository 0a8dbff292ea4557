import MessageChunks
import SQLiteClient
import Telemetry

/// A row of the chunks or of the tail without its messages.
struct MessageRow {
    var table: CacheTable
    var device: DeviceID
    /// The first message of a chunk, the log position of a batch of the tail.
    var key: Int64
    var first: Int64
    var last: Int64
    var count: Int64
    /// Stands for the messages: the checksum at their end.
    var body: Int64

    var checksum: Int64 {
        RowChecksum.messages(table, device, key: key, first: first, last: last, count: count, body: body)
    }

    /// The checksum that encoded messages end with.
    static func body(of bytes: [UInt8]) -> Int64 { bytes.withUnsafeBytes(body) }

    static func body(of bytes: UnsafeRawBufferPointer) -> Int64 {
        guard bytes.count >= 4 else { return 0 }
        return Int64(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: bytes.count - 4, as: UInt32.self)))
    }
}

extension MessageRow {
    /// Reads key, first, last, count, body and checksum, and compares the last with the others.
    init(_ row: Statement, _ table: CacheTable, _ device: DeviceID) throws(CacheError) {
        self.init(
            table: table, device: device, key: row.int64(0), first: row.int64(1), last: row.int64(2),
            count: row.int64(3), body: row.int64(4))
        guard checksum == row.int64(5) else {
            throw .corrupt("row of \(table) of device \(device) at \(key)")
        }
    }

    /// The messages in a column, which must be those that the row was written with.
    func chunk(_ row: Statement, _ column: Int32) throws -> MessageChunk {
        try messages(row, column) { try MessageChunk($0) }
    }

    /// The same of a row that may hold several batches.
    func chunks(_ row: Statement, _ column: Int32) throws -> [MessageChunk] {
        try messages(row, column) { try ChunkRun.chunks($0) }
    }

    private func messages<Messages>(
        _ row: Statement, _ column: Int32, _ read: (UnsafeRawBufferPointer) throws -> Messages
    ) throws -> Messages {
        try row.withBlob(column) { bytes in
            guard Self.body(of: bytes) == body else {
                throw CacheError.corrupt("messages of \(table) of device \(device) at \(key)")
            }
            return try read(bytes)
        }
    }
}
