import PrimaryStore
import Synchronization
import Telemetry

@testable import Publishing

/// A server of reports in memory, which does what the schema's functions do: each call as a whole, cursors with the
/// rows, what is at or below them dropped.
final class ReportServer: Sendable {
    struct Interval: Hashable {
        var begin: Timestamp
        var end: Timestamp
        var isActive: Bool
        var calculatorRevision: Int64
        var json: [UInt8]
    }

    struct Message: Hashable, Comparable {
        var device: DeviceID
        var second: Int64

        static func < (left: Self, right: Self) -> Bool {
            (left.device.rawValue, left.second) < (right.device.rawValue, right.second)
        }
    }

    /// What is durable.
    struct Contents {
        var store: String?
        var cursors: [Slot: Int64] = [:]
        var intervals: [AssignmentKey: [Int64: Interval]] = [:]
        var registry: RegistrySnapshot?
        var position: Int64 = 0
        var messages: Set<Message> = []
    }

    /// What must never be, and what was counted.
    struct Findings {
        /// Calculators with rows, and devices with messages, that the registry did not have then.
        var strangers: Set<Stranger> = []
        var feedCalls = 0
        var feedRows = 0
        var pages = 0
        var messageCalls = 0
        var heartbeats = 0
        var opens = 0
        var maintained = 0
        var tripRefreshes = 0
        var mileageRefreshes = 0
        var registries = 0
        var largestBatch = 0
    }

    enum Stranger: Hashable {
        case calculator(CalculatorID)
        case device(DeviceID)
    }

    enum Fault: CaseIterable {
        /// Nothing of the call is done.
        case before
        /// All of it is done, and nobody is told.
        case after
        /// A right is missing: nothing is done.
        case refused
    }

    struct State {
        var contents = Contents()
        var findings = Findings()
        /// Counts the times that every connection was lost.
        var era = 0
        var isDown = false
        var mileageLeft = 0
        /// Asked at each call.
        var fault: (@Sendable (String) -> Fault?)?
    }

    private let state = Mutex(State())

    var contents: Contents { state.withLock { $0.contents } }
    var findings: Findings { state.withLock { $0.findings } }

    func update(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    /// Another server takes over, with what this one had some time ago.
    func takeOver(_ contents: Contents) {
        state.withLock { state in
            state.contents = contents
            state.era += 1
        }
    }

    /// Makes a call of a connection; what the body throws undoes all that it did.
    func call<Value>(
        _ name: String, _ connection: inout Int?, isOpening: Bool = false,
        _ body: (inout State) throws(SinkError) -> Value
    ) throws(SinkError) -> Value {
        let opened = connection
        let result: Result<Value, SinkError> = state.withLock { state in
            guard !state.isDown else { return .failure(.retry("no connection")) }
            guard isOpening || opened == state.era else { return .failure(.retry("the connection is lost")) }
            let fault = state.fault?(name)
            if fault == .refused { return .failure(.refused("permission denied for \(name)")) }
            if fault == .before { return .failure(.retry("terminated before \(name)")) }
            let before = state.contents
            do throws(SinkError) {
                let value = try body(&state)
                return fault == .after ? .failure(.retry("terminated after \(name)")) : .success(value)
            } catch {
                state.contents = before
                return .failure(error)
            }
        }
        switch result {
        case .success(let value):
            if isOpening { connection = state.withLock { $0.era } }
            return value
        case .failure(let error):
            connection = nil
            throw error
        }
    }
}

extension ReportServer.Contents {
    /// Refuses another store than the first.
    mutating func adopt(_ store: String) throws(SinkError) {
        guard self.store ?? store == store else { throw .refused("it holds the reports of another store") }
        self.store = store
    }

    func knows(_ device: DeviceID) -> Bool { registry?.devices.contains { $0.id == device } ?? false }

    func knows(_ calculator: CalculatorID, _ revision: Int64) -> Bool {
        registry?.calculators.contains { $0.id == calculator && $0.revision >= revision } ?? false
    }

    mutating func write(_ row: FeedRow) -> Bool {
        guard row.operation != .deleted else {
            return intervals[row.key]?.removeValue(forKey: row.id) != nil
        }
        guard let json = row.json else { return false }
        let interval = ReportServer.Interval(
            begin: row.begin, end: row.end, isActive: row.isActive, calculatorRevision: row.calculatorRevision,
            json: json)
        let old = intervals[row.key, default: [:]].updateValue(interval, forKey: row.id)
        return old != interval
    }
}

/// The connection of a feed.
final class ReportFeedSink: FeedSink {
    private let server: ReportServer
    private var connection: Int?
    private var store = ""

    init(_ server: ReportServer) { self.server = server }

    func open(store: String) throws(SinkError) -> FeedCursors {
        self.store = store
        return try server.call("open", &connection, isOpening: true) { state throws(SinkError) in
            try state.contents.adopt(store)
            state.findings.opens += 1
            return FeedCursors(revisions: state.contents.cursors)
        }
    }

    func apply(_ registry: RegistrySnapshot) throws(SinkError) {
        try server.call("registry", &connection) { state throws(SinkError) in
            state.findings.registries += 1
            guard registry.revision >= state.contents.registry?.revision ?? 0 else { return }
            state.contents.registry = registry
        }
    }

    func apply(_ rows: [FeedRow]) throws(SinkError) -> DeliveryReceipt {
        try server.call("feed", &connection) { state throws(SinkError) in
            var receipt = DeliveryReceipt()
            state.findings.feedCalls += 1
            state.findings.feedRows += rows.count
            state.findings.largestBatch = max(state.findings.largestBatch, rows.count)
            let held = state.contents.cursors
            for row in rows {
                guard row.revision > held[row.slot] ?? 0 else {
                    receipt.stale += 1
                    continue
                }
                guard row.revision > state.contents.cursors[row.slot] ?? 0 else {
                    throw .refused("row \(row.revision) of slot \(row.slot) is out of order")
                }
                state.contents.cursors[row.slot] = row.revision
                if row.json != nil, row.operation != .deleted,
                    !state.contents.knows(row.key.calculator, row.calculatorRevision)
                {
                    state.findings.strangers.insert(.calculator(row.key.calculator))
                }
                if !state.contents.write(row) {
                    receipt.unchanged += 1
                } else if row.operation == .deleted {
                    receipt.deleted += 1
                } else {
                    receipt.written += 1
                }
            }
            return receipt
        }
    }

    func apply(_ runs: [IntervalRun], slot: Slot, revision: Int64) throws(SinkError) -> DeliveryReceipt {
        try server.call("pages", &connection) { state throws(SinkError) in
            var receipt = DeliveryReceipt()
            state.findings.pages += 1
            for run in runs {
                guard run.intervals.allSatisfy({ $0.id > run.after && $0.id <= run.upTo }) else {
                    throw .refused("a run that is not what it says")
                }
                let table = state.contents.intervals[run.key] ?? [:]
                var kept = table.filter { $0.key <= run.after || $0.key > run.upTo }
                receipt.deleted += table.count - kept.count
                for stored in run.intervals {
                    kept[stored.id] = ReportServer.Interval(stored)
                    receipt.written += 1
                }
                state.contents.intervals[run.key] = kept
            }
            return receipt
        }
    }

    func finishRuns(slot: Slot, revision: Int64, assignments: [AssignmentKey]) throws(SinkError) {
        try server.call("finish", &connection) { state throws(SinkError) in
            let kept = Set(assignments)
            state.contents.intervals = state.contents.intervals.filter {
                Slot(device: $0.key.device) != slot || kept.contains($0.key)
            }
            state.contents.cursors[slot] = revision
        }
    }

    func maintain() throws(SinkError) {
        try server.call("maintain", &connection) { state throws(SinkError) in state.findings.maintained += 1 }
    }

    func refreshTrips() throws(SinkError) {
        try server.call("trips", &connection) { state throws(SinkError) in state.findings.tripRefreshes += 1 }
    }

    func close() { connection = nil }
}

/// The connection of messages.
final class ReportMessageSink: MessageSink {
    private let server: ReportServer
    private var connection: Int?

    init(_ server: ReportServer) { self.server = server }

    func open(store: String) throws(SinkError) -> Int64 {
        try server.call("open messages", &connection, isOpening: true) { state throws(SinkError) in
            try state.contents.adopt(store)
            return state.contents.position
        }
    }

    func apply(_ messages: [MessageRow], after: Int64, upTo: Int64) throws(SinkError) -> MessageReceipt {
        try server.call("messages", &connection) { state throws(SinkError) in
            var receipt = MessageReceipt()
            guard after <= state.contents.position else { throw .refused("a gap after \(state.contents.position)") }
            if messages.isEmpty, upTo == after { state.findings.heartbeats += 1 }
            state.findings.messageCalls += 1
            state.findings.largestBatch = max(state.findings.largestBatch, messages.count)
            receipt.taken = messages.count
            let held = state.contents.position
            // As the SQL does: what is in already, and what this call does not reach, is not looked at.
            for message in messages where message.position == 0 || held < message.position && message.position <= upTo {
                guard state.contents.knows(message.device) else {
                    state.findings.strangers.insert(.device(message.device))
                    receipt.rejected += 1
                    continue
                }
                let second = message.timestamp.microseconds / 1_000_000
                let isNew = state.contents.messages.insert(.init(device: message.device, second: second)).inserted
                if isNew { receipt.written += 1 }
            }
            state.contents.position = max(state.contents.position, upTo)
            return receipt
        }
    }

    func refreshMileage() throws(SinkError) -> Bool {
        try server.call("mileage", &connection) { state throws(SinkError) in
            state.findings.mileageRefreshes += 1
            state.mileageLeft = max(0, state.mileageLeft - 1)
            return state.mileageLeft > 0
        }
    }

    func close() { connection = nil }
}

extension ReportServer.Interval {
    init(_ stored: StoredInterval) {
        self.init(
            begin: stored.begin, end: stored.end, isActive: stored.isActive,
            calculatorRevision: stored.calculatorRevision, json: stored.json)
    }
}
