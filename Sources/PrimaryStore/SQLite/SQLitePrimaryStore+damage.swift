import SQLiteClient
import Telemetry

extension SQLitePrimaryStore {
    package func damagedChunks(device: DeviceID?) throws(StoreError) -> [DamagedChunk] {
        try read { connection in
            try connection.transaction(isWriting: false) {
                try Totals.check(connection, "damaged_chunks")
                var damaged: [DamagedChunk] = []
                try CheckedTable.damagedChunks.forEach(
                    connection, "WHERE ?1 IS NULL OR device = ?1 ORDER BY id", device?.rawValue
                ) { damaged.append(DamagedChunk($0)) }
                guard let device else { return damaged }
                return damaged + (try DamageScan(connection, device)).damaged
            }
        }
    }

    package func setApart(
        _ chunk: DamagedChunk, slot: Slot, epoch: Int64, at moment: Timestamp
    ) throws(StoreError) {
        let fence = Fence(slot, epoch: epoch, device: chunk.device)
        try write { writer in
            try writer.check(fence)
            let bytes = try writer.removeDamaged(chunk)
            let id = (try writer.connection.integer("SELECT MAX(id) FROM damaged_chunks") ?? 0) + 1
            try CheckedTable.damagedChunks.put(
                writer.connection,
                [
                    .integer(id), .integer(chunk.device.rawValue), .integer(chunk.first.microseconds),
                    .integer(chunk.last.microseconds), .integer(Int64(chunk.count)), .integer(chunk.upTo),
                    .text(chunk.reason), .integer(moment.microseconds), .blob(bytes),
                ])
        }
    }

    package func repair(
        _ damaged: DamagedChunk, with copy: Seal.Chunk, slot: Slot, epoch: Int64
    ) throws(StoreError) {
        let fence = Fence(slot, epoch: epoch, device: damaged.device)
        try write { writer in
            try writer.check(fence)
            let device = damaged.device
            if damaged.since == nil {
                _ = try writer.removeDamaged(damaged)
            } else {
                try writer.takeFromApart(damaged)
            }
            // What it says of the log may be damaged too; the mark of the device is never too little.
            let mark = try CheckedTable.archiveMarks.find(writer.connection, device.rawValue)?[1].integer ?? 0
            let chunk = ArchivedChunk(
                first: copy.first, last: copy.last, count: copy.count,
                upTo: (1...max(1, mark)).contains(damaged.upTo) ? damaged.upTo : mark, bytes: copy.bytes)
            try writer.checkRoom(device, chunk)
            try writer.insert(device, chunk)
        }
    }
}

extension Writer {
    /// Takes a damaged chunk away from the others, and returns its bytes, as far as they can be read. Of chunks that
    /// are missing it notes that they are known to be.
    fileprivate func removeDamaged(_ chunk: DamagedChunk) throws -> [UInt8] {
        let device = chunk.device
        guard let isMissing = try DamageScan(connection, device).isMissing(chunk) else {
            throw StoreError.notFound("a damaged chunk at \(chunk.first.microseconds) of device \(device)")
        }
        let month = ChunkMonths.month(of: chunk.first)
        let noted = try ChunkMonths.noted(connection, device)[month] ?? RunningTotal()
        let present = try ChunkMonths.present(connection, device)[month] ?? RunningTotal()
        let bytes = isMissing ? [] : try takeDamaged(device, chunk.first)
        if isMissing || noted.count == present.count {
            let left = try ChunkMonths.present(connection, device)[month] ?? RunningTotal()
            try ChunkMonths.set(connection, device, month, left)
        }
        return bytes
    }

    private func takeDamaged(_ device: DeviceID, _ first: Timestamp) throws -> [UInt8] {
        var bytes: [UInt8] = []
        do {
            let statement = try connection.statement(
                "SELECT bytes FROM chunks WHERE device = ? AND first = ?", device.rawValue, first.microseconds)
            bytes = try statement.first { $0.bytes(0) } ?? []
        } catch let error as SQLiteError where error.isCorrupt { bytes = [] }
        _ = try takeChunk(device, first)
        return bytes
    }

    fileprivate func takeFromApart(_ chunk: DamagedChunk) throws {
        try connection.run(
            "DELETE FROM damaged_chunks WHERE device = ? AND first = ? AND since = ?", chunk.device.rawValue,
            chunk.first.microseconds, chunk.since?.microseconds)
        guard connection.changeCount == 1 else {
            throw StoreError.notFound("a chunk set apart at \(chunk.first.microseconds) of device \(chunk.device)")
        }
    }
}

extension DamagedChunk {
    fileprivate init(_ row: [Cell]) {
        func number(_ column: Int) -> Int64 { row[column].integer ?? 0 }
        self.init(
            device: DeviceID(number(1)), first: Timestamp(microseconds: number(2)),
            last: Timestamp(microseconds: number(3)), count: Int(number(4)), upTo: number(5),
            reason: row[6].text ?? "", since: Timestamp(microseconds: number(7)))
    }
}
