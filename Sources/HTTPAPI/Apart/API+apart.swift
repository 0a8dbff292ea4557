import PrimaryStore
import Telemetry

/// Messages that were acknowledged and kept apart: listed, admitted after all, or let go.
extension API {
    func readApart(_ call: Call) async throws(APIFailure) -> Answer {
        let selection = try apartDevices(call)
        var query = call.queryFields
        let count = query.integer("count", 1...Int64(limits.apartMax)).map(Int.init) ?? limits.apartDefault
        let after = query.integer("after", 0...Int64(1 << 53)) ?? 0
        let reason = try ApartRequest.reason(&query)
        let ids = selection.items.map(\.id)
        let bytesMax = limits.answerBytesMax
        let reading = try await stored { store throws(StoreError) in
            var reading = ApartReading(countMax: count, bytesMax: bytesMax)
            for id in ids { try reading.read(id, reason, after: after, from: store) }
            return reading
        }
        guard !ids.isEmpty || selection.errors.isEmpty else { return Answer(result: [], errors: selection.errors) }
        return reading.answer(errors: selection.errors)
    }

    func admitApart(_ call: Call) async throws(APIFailure) -> Answer {
        let request = try ApartRequest(call, limits: limits)
        let timestamp = try apartTimestamp(call)
        guard timestamp == nil || request.ids?.count == 1 else {
            throw APIFailure(
                .badRequest, "a timestamp is for one message", hint: "name a single id in the path", path: "timestamp")
        }
        let selection = try apartDevices(call)
        // Read anew: what is admitted before the horizon would be acknowledged and lost.
        for device in selection.items { horizons.forget(device.id) }
        let borders = try await horizons(of: selection.items)
        var outcome = ApartOutcome(verb: "admitted", errors: selection.errors)
        for device in selection.items {
            let first = ApartAdmission(
                device: device.id, horizon: borders[device.id] ?? .distantPast, timestamp: timestamp, store: store)
            var after: Int64 = 0
            while true {
                let (start, countMax) = (after, limits.apartBatchMax)
                let (admission, last) = try await stored { store throws(StoreError) in
                    var admission = first
                    let page = try request.messages(of: device.id, after: start, countMax: countMax, from: store)
                    try admission.admit(page)
                    return (admission, page.last?.id)
                }
                if let moment = admission.lastAcceptance { activity.note(device.id, moment) }
                metrics.messages(accepted: admission.admitted.count)
                outcome.add(device.id, done: admission.admitted, errors: admission.errors)
                guard let last else { break }
                after = last
            }
        }
        return try outcome.answer(request, selection.items)
    }

    func deleteApart(_ call: Call) async throws(APIFailure) -> Answer {
        let request = try ApartRequest(call, limits: limits)
        let selection = try apartDevices(call)
        var outcome = ApartOutcome(verb: "deleted", errors: selection.errors)
        let countMax = limits.apartBatchMax
        for device in selection.items {
            while true {
                let ids = try await stored { store throws(StoreError) in
                    // What was found is gone afterwards, so each page begins at the beginning.
                    let page = try request.messages(of: device.id, after: 0, countMax: countMax, from: store)
                    let ids = page.map(\.id)
                    if !ids.isEmpty { _ = try store.takeApart(device: device.id, ids: ids, append: nil) }
                    return ids
                }
                outcome.add(device.id, done: ids, errors: [])
                if ids.count < countMax { break }
            }
        }
        return try outcome.answer(request, selection.items)
    }

    private func apartDevices(_ call: Call) throws(APIFailure) -> Selection<DeviceEntity> {
        let selection = try devices(call.segment("selector"))
        guard selection.items.count <= limits.apartDevicesMax else {
            throw APIFailure(
                .tooLarge, "at most \(limits.apartDevicesMax) devices at once, not \(selection.items.count)",
                hint: "select fewer devices")
        }
        return selection
    }

    /// The timestamp that a body gives.
    private func apartTimestamp(_ call: Call) throws(APIFailure) -> Timestamp? {
        guard !call.body.isEmpty else { return nil }
        var fields = InputFields(try call.json())
        let timestamp = fields.moment("timestamp")
        fields.refuseUnknown("the admission of a message")
        try fields.check()
        return timestamp
    }
}

/// Reads messages kept apart of one device after the other until there are enough.
private struct ApartReading: Sendable {
    let countMax: Int
    let bytesMax: Int
    private var items: [JSONValue] = []
    private var counts: [JSONValue] = []
    private var byteCount = 0
    private var isTruncated = false

    /// Messages that are read at once, so that long texts do not fill the memory.
    private static let pageMax = 100

    init(countMax: Int, bytesMax: Int) {
        self.countMax = countMax
        self.bytesMax = bytesMax
    }

    mutating func read(
        _ device: DeviceID, _ reason: ApartReason?, after id: Int64, from store: any PrimaryStore
    ) throws(StoreError) {
        counts += try store.apartCounts(device: device).map { $0.json(of: device) }
        var after = id
        while items.count < countMax, !isTruncated {
            let wanted = min(Self.pageMax, countMax - items.count)
            let page = try store.apartMessages(device: device, reason: reason, after: after, countMax: wanted)
            for message in page {
                byteCount += message.json.utf8.count + 128
                if byteCount > bytesMax {
                    isTruncated = true
                    return
                }
                items.append(message.jsonValue)
            }
            guard page.count == wanted, let last = page.last else { return }
            after = last.id
        }
    }

    func answer(errors: [ErrorItem]) -> Answer {
        var writer = JSONWriter(capacity: byteCount + 256)
        writer.write(literal: "{\"result\":")
        JSONValue.array(items).write(to: &writer)
        writer.write(key: "counts")
        JSONValue.array(counts).write(to: &writer)
        if !errors.isEmpty {
            writer.write(key: "errors")
            writer.write(errors)
        }
        if isTruncated { writer.write(literal: ",\"truncated\":true") }
        writer.write(literal: "}")
        return Answer(json: writer)
    }
}

/// What became of messages kept apart, device by device.
private struct ApartOutcome {
    let verb: String
    private var done: [(device: DeviceID, ids: [Int64])] = []
    private var errors: [ErrorItem]
    private var omittedCount = 0
    /// What was found of the ids that were asked for.
    private var seen: Set<Int64> = []

    /// Messages that are not admitted are told one by one up to here.
    private static let errorsMax = 100

    init(verb: String, errors: [ErrorItem]) {
        self.verb = verb
        self.errors = errors
    }

    mutating func add(_ device: DeviceID, done ids: [Int64], errors items: [ErrorItem]) {
        if !ids.isEmpty {
            if done.last?.device == device {
                done[done.count - 1].ids += ids
            } else {
                done.append((device, ids))
            }
        }
        seen.formUnion(ids)
        seen.formUnion(items.compactMap(\.id))
        let room = max(0, Self.errorsMax - errors.count)
        errors += items.prefix(room)
        omittedCount += max(0, items.count - room)
    }

    /// The answer; ids that no device has are errors.
    func answer(_ request: ApartRequest, _ devices: [DeviceEntity]) throws(APIFailure) -> Answer {
        var errors = errors
        if !devices.isEmpty {
            errors += (request.ids ?? []).filter { !seen.contains($0) }.map { id in
                ErrorItem(
                    .notFound, "no message \(id) is kept apart here",
                    hint: "GET …/messages/apart lists those there are", id: id)
            }
        }
        if omittedCount > 0 { errors.append(ErrorItem(.badRequest, "\(omittedCount) messages more are not listed")) }
        return Answer(
            result: done.map { device, ids in
                .object([
                    .init("device_id", JSONValue(device.rawValue)), .init(verb, JSONValue(ids.count)),
                    .init("ids", .array(ids.map { JSONValue($0) })),
                ])
            }, errors: errors)
    }
}
