import SQLiteClient

/// A deletion of rows of a table, with what is to be taken out of what counts them.
///
/// They are summed before: `RETURNING` collects in a table of its own, which costs ten times as much as one row.
struct Deletion {
    /// The number of rows, the sum of their checksums, and of a third column.
    private let sums: String
    private let deletion: String

    private init(_ table: String, where condition: String, alsoSumming column: String = "crc") {
        sums = "SELECT COUNT(*), SUM(crc), SUM(\(column)) FROM \(table) WHERE \(condition)"
        deletion = "DELETE FROM \(table) WHERE \(condition)"
    }

    static let epochs = Deletion("meta", where: "key LIKE 'epoch-%'")
    static let chunk = Deletion("chunks", where: "device = ? AND first = ?")
    static let chunksBefore = Deletion("chunks", where: "device = ?1 AND first < ?2 AND last < ?2")
    static let batch = Deletion("tail", where: "device = ? AND position = ?", alsoSumming: "count")
    static let batchesUpTo = Deletion("tail", where: "device = ? AND position <= ?", alsoSumming: "count")
    static let batchesBefore = Deletion("tail", where: "device = ? AND last < ?", alsoSumming: "count")
    static let interval = Deletion("held", where: "device = ? AND calculator = ? AND first_on = ?")
    static let intervals = Deletion("held", where: "device = ? AND calculator = ?")
    static let states = Deletion(
        "states", where: "device = ? AND calculator = ? AND moment >= ? AND moment < ?")

    /// Deletes with numbers bound to the positions from 1 on; returns the sum of the third column.
    @discardableResult
    func run(_ connection: Connection, _ values: Int64..., from total: inout RowTotal) throws(SQLiteError) -> Int64 {
        let found = try connection.statement(sums)
        for (index, value) in values.enumerated() { try found.bind(Int32(index + 1), value) }
        defer { found.reset() }
        guard try found.step(), found.int64(0) > 0 else { return 0 }
        total.count -= found.int64(0)
        total.sum &-= found.int64(1)
        let third = found.int64(2)
        found.reset()
        let statement = try connection.statement(deletion)
        for (index, value) in values.enumerated() { try statement.bind(Int32(index + 1), value) }
        try statement.run()
        return third
    }
}
