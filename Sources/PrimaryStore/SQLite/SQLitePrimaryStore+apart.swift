import SQLiteClient
import Telemetry

extension SQLitePrimaryStore {
    package func keepApart(_ messages: [ApartMessage]) throws(StoreError) {
        guard !messages.isEmpty else { return }
        try write { writer in
            for (device, messages) in Dictionary(grouping: messages, by: \.device) {
                try writer.keepApart(messages, of: device)
            }
        }
    }

    package func apartMessages(
        device: DeviceID, reason: ApartReason?, after id: Int64, countMax: Int
    ) throws(StoreError) -> [ApartMessage] {
        try read { connection in
            var messages: [ApartMessage] = []
            try CheckedTable.apartMessages.forEach(
                connection, "WHERE device = ? AND id > ? AND (?3 IS NULL OR reason = ?3) ORDER BY id LIMIT ?4",
                device.rawValue, id, reason?.rawValue, countMax
            ) { messages.append(try ApartMessage($0)) }
            return messages
        }
    }

    package func apartCounts(device: DeviceID) throws(StoreError) -> [ApartCount] {
        try read { connection in
            var counts: [ApartCount] = []
            try CheckedTable.apartCounts.forEach(connection, "WHERE device = ? ORDER BY reason", device.rawValue) {
                row in
                guard let reason = ApartReason(rawValue: row[1].text ?? "") else {
                    throw StoreError.corrupt(CheckedTable.apartCounts.label(row))
                }
                counts.append(
                    ApartCount(reason: reason, count: row[2].integer ?? 0, droppedCount: row[3].integer ?? 0))
            }
            return counts
        }
    }

    package func takeApart(device: DeviceID, ids: [Int64], append: LogAppend?) throws(StoreError) -> Int64? {
        if let append, append.device != device {
            throw .invalid("messages of device \(device) appended to device \(append.device)")
        }
        let rows = try LogRow.encode(append.map { [$0] } ?? [])
        return try write { writer in
            for id in Set(ids) {
                guard try CheckedTable.apartMessages.find(writer.connection, device.rawValue, id) != nil else {
                    throw StoreError.notFound("message \(id) kept apart of device \(device)")
                }
                try CheckedTable.apartMessages.delete(writer.connection, device.rawValue, id)
            }
            return try writer.append(rows).first
        }
    }
}

extension Writer {
    fileprivate func keepApart(_ messages: [ApartMessage], of device: DeviceID) throws {
        try checkDevice(device)
        var room = ApartMessage.countMax
        room -= Int(
            try connection.integer("SELECT COUNT(*) FROM apart_messages WHERE device = ?", device.rawValue) ?? 0)
        var id = try MetaTable.value(connection, "last_apart") ?? 0
        var counts: [ApartReason: (count: Int64, dropped: Int64)] = [:]
        for message in messages {
            let isKept = room > 0 && message.json.utf8.count <= ApartMessage.byteCountMax
            let before = counts[message.reason] ?? (0, 0)
            counts[message.reason] = (before.count + 1, before.dropped + (isKept ? 0 : 1))
            guard isKept else { continue }
            room -= 1
            id += 1
            try CheckedTable.apartMessages.put(connection, message.cells(id: id))
        }
        try MetaTable.set(connection, "last_apart", id)
        for (reason, added) in counts {
            let row = try CheckedTable.apartCounts.find(connection, device.rawValue, reason.rawValue)
            try CheckedTable.apartCounts.put(
                connection,
                [
                    .integer(device.rawValue), .text(reason.rawValue),
                    .integer((row?[2].integer ?? 0) + added.count), .integer((row?[3].integer ?? 0) + added.dropped),
                ])
        }
    }
}

extension ApartMessage {
    fileprivate func cells(id: Int64) -> [Cell] {
        [
            .integer(device.rawValue), .integer(id), .text(reason.rawValue),
            timestamp.map { .integer($0.microseconds) } ?? .null, .integer(accepted.microseconds), .text(json),
        ]
    }

    fileprivate init(_ row: [Cell]) throws {
        guard let reason = ApartReason(rawValue: row[2].text ?? "") else {
            throw StoreError.corrupt(CheckedTable.apartMessages.label(row))
        }
        self.init(
            id: row[1].integer ?? 0, device: DeviceID(row[0].integer ?? 0), reason: reason,
            timestamp: row[3].integer.map(Timestamp.init(microseconds:)),
            accepted: Timestamp(microseconds: row[4].integer ?? 0), json: row[5].text ?? "")
    }
}
