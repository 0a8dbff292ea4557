import Ingest
import PrimaryStore
import Telemetry

extension API {
    /// Stores messages; answered only once they are durable.
    func storeMessages(_ call: Call) async throws(APIFailure) -> Answer {
        var query = call.queryFields
        let isHistory = query.boolean("history") ?? false
        try query.check()
        let selection = try devices(call.segment("selector"))
        guard !selection.items.isEmpty else {
            throw APIFailure(
                selection.errors.isEmpty
                    ? [
                        ErrorItem(
                            .notFound, "the selector matches no device", hint: "create it with POST /gw/devices")
                    ] : selection.errors)
        }
        let moment = now()
        let decoded = try await decoded(call.body, isHistory ? .history : .now(moment))
        var delivery = MessageDelivery(selection: selection, now: moment, limits: limits)
        delivery.add(decoded)
        if !delivery.appends.isEmpty { try await append(delivery) }
        for append in delivery.appends {
            activity.note(append.device, append.batch.acceptances.max().map(Timestamp.init(microseconds:)))
        }
        metrics.messages(accepted: delivery.acceptedCount, refused: delivery.refusedCount)
        return Answer(result: delivery.result, errors: delivery.errors)
    }

    private func append(_ delivery: MessageDelivery) async throws(APIFailure) {
        do throws(StoreError) {
            _ = try await store.append(delivery.appends)
        } catch { throw APIFailure(error) }
    }

    /// A larger body is decoded where it holds nobody up.
    private func decoded(_ body: [UInt8], _ acceptance: Acceptance) async throws(APIFailure) -> DecodedMessages {
        guard !body.isEmpty else {
            throw APIFailure(.badRequest, "the body is empty; an array of messages is expected")
        }
        let decoder = MessageDecoder(table: store.parameters)
        let decode = { @Sendable () throws(APIFailure) in
            do throws(JSONError) {
                return try decoder.decode(body, acceptance: acceptance)
            } catch { throw APIFailure(error, in: "the body") }
        }
        return body.count > 65_536 ? try await pool.run(decode) : try decode()
    }
}

/// Sorts decoded messages to their devices, and says what cannot be stored.
struct MessageDelivery {
    let now: Timestamp
    let limits: APILimits
    private let only: DeviceEntity?
    private let byIdent: [String: DeviceEntity]
    private(set) var appends: [LogAppend] = []
    private(set) var errors: [ErrorItem]
    private(set) var refusedCount = 0
    private var accepted: [(device: DeviceID, count: Int)] = []

    init(selection: Selection<DeviceEntity>, now: Timestamp, limits: APILimits) {
        self.now = now
        self.limits = limits
        only = selection.items.count == 1 ? selection.items.first : nil
        byIdent = Dictionary(selection.items.map { ($0.ident, $0) }) { first, _ in first }
        errors = selection.errors
    }

    var acceptedCount: Int { accepted.reduce(0) { $0 + $1.count } }

    /// One item for each device that got messages.
    var result: [JSONValue] {
        accepted.map { device, count in
            .object([.init("accepted", JSONValue(count)), .init("device_id", JSONValue(device.rawValue))])
        }
    }

    mutating func add(_ decoded: DecodedMessages) {
        refusedCount += decoded.refused
        for problem in decoded.problems {
            var item = ErrorItem(.badRequest, problem.description)
            item.index = problem.index
            item.parameter = problem.parameter
            if !problem.refusesMessage { item.hint = "the message was stored without it" }
            errors.append(item)
        }
        if decoded.problemsOmitted > 0 {
            errors.append(ErrorItem(.badRequest, "\(decoded.problemsOmitted) problems more are not listed"))
        }
        for group in decoded.byIdent { add(group) }
        for group in decoded.future { refuseFuture(group.messages.count, group.ident) }
    }

    private mutating func add(_ group: IdentMessages) {
        guard let device = device(group.ident) else { return refuseIdent(group) }
        // Imported history is accepted at its own time, so that alone would not show that it lies ahead.
        let border = now.advanced(bySeconds: limits.futureSecondsMax).microseconds
        let rows = group.messages.timestamps.indices.filter { group.messages.timestamps[$0] <= border }
        let batch = rows.count == group.messages.count ? group.messages : group.messages.gather(rows)
        if rows.count < group.messages.count { refuseFuture(group.messages.count - rows.count, group.ident) }
        guard !batch.isEmpty else { return }
        appends.append(LogAppend(device: device.id, batch: batch))
        if let place = accepted.firstIndex(where: { $0.device == device.id }) {
            accepted[place].count += batch.count
        } else {
            accepted.append((device.id, batch.count))
        }
    }

    private func device(_ ident: String?) -> DeviceEntity? {
        guard let ident else { return only }
        return byIdent[ident]
    }

    private mutating func refuseIdent(_ group: IdentMessages) {
        let count = group.messages.count
        refusedCount += count
        var item: ErrorItem
        if let ident = group.ident {
            item = ErrorItem(
                .notFound, "no selected device has the ident \"\(ident)\"; \(count) messages were not stored",
                hint: only.map { "device \($0.id) has the ident \"\($0.ident)\"" })
        } else {
            item = ErrorItem(
                .badRequest, "the selector matches several devices; \(count) messages name none and were not stored",
                hint: "give each message its ident")
        }
        item.ident = group.ident
        item.count = count
        errors.append(item)
    }

    private mutating func refuseFuture(_ count: Int, _ ident: String?) {
        refusedCount += count
        var item = ErrorItem(
            .badRequest,
            "\(count) messages lie more than \(Int(limits.futureSecondsMax)) s ahead of the server's clock "
                + "and were not stored",
            hint: "this version keeps no future messages; check the device's clock", path: nil)
        item.parameter = "timestamp"
        item.ident = ident
        item.count = count
        errors.append(item)
    }
}
