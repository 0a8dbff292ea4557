import MessageChunks
import SQLiteClient
import Telemetry

/// Looks for the chunks of one device that are not what was written, and goes on past each.
struct DamageScan {
    private let connection: Connection
    private let device: DeviceID
    private(set) var damaged: [DamagedChunk] = []
    /// Those of which nothing is left, by their first moments.
    private var missing: Set<Timestamp> = []

    /// Throws only where the file cannot even tell which chunks there are.
    init(_ connection: Connection, _ device: DeviceID) throws {
        self.connection = connection
        self.device = device
        var places: [(rowID: Int64, first: Int64)] = []
        try connection.statement(
            "SELECT rowid, first FROM chunks WHERE device = ? ORDER BY first", device.rawValue
        ).forEachRow { places.append(($0.int64(0), $0.int64(1))) }
        for place in places { try look(place.rowID, place.first) }
        // A row that is damaged may belong to another month than it says.
        if damaged.isEmpty { try lookForMissing() }
    }

    /// Whether a chunk is among those found; nil if not, for it may have been mended since it was seen.
    func isMissing(_ chunk: DamagedChunk) -> Bool? {
        let isFound = damaged.contains {
            $0.first == chunk.first && $0.last == chunk.last && $0.count == chunk.count && $0.upTo == chunk.upTo
        }
        return isFound && chunk.since == nil ? missing.contains(chunk.first) : nil
    }

    private mutating func look(_ rowID: Int64, _ first: Int64) throws {
        var found = DamagedChunk(
            device: device, first: Timestamp(microseconds: first), last: Timestamp(microseconds: first), count: 0,
            upTo: 0, reason: "")
        do {
            let keys = try connection.statement("SELECT last, count, upto FROM chunks WHERE rowid = ?", rowID)
            try keys.forEachRow { row in
                found.last = max(found.first, Timestamp(microseconds: row.int64(0)))
                found.count = Int(clamping: row.int64(1))
                found.upTo = row.int64(2)
            }
            guard let reason = try reason(rowID) else { return }
            found.reason = reason
        } catch let error as SQLiteError where error.isCorrupt {
            found.reason = "\(StoreError(wrapping: error))"
        }
        damaged.append(found)
    }

    /// What is wrong with a chunk; nil if nothing is.
    private func reason(_ rowID: Int64) throws -> String? {
        let statement = try connection.statement(
            "SELECT \(ArchivedChunk.columns) FROM chunks WHERE rowid = ?", rowID)
        return try statement.first { row -> String? in
            do {
                let chunk = try ArchivedChunk(row, device)
                _ = try MessageChunk(chunk.bytes).batch()
                return nil
            } catch let error as StoreError {
                return "\(error)"
            } catch let error as ChunkError {
                return "\(error)"
            }
        } ?? "the index names a row that is not there"
    }

    /// Chunks that vanished: nothing is left of them but what is noted of their month.
    private mutating func lookForMissing() throws {
        let noted = try ChunkMonths.noted(connection, device)
        let present = try ChunkMonths.present(connection, device)
        for month in Set(noted.keys).union(present.keys).sorted() {
            let difference = (present[month] ?? RunningTotal()).difference(
                from: noted[month] ?? RunningTotal(), "chunks of \(ChunkMonths.name(of: month))")
            guard let difference else { continue }
            missing.insert(ChunkMonths.begin(of: month))
            damaged.append(
                DamagedChunk(
                    device: device, first: ChunkMonths.begin(of: month),
                    last: Timestamp(microseconds: ChunkMonths.begin(of: month + 1).microseconds - 1), count: 0, upTo: 0,
                    reason: difference))
        }
    }
}
