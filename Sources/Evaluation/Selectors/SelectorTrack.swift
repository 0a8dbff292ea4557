import Calculators
import Expressions
import Telemetry

/// What a selector remembers of the messages so far.
struct SelectorTrack: Sendable, Equatable {
    var memory: ProgramMemory?
    var validateMemory: ProgramMemory?
    /// The last value of a `change` selector, the last geofence or source interval met.
    var lastValue: Value?
    /// The last valid position, for legs that cross a geofence.
    var lastPoint: GeoPoint?
    /// The name of the geofence at the last message that the selector saw.
    var geofenceHere: String?
    /// The bucket of a `datetime` selector.
    var bucket: Int64?
    var run: OpenRun?
    /// The first message of the calculator's stream after the run's `lastOn`.
    var after: Int64?
    /// Whether the last message that the selector saw was on.
    var wasOn = false
    /// The last message that the selector saw.
    var lastSeen: Int64?

    init(_ selector: Selector) {
        switch selector.kind {
        case .boolean(let program), .change(let program): memory = ProgramMemory(for: program)
        case .datetime, .geofence, .inactive, .source: memory = nil
        }
        validateMemory = selector.validateMessage.map { ProgramMemory(for: $0) }
    }

    /// Whether the open run would be kept if it ended where it is (it only ever becomes so, never ceases to be).
    func isKeptSoFar(_ selector: Selector) -> Bool {
        guard let run else { return false }
        return isActiveEnoughSoFar(selector) && run.lastOn - run.mergedBegin >= selector.options.minDuration
    }

    /// The same for `min_active` alone.
    func isActiveEnoughSoFar(_ selector: Selector) -> Bool {
        guard let run else { return false }
        return selector.keeps(activeFrom: run.first, to: run.lastOn)
    }
}

extension Selector {
    /// Whether `min_active` keeps a run from its first to its last message that is on.
    func keeps(activeFrom first: Int64, to last: Int64) -> Bool {
        guard let minActive = options.minActive else { return !(dropsSingleMessages && first == last) }
        return last - first >= minActive
    }
}

/// The calculator's stream around a block, as the merging of messages needs it.
struct Neighbourhood {
    let timestamps: [Int64]
    /// The last message of the stream before the block.
    let carry: Int64?
    /// The gaps that no merge crosses: each selector's `max_messages_time_diff`, where set.
    let gaps: [Int64]

    /// Whether two neighbours are close enough to be merged.
    func areClose(_ earlier: Int64, _ later: Int64) -> Bool {
        gaps.allSatisfy { later - earlier <= $0 }
    }

    /// The message before a row; nil at the start of the stream.
    func before(_ row: Int) -> Int64? { row > 0 ? timestamps[row - 1] : carry }

    /// The begin of a run that starts at a row, merged with the message before it.
    func mergedBegin(_ row: Int) -> Int64 {
        guard let before = before(row), areClose(before, timestamps[row]) else { return timestamps[row] }
        return before
    }

    /// The index of the first row later than a moment.
    func firstRow(after moment: Int64) -> Int { timestamps.firstIndex(after: moment) }
}
