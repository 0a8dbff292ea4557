import Telemetry

/// What the cache keeps of itself in memory: the log position and how many rows its smaller tables have.
struct CacheTotals: Hashable {
    var position: Int64 = 0
    var metas = RowTotal()
    var devices = RowTotal()
    var assignments = RowTotal()
}

/// A device's row, kept in memory, so that its totals are written once a transaction, with the row itself.
struct DeviceEntry {
    /// nil where the device has messages here and was not yet said to be in the cache.
    var sealed: Int64?
    var latest: Timestamp?
    var chunks = RowTotal()
    var tail = RowTotal()
    var tailMessageCount: Int64 = 0
    /// No chunk ends later; nil where nobody has looked since the file was opened.
    var chunksEnd: Int64?
    /// Where the messages of the tail lie; nil where nobody has looked since the file was opened.
    var tailSpan: TailSpan?
    /// The checksum of the row in the file; nil if it has none.
    var written: Int64?
    var assignments = AssignmentEntries()
    /// Whether its rows have been compared with its totals since the file was opened.
    var isAudited = false
    /// Whether it differs from its row in the file.
    var isChanged = false
    /// Whether it, or one of its assignments, is among those that the open transaction has touched.
    var isTouched = false

    /// Whether there is nothing that would need a row.
    var isBlank: Bool { sealed == nil && latest == nil && chunks.isEmpty && tail.isEmpty && tailMessageCount == 0 }
}

/// An assignment's row, kept in memory for the same reason.
struct AssignmentEntry {
    /// nil where something of the assignment is here and it was not yet said to be in the cache.
    var cached: CachedAssignment?
    /// What is pending, encoded.
    var pending: [UInt8] = []
    var held = RowTotal()
    var states = RowTotal()
    var written: Int64?
    var isChanged = false

    var isBlank: Bool { cached == nil && pending.isEmpty && held.isEmpty && states.isEmpty }
}
