import SQLiteClient
import Telemetry

extension SQLitePrimaryStore {
    package func warmChunks(
        endingBefore moment: Timestamp, after place: ChunkPlace?, countMax: Int
    ) throws(StoreError) -> [ChunkPlace] {
        try read { connection in
            let statement = try connection.statement(
                """
                SELECT device, first, last FROM chunks INDEXED BY chunks_warm
                WHERE is_cold = 0 AND last < ?1 AND (last, device, first) > (?2, ?3, ?4)
                ORDER BY last, device, first LIMIT ?5
                """, moment.microseconds, place?.last.microseconds ?? Int64.min, place?.device.rawValue ?? Int64.min,
                place?.first.microseconds ?? Int64.min, countMax)
            var places: [ChunkPlace] = []
            try statement.forEachRow { row in
                places.append(
                    ChunkPlace(
                        device: DeviceID(row.int64(0)), first: Timestamp(microseconds: row.int64(1)),
                        last: Timestamp(microseconds: row.int64(2))))
            }
            return places
        }
    }

    package func cool(_ coolings: [Cooling]) -> [Result<Void, StoreError>] {
        guard !coolings.isEmpty else { return [] }
        return writeEach(
            coolings.map { cooling in
                let fence = Fence(cooling.slot, epoch: cooling.epoch, device: cooling.device)
                return { writer in try writer.apply(cooling, fence) }
            })
    }
}

extension Writer {
    fileprivate func apply(_ cooling: Cooling, _ fence: Fence) throws {
        try check(fence)
        let (device, first) = (cooling.device, cooling.chunk.first)
        let present = try connection.integer(
            "SELECT crc FROM chunks WHERE device = ? AND first = ?", device.rawValue, first.microseconds)
        guard present == cooling.chunk.checksum(of: device), let present else {
            throw StoreError.invalid("the chunk at \(first.microseconds) of device \(device) is another by now")
        }
        var cold = cooling.chunk
        cold.bytes = cooling.bytes
        cold.isCold = true
        let checksum = cold.checksum(of: device)
        try connection.run(
            "UPDATE chunks SET crc = ?, bytes = ?, is_cold = 1 WHERE device = ? AND first = ?", checksum, cold.bytes,
            device.rawValue, first.microseconds)
        try ChunkMonths.change(connection, device, ChunkMonths.month(of: first)) { total in
            total.remove(present)
            total.add(checksum)
        }
    }
}
