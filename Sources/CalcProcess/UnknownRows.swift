import Telemetry

/// The rows of a sorted batch that alter what is known of a device: those that nobody has yet, and those that came
/// earlier than what is there of them.
struct UnknownRows {
    private let batch: MessageBatch
    /// For each row, when the log first took a message alike; nil where none is known.
    private var known: [Int64?]

    init(of batch: MessageBatch) {
        self.batch = batch
        known = Array(repeating: nil, count: batch.count)
    }

    /// Takes up sorted messages of the device. A late message is looked for among those of a whole day: they are
    /// searched, not listed.
    mutating func note(_ other: MessageBatch) {
        for row in known.indices {
            let moment = batch.timestamps[row]
            var place = other.firstRow(at: Timestamp(microseconds: moment))
            while place < other.count, other.timestamps[place] == moment {
                if other.hashes[place] == batch.hashes[row] {
                    known[row] = min(known[row] ?? .max, other.acceptances[place])
                }
                place += 1
            }
        }
    }

    var rows: [Int] {
        known.indices.filter { row in known[row].map { batch.acceptances[row] < $0 } ?? true }
    }
}
