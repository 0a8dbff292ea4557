import PrimaryStore
import Telemetry

/// Tells which messages may be taken into a device's history, and which are kept apart.
package struct MessageSieve: Sendable {
    /// Messages before it are late: what they belong to has expired.
    package var horizon: Timestamp
    /// Messages after it are too far ahead.
    package var futureBorder: Timestamp

    /// Messages further ahead of the moment in which they come are kept apart.
    package static let futureSecondsMax = 300.0

    package init(horizon: Timestamp, now: Timestamp, futureSecondsMax: Double = Self.futureSecondsMax) {
        self.horizon = horizon
        futureBorder = now.advanced(bySeconds: futureSecondsMax)
    }

    /// Why a message of this moment is kept apart; nil if it is not.
    package func reason(_ timestamp: Timestamp) -> ApartReason? {
        if timestamp > futureBorder { return .future }
        return timestamp < horizon ? .late : nil
    }

    /// The rows that may be taken, and the others by their reason.
    package func sift(_ batch: MessageBatch) -> (taken: MessageBatch, apart: [ApartReason: [Int]]) {
        var taken: [Int] = []
        var apart: [ApartReason: [Int]] = [:]
        for row in batch.timestamps.indices {
            if let reason = reason(Timestamp(microseconds: batch.timestamps[row])) {
                apart[reason, default: []].append(row)
            } else {
                taken.append(row)
            }
        }
        return (taken.count == batch.count ? batch : batch.gather(taken), apart)
    }
}

extension ApartMessage {
    /// Rows of a batch as they are kept apart, and how many have a text that is too long for that.
    package static func messages(
        _ batch: MessageBatch, rows: [Int], of device: DeviceID, reason: ApartReason, at moment: Timestamp,
        table: ParameterTable
    ) -> (kept: [ApartMessage], tooLongCount: Int) {
        // Without server.timestamp, which is told beside the message.
        let renderer = MessageRenderer(
            table: table, fields: ["timestamp"] + batch.columns.map { table.name($0.parameter) })
        let messages = rows.map { row in
            ApartMessage(
                device: device, reason: reason, timestamp: Timestamp(microseconds: batch.timestamps[row]),
                accepted: moment, json: renderer.text(batch, row: row))
        }
        let kept = messages.filter { $0.json.utf8.count <= byteCountMax }
        return (kept, messages.count - kept.count)
    }

    /// A message without a possible timestamp as it is kept apart.
    package init(impossible json: String, of device: DeviceID, at moment: Timestamp) {
        self.init(device: device, reason: .impossible, timestamp: nil, accepted: moment, json: json)
    }
}

extension ApartReason {
    /// What such messages are, for a sentence that begins with them.
    package var phrase: String {
        switch self {
        case .future: "lie more than \(Int(MessageSieve.futureSecondsMax)) s ahead of the server's clock"
        case .late: "are older than the device's horizon: what they belong to has expired"
        case .impossible: "have no timestamp that can be one"
        }
    }
}
