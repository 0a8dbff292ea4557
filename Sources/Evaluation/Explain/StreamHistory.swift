import Telemetry

/// What the selectors made of the latest messages of a stream, to be counted once an interval is known.
struct StreamHistory {
    /// What a message was to a selector.
    enum Mark: UInt8 {
        case off, on, unknown
        /// Hidden by the selector's own `validate_message`.
        case unseen
    }

    private var moments: [Int64] = []
    /// One list a selector, with a mark a message.
    private var marks: [[Mark]]
    private var hidden: [(moment: Int64, cause: HiddenMessages.Cause)] = []

    init(selectorCount: Int) { marks = [[Mark]](repeating: [], count: selectorCount) }

    /// Adds the messages of a block that are seen.
    mutating func add(_ moments: [Int64], _ marks: [[Mark]]) {
        self.moments += moments
        for index in marks.indices { self.marks[index] += marks[index] }
    }

    /// Says that the latest message turns out to be on for a selector.
    mutating func turnOn(_ selector: Int) {
        if !marks[selector].isEmpty { marks[selector][marks[selector].count - 1] = .on }
    }

    mutating func addHidden(_ moment: Int64, _ cause: HiddenMessages.Cause) { hidden.append((moment, cause)) }

    /// Forgets the messages before a moment, once it is worth the effort.
    mutating func forget(before moment: Int64) {
        let count = moments.firstIndex(after: moment - 1)
        if count > moments.count / 2 {
            moments.removeFirst(count)
            for index in marks.indices { marks[index].removeFirst(count) }
        }
        let hiddenCount = hidden.firstIndex { $0.moment >= moment } ?? hidden.count
        if hiddenCount > hidden.count / 2 { hidden.removeFirst(hiddenCount) }
    }

    /// The first message after another that was not on for a selector.
    func firstRest(of selector: Int, after moment: Int64) -> Int64? {
        let start = moments.firstIndex(after: moment)
        let row = (start..<moments.count).first { marks[selector][$0] == .off || marks[selector][$0] == .unknown }
        return row.map { moments[$0] }
    }

    /// The messages of an interval; `first` and `last` are the first and the last that are on for all selectors.
    func messages(from begin: Int64, to end: Int64, first: Int64, last: Int64) -> ExplainedMessages {
        var found = ExplainedMessages()
        found.count = moments.firstIndex(after: end) - moments.firstIndex(after: begin - 1)
        for row in moments.firstIndex(after: first - 1)..<moments.firstIndex(after: last) {
            let here = marks.map { $0[row] }
            if here.contains(.off) {
                found.off += 1
            } else if here.contains(.unknown) {
                found.unknown += 1
            } else if here.contains(.unseen) {
                found.unseen += 1
            } else {
                found.on += 1
            }
        }
        for message in hidden where message.moment >= begin && message.moment <= end {
            found.hidden.add(message.cause)
        }
        return found
    }
}

extension HiddenMessages {
    mutating func add(_ cause: Cause) {
        switch cause {
        case .validateMessage: byValidateMessage += 1
        case .updatePeriod: byUpdatePeriod += 1
        }
    }
}
