import PrimaryStore
import Telemetry

/// Makes rows of messages; it throws `corrupt` for what cannot be decoded.
package struct MessageExtraction: Sendable {
    package var entry: @Sendable (LogEntry) throws(StoreError) -> [MessageRow]
    package var chunk: @Sendable (DeviceChunk) throws(StoreError) -> [MessageRow]

    package init(
        entry: @escaping @Sendable (LogEntry) throws(StoreError) -> [MessageRow],
        chunk: @escaping @Sendable (DeviceChunk) throws(StoreError) -> [MessageRow]
    ) {
        self.entry = entry
        self.chunk = chunk
    }

    /// The rows that reports need.
    package init(_ reader: MessageRowReader) {
        self.init(
            entry: { (entry) throws(StoreError) in try reader.rows(of: entry) },
            chunk: { (part) throws(StoreError) in try reader.rows(of: part.chunk, device: part.device) })
    }

    /// The rows of a page; what cannot be decoded is passed over and told.
    func rows(of page: MessagePage, damaged: inout [String]) throws(StoreError) -> [MessageRow] {
        var rows: [MessageRow] = []
        rows.reserveCapacity(page.messageCount)
        for part in page.entries { rows += try sound(&damaged) { () throws(StoreError) in try entry(part) } }
        for part in page.chunks { rows += try sound(&damaged) { () throws(StoreError) in try chunk(part) } }
        return rows
    }

    private func sound(
        _ damaged: inout [String], _ read: () throws(StoreError) -> [MessageRow]
    ) throws(StoreError) -> [MessageRow] {
        do { return try read() } catch .corrupt(let reason) {
            damaged.append(reason)
            return []
        } catch { throw error }
    }
}
