import Telemetry

/// The states that a selector of type `datetime` gives to messages: a run an hour, day, week, month or year of local
/// time.
struct DatetimeSelector {
    /// The bucket of the last message; nil before the first.
    static func states(
        _ timestamps: [Int64], split: CalendarUnit?, zone: TimeZoneTable, label: inout Int64?
    ) -> [MarkupState] {
        var states = [MarkupState](repeating: .on, count: timestamps.count)
        guard let split else { return states }
        var row = 0
        while row < timestamps.count {
            let bucket = zone.bucket(split, at: Timestamp(microseconds: timestamps[row]))
            if bucket.label != label { states[row] = .new }
            label = bucket.label
            while row < timestamps.count, timestamps[row] < bucket.until.microseconds { row += 1 }
        }
        return states
    }
}
