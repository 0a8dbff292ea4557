import Telemetry

extension MessageChunk {
    private static let dayMicroseconds: Int64 = 86_400_000_000

    /// Cuts sorted messages into the batches of their chunks: each of one UTC day and of at most `splitCountMax`
    /// messages, unless one timestamp alone has more, since the messages of one timestamp stay together.
    ///
    /// A day too long for one chunk is cut into equal ones, so that late messages find room in each of them.
    /// Parameters that no message of a batch has lose their column.
    public static func split(_ sorted: MessageBatch) -> [MessageBatch] {
        precondition(sorted.isSorted, "only sorted messages can be split")
        return days(sorted.timestamps).flatMap { cuts($0, sorted.timestamps) }.map { rows in
            var part = sorted.slice(rows)
            part.columns.removeAll { $0.values.uniform == .absent }
            return part
        }
    }

    /// The rows of each UTC day.
    private static func days(_ times: [Int64]) -> [Range<Int>] {
        var days: [Range<Int>] = []
        var start = 0
        while start < times.count {
            let day = day(times[start])
            let end = partition(times, from: start) { self.day($0) > day }
            days.append(start..<end)
            start = end
        }
        return days
    }

    /// The rows of each chunk of a day.
    private static func cuts(_ day: Range<Int>, _ times: [Int64]) -> [Range<Int>] {
        var cuts: [Range<Int>] = []
        var rest = day
        while rest.count > splitCountMax {
            let pieces = (rest.count + splitCountMax - 1) / splitCountMax
            let target = rest.lowerBound + (rest.count + pieces - 1) / pieces
            // Back to where the timestamp at the cut begins; where the chunk itself begins with it, on to its end.
            let moment = times[target]
            var cut = target
            while cut > rest.lowerBound, times[cut - 1] == moment { cut -= 1 }
            if cut == rest.lowerBound { cut = min(partition(times, from: target) { $0 > moment }, rest.upperBound) }
            cuts.append(rest.lowerBound..<cut)
            rest = cut..<rest.upperBound
        }
        if !rest.isEmpty { cuts.append(rest) }
        return cuts
    }

    private static func day(_ time: Int64) -> Int64 {
        let (days, rest) = time.quotientAndRemainder(dividingBy: dayMicroseconds)
        return rest < 0 ? days - 1 : days
    }

    /// The first row from `start` on whose time is beyond; the times ascend.
    private static func partition(_ times: [Int64], from start: Int, _ isBeyond: (Int64) -> Bool) -> Int {
        var low = start
        var high = times.count
        while low < high {
            let middle = (low + high) / 2
            if isBeyond(times[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
