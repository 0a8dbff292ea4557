import Ingest
import PrimaryStore
import Telemetry

extension API {
    /// Stores messages; answered only once they are durable.
    func storeMessages(_ call: Call) async throws(APIFailure) -> Answer {
        var query = call.queryFields
        let isHistory = query.boolean("history") ?? false
        try query.check()
        var devices = DeliveryDevices(
            try ItemSelector(call.segment("selector"), of: .device, limits: limits), of: catalog.present)
        guard !devices.isEmpty else {
            throw APIFailure(
                devices.errors.isEmpty
                    ? [
                        ErrorItem(
                            .notFound, "the selector matches no device", hint: "create it with POST /gw/devices")
                    ] : devices.errors)
        }
        try checkLog()
        let moment = now()
        let decoded = try await decoded(call.body, isHistory ? .history : .now(moment))
        devices.narrow(to: decoded)
        var delivery = MessageDelivery(devices: devices, now: moment, limits: limits, table: store.parameters)
        delivery.add(decoded, horizons: try await horizons(of: delivery.devices(in: decoded)))
        try await store(delivery)
        return acknowledgement(of: delivery)
    }

    /// Counts what was stored and tells it.
    func acknowledgement(of delivery: MessageDelivery) -> Answer {
        for append in delivery.appends {
            activity.note(append.device, append.batch.acceptances.max().map(Timestamp.init(microseconds:)))
        }
        metrics.messages(
            accepted: delivery.acceptedCount, refused: delivery.refusedCount, apart: delivery.apart.count)
        return Answer(result: delivery.result, errors: delivery.errors)
    }

    /// How many batches wait to be calculated, where that is too many for more to be taken; else nil.
    var excessiveLogRows: Int64? {
        let waiting = calculation.logRowsWaiting
        return waiting > limits.logRowsWaitingMax ? waiting : nil
    }

    /// Refuses messages while too many wait to be calculated, so that neither the log nor the lag grows without end.
    private func checkLog() throws(APIFailure) {
        guard let waiting = excessiveLogRows else { return }
        bodies.noteRefusalForLog()
        throw .overloaded(
            "\(waiting) batches of messages wait to be calculated, more than \(limits.logRowsWaitingMax)",
            seconds: limits.logRetrySeconds)
    }

    /// Makes everything durable: the log first, for what is sent again is taken once there, but kept apart twice.
    private func store(_ delivery: MessageDelivery) async throws(APIFailure) {
        do throws(StoreError) {
            if !delivery.appends.isEmpty { _ = try await store.append(delivery.appends) }
        } catch { throw APIFailure(error) }
        let apart = delivery.apart
        guard !apart.isEmpty else { return }
        try await stored { store throws(StoreError) in try store.keepApart(apart) }
    }

    /// A larger body is decoded where it holds nobody up.
    private func decoded(_ body: [UInt8], _ acceptance: Acceptance) async throws(APIFailure) -> DecodedMessages {
        guard !body.isEmpty else {
            throw APIFailure(.badRequest, "the body is empty; an array of messages is expected")
        }
        let decoder = decoder
        let decode = { @Sendable () throws(APIFailure) in
            do throws(JSONError) {
                return try decoder.decode(body, acceptance: acceptance)
            } catch { throw APIFailure(error, in: "the body") }
        }
        return body.count > 65_536 ? try await pool.run(decode) : try decode()
    }
}
