import PrimaryStore
import Telemetry

/// Which of the messages kept apart of a device are meant: all of a reason, or some by id.
struct ApartRequest: Sendable {
    /// Nil: all.
    let ids: [Int64]?
    let reason: ApartReason?

    init(_ call: Call, limits: APILimits) throws(APIFailure) {
        var query = call.queryFields
        reason = try Self.reason(&query)
        let text = call.segment("ids")
        guard text != "all" else {
            ids = nil
            return
        }
        let words = text.commaList
        let numbers = words.compactMap { Int64($0) }
        guard !numbers.isEmpty, numbers.count == words.count else {
            throw APIFailure(
                .badRequest, "\"\(text.prefix(60))\" names no messages kept apart",
                hint: "all, an id, or ids with commas")
        }
        guard numbers.count <= limits.itemsMax else {
            throw APIFailure(.tooLarge, "the path names more than \(limits.itemsMax) messages")
        }
        guard reason == nil else {
            throw APIFailure(.badRequest, "reason goes with all, not with ids", path: "reason")
        }
        ids = numbers.sorted()
    }

    /// The reason that a query names.
    static func reason(_ query: inout InputFields) throws(APIFailure) -> ApartReason? {
        let text = query.string("reason")
        let known = ApartReason.allCases.map(\.rawValue)
        if let text, ApartReason(rawValue: text) == nil {
            query.fail("reason", "must be one of \(known.joined(separator: ", ")), not \"\(text.prefix(40))\"")
        }
        try query.check()
        return text.flatMap(ApartReason.init(rawValue:))
    }

    /// The messages of a device, after an id, that are meant; at most so many of them.
    func messages(
        of device: DeviceID, after id: Int64, countMax: Int, from store: any PrimaryStore
    ) throws(StoreError) -> [ApartMessage] {
        guard let ids else {
            return try store.apartMessages(device: device, reason: reason, after: id, countMax: countMax)
        }
        var found: [ApartMessage] = []
        for wanted in ids where wanted > id && found.count < countMax {
            let next = try store.apartMessages(device: device, reason: nil, after: wanted - 1, countMax: 1)
            if let message = next.first, message.id == wanted { found.append(message) }
        }
        return found
    }
}

extension ApartMessage {
    var jsonValue: JSONValue {
        .object([
            .init("id", JSONValue(id)), .init("device_id", JSONValue(device.rawValue)),
            .init("reason", .string(reason.rawValue)), .init("timestamp", JSONValue(timestamp)),
            .init("server.timestamp", .number(accepted.seconds)),
            .init("message", (try? JSONValue(parsing: json)) ?? .string(json)),
        ])
    }
}

extension ApartCount {
    func json(of device: DeviceID) -> JSONValue {
        .object([
            .init("device_id", JSONValue(device.rawValue)), .init("reason", .string(reason.rawValue)),
            .init("count", JSONValue(count)), .init("dropped", JSONValue(droppedCount)),
        ])
    }
}
