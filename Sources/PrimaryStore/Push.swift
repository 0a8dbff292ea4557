import Telemetry

/// The differences that one recalculation job found in one assignment, with everything that must hold to apply them.
package struct Push: Sendable {
    package var slot: Slot
    package var epoch: Int64
    package var key: AssignmentKey
    /// The calculator's revision that the job ran with.
    package var calculatorRevision: Int64
    /// The log position that the assignment's marks had when the job began, so that a push made for an assignment that
    /// was ended and made again is refused; nil is not compared.
    package var basePosition: Int64?
    /// The ids of intervals that vanish. They go before anything is written.
    package var deletes: [Int64]
    package var upserts: [IntervalWrite]
    package var marks: AssignmentMarks
    /// When it was calculated: the field `timestamp` of what is written.
    package var timestamp: Timestamp
    /// The row for the ledger; nil for a push that no job made.
    package var job: JobRecord?

    package init(
        slot: Slot, epoch: Int64, key: AssignmentKey, calculatorRevision: Int64, basePosition: Int64? = nil,
        deletes: [Int64] = [], upserts: [IntervalWrite] = [], marks: AssignmentMarks, timestamp: Timestamp,
        job: JobRecord? = nil
    ) {
        self.slot = slot
        self.epoch = epoch
        self.key = key
        self.calculatorRevision = calculatorRevision
        self.basePosition = basePosition
        self.deletes = deletes
        self.upserts = upserts
        self.marks = marks
        self.timestamp = timestamp
        self.job = job
    }
}

/// One interval as a push wants it to be.
package struct IntervalWrite: Sendable, Hashable {
    /// The interval it continues; nil for one that was not held, which is then found by `firstOn` or given a new id.
    package var id: Int64?
    package var firstOn: Timestamp
    package var begin: Timestamp
    package var end: Timestamp
    package var isActive: Bool
    /// The revision of the calculator that it was calculated with; nil for the push's.
    package var calculatorRevision: Int64?
    /// The JSON text before `id`.
    package var head: [UInt8]
    /// The JSON text after `timestamp`.
    package var tail: [UInt8]
    /// A digest of head and tail: equal digests mean equal text.
    package var digest: UInt64

    package init(
        id: Int64?, firstOn: Timestamp, begin: Timestamp, end: Timestamp, isActive: Bool,
        calculatorRevision: Int64? = nil, head: [UInt8], tail: [UInt8], digest: UInt64
    ) {
        self.id = id
        self.firstOn = firstOn
        self.begin = begin
        self.end = end
        self.isActive = isActive
        self.calculatorRevision = calculatorRevision
        self.head = head
        self.tail = tail
        self.digest = digest
    }
}

/// What a push did.
package struct PushReceipt: Sendable, Hashable {
    /// The id of each upsert, in their order.
    package var ids: [Int64]
    package var createdCount: Int
    package var updatedCount: Int
    package var deletedCount: Int
    /// The number of the last row of the slot's feed.
    package var slotRevision: Int64

    package init(ids: [Int64], createdCount: Int, updatedCount: Int, deletedCount: Int, slotRevision: Int64) {
        self.ids = ids
        self.createdCount = createdCount
        self.updatedCount = updatedCount
        self.deletedCount = deletedCount
        self.slotRevision = slotRevision
    }
}

/// A row of the ledger: what one job was asked and what it did.
package struct JobRecord: Sendable, Hashable {
    /// What became of a job.
    package enum Outcome: String, Sendable, CaseIterable {
        /// Its differences were applied.
        case done
        /// Too much would vanish: its differences wait for somebody to decide.
        case held
        /// It was held and then allowed; another job applied it.
        case released
        /// It was held and then dropped: the intervals stayed as they were.
        case discarded
        /// It was held, and a later job of the same assignment was held too.
        case superseded
    }

    /// Counts up over all jobs; 0 until it is stored.
    package var id: Int64
    package var key: AssignmentKey
    package var cause: String
    package var rangeAsked: TimeRange
    package var rangeRun: TimeRange
    package var messageCount: Int
    /// What it changed: counted by the store when it applies the push; of a held job, what it would change.
    package var createdCount: Int
    package var updatedCount: Int
    package var deletedCount: Int
    package var started: Timestamp
    package var milliseconds: Double
    package var outcome: Outcome

    package init(
        id: Int64 = 0, key: AssignmentKey, cause: String, rangeAsked: TimeRange, rangeRun: TimeRange,
        messageCount: Int, createdCount: Int = 0, updatedCount: Int = 0, deletedCount: Int = 0, started: Timestamp,
        milliseconds: Double, outcome: Outcome = .done
    ) {
        self.id = id
        self.key = key
        self.cause = cause
        self.rangeAsked = rangeAsked
        self.rangeRun = rangeRun
        self.messageCount = messageCount
        self.createdCount = createdCount
        self.updatedCount = updatedCount
        self.deletedCount = deletedCount
        self.started = started
        self.milliseconds = milliseconds
        self.outcome = outcome
    }
}
