import MessageChunks
import PrimaryStore
import Synchronization
import Telemetry

/// The live position of every device, brought up to date whenever somebody looks.
///
/// A device is read from its newest chunk backwards when it is first looked at; from then on the board follows the log
/// as a reader from outside does, so that looking often costs no more than what came in between.
final class LiveBoard: Sendable {
    private struct State {
        var cursor: MessageCursor?
        var rows: [DeviceID: LivePosition] = [:]
        var runs = IngestRuns()
    }

    private let store: any PrimaryStore
    private let options: FleetOptions
    private let state = Mutex(State())

    init(store: any PrimaryStore, options: FleetOptions) {
        self.store = store
        self.options = options
    }

    /// The rows of all devices as they are now.
    func rows(of devices: [DeviceID], at now: Timestamp) throws(StoreError) -> [DeviceID: LivePosition] {
        let result = state.withLock { state in
            Result { () throws(StoreError) in
                try run(&state, devices, at: now)
                return state.rows
            }
        }
        return try result.get()
    }

    /// Brings the board up to date and tells how that went, lately and over a day.
    func runs(of devices: [DeviceID], at now: Timestamp) -> IngestRuns {
        state.withLock { state in
            // What failed is in the runs.
            try? run(&state, devices, at: now)
            return state.runs
        }
    }

    private func run(_ state: inout State, _ devices: [DeviceID], at now: Timestamp) throws(StoreError) {
        let began = ContinuousClock.now
        do throws(StoreError) {
            let count = try catchUp(&state, devices, at: now)
            let milliseconds = (ContinuousClock.now - began) / .milliseconds(1)
            state.runs.note(at: now, milliseconds: milliseconds, rows: count)
        } catch {
            state.runs.note(failure: "\(error)", at: now)
            throw error
        }
    }

    /// Returns how many messages were read of the log and of what was sealed meanwhile.
    private func catchUp(
        _ state: inout State, _ devices: [DeviceID], at now: Timestamp
    ) throws(StoreError) -> Int {
        let latest = now.advanced(bySeconds: options.futureSecondsMax)
        var cursor = state.cursor ?? MessageCursor(position: store.lastPosition)
        if state.cursor == nil { state.cursor = cursor }
        if state.rows.count > 2 * devices.count { state.rows = [:] }
        var (count, hasMore) = (0, true)
        while hasMore {
            let page = try store.readMessages(after: cursor, limit: MessageLimit())
            // The table grows with the messages, so it is looked up for each page.
            let parameters = FixParameters(store.parameters)
            for entry in page.entries {
                take(entry.bytes, into: &state.rows[entry.device], parameters, upTo: latest)
            }
            for sealed in page.chunks {
                take(sealed.chunk.bytes, into: &state.rows[sealed.device], parameters, upTo: latest)
            }
            count += page.messageCount
            (cursor, hasMore) = (page.next, page.hasMore)
            state.cursor = cursor
        }
        // What comes between the page and this is read twice, which alters nothing.
        for device in devices where state.rows[device] == nil {
            state.rows[device] = try read(device, upTo: latest)
        }
        return count
    }

    /// Takes a batch of a device that the board has already; others are read as a whole.
    private func take(
        _ bytes: [UInt8], into row: inout LivePosition?, _ parameters: FixParameters, upTo latest: Timestamp
    ) {
        // Bytes that are not what was written say nothing; /gw/health names them.
        guard row != nil, let batch = try? decode(bytes, parameters) else { return }
        row?.take(batch, parameters, upTo: latest)
    }

    /// Reads a device from the log and from its newest chunk backwards.
    private func read(_ device: DeviceID, upTo latest: Timestamp) throws(StoreError) -> LivePosition {
        let parameters = FixParameters(store.parameters)
        var row = LivePosition()
        do throws(StoreError) {
            // The log first: what is sealed in between is then in both.
            try readLog(device, parameters, upTo: latest, into: &row)
            try readArchive(device, parameters, upTo: latest, into: &row)
        } catch .corrupt {
            // One damaged batch must not hide the fleet: what is newer counts, and /gw/health names the damage.
        }
        return row
    }

    private func readLog(
        _ device: DeviceID, _ parameters: FixParameters, upTo latest: Timestamp, into row: inout LivePosition
    ) throws(StoreError) {
        var (position, isCut): (Int64, Bool) = (0, true)
        while isCut {
            let page = try store.readLog(device: device, after: position)
            for entry in page.entries { row.take(try decode(entry.bytes, parameters), parameters, upTo: latest) }
            (position, isCut) = (page.reached, page.isCut)
        }
    }

    private func readArchive(
        _ device: DeviceID, _ parameters: FixParameters, upTo latest: Timestamp, into row: inout LivePosition
    ) throws(StoreError) {
        let range = TimeRange(lower: try store.horizon(device: device), upper: .distantFuture)
        var (found, chunksLeft) = (row, options.liveChunksMax)
        defer { row = found }
        try store.forEachArchivedChunk(device: device, overlapping: range, isReversed: true) {
            chunk throws(StoreError) in
            found.take(try decode(chunk.bytes, parameters), parameters, upTo: latest)
            chunksLeft -= 1
            return chunksLeft > 0 && !found.isSettled(before: chunk.first, parameters)
        }
    }

    private func decode(_ bytes: [UInt8], _ parameters: FixParameters) throws(StoreError) -> MessageBatch {
        do throws(ChunkError) {
            return try MessageChunk(bytes).batch(parameters: parameters.all, hashes: true)
        } catch { throw .corrupt("a batch of messages: \(error)") }
    }
}
