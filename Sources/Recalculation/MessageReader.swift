import Evaluation
import LocalCache
import Telemetry

/// Reads the intervals of other calculators on the same device.
package struct SourceReader {
    /// Those of a calculator that touch a range, in the order of their first messages.
    package var intervals: (CalculatorID, TimeRange) throws -> [Interval]

    package init(_ intervals: @escaping (CalculatorID, TimeRange) throws -> [Interval]) {
        self.intervals = intervals
    }
}

/// Reads a device's messages from the cache in the order of time, chunks and tail merged, block by block; or the
/// intervals of another calculator that stand for messages.
///
/// It keeps no place of its own: each block is asked for by the moment that it follows, so that sealing between two
/// blocks does no harm.
struct MessageReader {
    /// The intervals of a calculator as messages.
    struct SourceStream {
        var calculator: CalculatorID
        var sources: SourceReader
    }

    let device: DeviceID
    let binding: ColumnBinding
    var stream: SourceStream?
    /// About as many messages of the tail are read at one time: what has just been imported may be years.
    var tailCountMax = Self.tailCountMaxDefault

    static let tailCountMaxDefault = 65_536

    /// The parameters that it decodes; nil: all of them.
    var parameters: [ParameterID]? { binding.needsAllColumns ? nil : binding.parameters }

    /// The next messages after a moment: at most one chunk with what of the tail falls before its end, or a part of the
    /// tail; nil at the end.
    func block(after moment: Timestamp, _ cache: WorkerCache) throws -> MessageBlock? {
        if let stream { return try block(after: moment, of: stream) }
        let lower = Timestamp(microseconds: moment.microseconds + 1)
        let chunk = try cache.chunks(device, endingAfter: moment, countMax: 1).first
        let end = try cache.tailBorder(
            device, after: moment, before: chunk?.first ?? .distantFuture, countMax: tailCountMax)
        guard let chunk, end == nil else {
            let rest = TimeRange(inclusive: lower, end ?? .distantFuture)
            let batch = try tail(rest, cache)
            return batch.isEmpty ? nil : binding.block(batch)
        }
        return binding.block(try cache.messages(device, in: chunk, after: moment, parameters: parameters))
    }

    /// What of the tail lies in a range.
    private func tail(_ range: TimeRange, _ cache: WorkerCache) throws -> MessageBatch {
        let tail = try cache.tail(device, overlapping: range, parameters: parameters)
        return tail.slice(tail.firstRow(at: range.lower)..<tail.firstRow(at: range.upper))
    }

    private func block(after moment: Timestamp, of stream: SourceStream) throws -> MessageBlock? {
        let lower = Timestamp(microseconds: max(moment, .distantPast).microseconds - SourceMessages.reachMicroseconds)
        let intervals = try stream.sources.intervals(stream.calculator, TimeRange(lower: lower, upper: .distantFuture))
        let block = SourceMessages(binding).block(intervals, after: moment)
        return block.count == 0 ? nil : block
    }
}
