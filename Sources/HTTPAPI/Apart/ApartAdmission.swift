import Ingest
import PrimaryStore
import Telemetry

/// Takes messages that were kept apart into the history of their device after all.
///
/// Each is stamped with its own time of arrival, so that it counts as on time, and is taken away in the transaction in
/// which the log takes it.
struct ApartAdmission: Sendable {
    let device: DeviceID
    let horizon: Timestamp
    /// The timestamp of the one impossible message that is admitted.
    let timestamp: Timestamp?
    let store: any PrimaryStore
    private(set) var admitted: [Int64] = []
    private(set) var lastAcceptance: Timestamp?
    private(set) var errors: [ErrorItem] = []

    init(device: DeviceID, horizon: Timestamp, timestamp: Timestamp?, store: any PrimaryStore) {
        self.device = device
        self.horizon = horizon
        self.timestamp = timestamp
        self.store = store
    }

    /// Admits messages in one transaction; those that cannot be are listed and stay.
    mutating func admit(_ messages: [ApartMessage]) throws(StoreError) {
        var parts: [MessageBatch] = []
        var ids: [Int64] = []
        for message in messages {
            guard let batch = batch(message) else { continue }
            parts.append(batch)
            ids.append(message.id)
        }
        guard !ids.isEmpty else { return }
        let batch = MessageBatch.joined(parts)
        _ = try store.takeApart(device: device, ids: ids, append: LogAppend(device: device, batch: batch))
        admitted += ids
        let latest = batch.acceptances.max().map(Timestamp.init(microseconds:))
        lastAcceptance = [lastAcceptance, latest].compactMap { $0 }.max()
    }

    /// The message as the log takes it; nil where it cannot be taken.
    private mutating func batch(_ message: ApartMessage) -> MessageBatch? {
        guard let json = json(message) else { return nil }
        let decoder = MessageDecoder(table: store.parameters)
        let decoded: DecodedMessages
        do throws(JSONError) {
            decoded = try decoder.decode(Array(json.utf8), acceptance: .now(message.accepted))
        } catch {
            return refuse(message, .failure, "its text cannot be read: \(error.reason)", hint: nil)
        }
        // What lay ahead of its arrival is what is to be admitted.
        guard let batch = (decoded.byIdent + decoded.future).first?.messages else {
            let reason = decoded.problems.first?.description ?? "it is no message"
            return refuse(message, .badRequest, reason, hint: Self.timestampHint)
        }
        guard batch.timestamps.allSatisfy({ $0 >= horizon.microseconds }) else {
            return refuse(
                message, .conflict,
                "it is older than the device's horizon \(JSONValue(horizon).text), before which all has expired",
                hint: "DELETE it, or leave it: what ends before the horizon is never calculated again")
        }
        return batch
    }

    /// The text of a message, with the timestamp that it is given.
    private mutating func json(_ message: ApartMessage) -> String? {
        guard let timestamp else {
            guard message.reason != .impossible else {
                return refuse(message, .badRequest, "it has no possible timestamp", hint: Self.timestampHint)
            }
            return message.json
        }
        guard message.reason == .impossible else {
            return refuse(
                message, .badRequest, "it has a timestamp of its own",
                hint: "send no timestamp: the body is for messages without a possible one")
        }
        guard var object = try? JSONValue(parsing: message.json), object.members != nil else {
            return refuse(message, .failure, "its text cannot be read", hint: nil)
        }
        object["timestamp"] = .number(timestamp.seconds)
        return object.text
    }

    private static let timestampHint = "admit it alone, with {\"timestamp\":…} as the body"

    private mutating func refuse<Result>(
        _ message: ApartMessage, _ code: ErrorCode, _ reason: String, hint: String?
    ) -> Result? {
        errors.append(
            ErrorItem(
                code, "message \(message.id) of device \(device) was not admitted: \(reason)", hint: hint,
                id: message.id))
        return nil
    }
}
