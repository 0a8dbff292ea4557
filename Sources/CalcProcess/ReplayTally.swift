import Telemetry

/// Counts replays by calculator: what waits, runs and is done since a batch of them began.
struct ReplayTally {
    /// How the whole history of an assignment stands.
    enum Standing {
        case waiting
        case running
        /// It is calculated.
        case done
        /// It is not to be calculated now: disabled, failing or gone.
        case none
    }

    private struct Batch {
        var since: Timestamp
        var ended: Timestamp?
        /// Those that wait (false) or run (true).
        var open: [DeviceID: Bool] = [:]
        var done: Set<DeviceID> = []
        var doneCount = 0
        var messages: Int64 = 0
        /// Messages evaluated in each of the last seconds.
        var recent: [(second: Int64, messages: Int64)] = []
    }

    /// Seconds over which the speed is measured.
    private static let recentSeconds: Int64 = 10
    /// Seconds for which an ended batch is still told of.
    private static let endedSeconds = 3_600.0

    private var batches: [CalculatorID: Batch] = [:]
    private(set) var doneCount: Int64 = 0
    private(set) var messageCount: Int64 = 0

    /// The assignments whose histories wait or run.
    var openKeys: Set<AssignmentKey> {
        Set(
            batches.flatMap { calculator, batch in
                batch.open.keys.map { AssignmentKey(calculator: calculator, device: $0) }
            })
    }

    var openCount: Int { batches.values.reduce(0) { $0 + $1.open.count } }

    mutating func note(_ key: AssignmentKey, _ standing: Standing, at now: Timestamp) {
        switch standing {
        case .waiting: open(key, isRunning: false, now)
        case .running: open(key, isRunning: true, now)
        case .done, .none: close(key, isDone: standing == .done, now)
        }
    }

    /// Counts messages that a replay has evaluated.
    mutating func count(_ messages: Int, of calculator: CalculatorID, at now: Timestamp) {
        messageCount += Int64(messages)
        guard var batch = batches.removeValue(forKey: calculator) else { return }
        batch.messages += Int64(messages)
        let second = now.microseconds / 1_000_000
        if let last = batch.recent.last, last.second == second {
            batch.recent[batch.recent.count - 1].messages += Int64(messages)
        } else {
            batch.recent.removeAll { $0.second <= second - Self.recentSeconds }
            batch.recent.append((second, Int64(messages)))
        }
        batches[calculator] = batch
    }

    /// By calculator; batches that ended long ago are not told of.
    func progress(at now: Timestamp) -> [ReplayProgress] {
        let oldest = now.advanced(bySeconds: -Self.endedSeconds)
        return batches.filter { $0.value.ended.map { $0 >= oldest } ?? true }
            .map { Self.progress(of: $0.key, $0.value, now) }
            .sorted { $0.calculator < $1.calculator }
    }

    private mutating func open(_ key: AssignmentKey, isRunning: Bool, _ now: Timestamp) {
        var batch = batches.removeValue(forKey: key.calculator) ?? Batch(since: now)
        if batch.ended != nil { batch = Batch(since: now) }
        batch.open[key.device] = isRunning
        batch.done.remove(key.device)
        batches[key.calculator] = batch
    }

    private mutating func close(_ key: AssignmentKey, isDone: Bool, _ now: Timestamp) {
        // Taken out while it is changed: what is held twice would be copied, with all its devices.
        guard batches[key.calculator]?.ended == nil, var batch = batches.removeValue(forKey: key.calculator) else {
            return
        }
        defer { batches[key.calculator] = batch }
        let wasOpen = batch.open.removeValue(forKey: key.device) != nil
        guard wasOpen || (!isDone && batch.done.contains(key.device)) else { return }
        if isDone {
            batch.done.insert(key.device)
            doneCount += 1
        } else {
            batch.done.remove(key.device)
        }
        if batch.open.isEmpty {
            batch.ended = max(now, batch.since)
            batch.doneCount = batch.done.count
            batch.done = []
        }
    }

    private static func progress(of calculator: CalculatorID, _ batch: Batch, _ now: Timestamp) -> ReplayProgress {
        let done = batch.ended == nil ? batch.done.count : batch.doneCount
        let second = now.microseconds / 1_000_000
        let recent = batch.recent.filter { $0.second > second - recentSeconds }.reduce(0) { $0 + $1.messages }
        let age = Double(now.microseconds - batch.since.microseconds) / 1e6
        let speed = Double(recent) / min(Double(recentSeconds), max(1, age))
        var left: Double?
        if batch.ended == nil, done > 0, speed > 0 {
            let running = batch.open.values.count { $0 }
            // What runs has evaluated something already; half of it is as good a guess as any.
            let each = Double(batch.messages) / (Double(done) + Double(running) / 2)
            left = max(0, each * (Double(batch.open.count) - Double(running) / 2)) / speed
        }
        return ReplayProgress(
            calculator: calculator, total: done + batch.open.count, done: done,
            running: batch.open.values.count { $0 }, messages: batch.messages, messagesPerSecond: speed,
            secondsLeft: left, since: batch.since, ended: batch.ended)
    }
}
