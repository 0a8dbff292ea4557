import MessageChunks
import PrimaryStore
import Telemetry

/// Batches of one device, one behind the other in the log and in time, that are stored as one row of the tail.
///
/// A worker that lets the log gather finds a device in it many times, and a row costs the cache more than what is in
/// it.
struct LogRun {
    private(set) var batches: [[UInt8]] = []
    private(set) var messageCount = 0
    /// The position of the last batch.
    private(set) var position: Int64 = 0
    private(set) var first = Timestamp.distantPast
    private(set) var last = Timestamp.distantPast

    /// As many of the first entries as follow the latest message that is known, and one another, and begin no earlier
    /// than what is taken at all.
    init(_ entries: ArraySlice<LogEntry>, behind latest: Timestamp?, from least: Timestamp) {
        var end = latest
        for entry in entries {
            guard let chunk = try? MessageChunk(entry.bytes), chunk.isSorted, chunk.count > 0,
                chunk.firstTimestamp >= least, end.map({ $0 < chunk.firstTimestamp }) ?? true
            else { return }
            if batches.isEmpty { first = chunk.firstTimestamp }
            batches.append(entry.bytes)
            messageCount += chunk.count
            position = entry.position
            last = chunk.lastTimestamp
            end = chunk.lastTimestamp
        }
    }

    var bytes: [UInt8] { ChunkRun.encode(batches) }
}

extension LogPage {
    /// The entries of each device, in the order of the log.
    var entriesByDevice: [[LogEntry]] {
        var groups: [[LogEntry]] = []
        var places: [DeviceID: Int] = [:]
        for entry in entries {
            if let place = places[entry.device] {
                groups[place].append(entry)
            } else {
                places[entry.device] = groups.count
                groups.append([entry])
            }
        }
        return groups
    }
}
