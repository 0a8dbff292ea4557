import PrimaryStore
import ReferenceEvaluator
import SeededRandom
import Telemetry

@testable import CalcProcess

/// What goes wrong with the store for a while, and what people do about replays.
extension Simulation {
    /// For some time the store does nothing that anybody asks.
    func beginOutage() {
        let seconds = random.pick([1.0, 7, 60, 700])
        let error = random.among(2) ? StoreError.diskFull : StoreError.database("busy")
        note("outage for \(seconds): \(error)")
        faults.count("outage of the store")
        outage = (until: clock.now.advanced(bySeconds: seconds), error)
    }

    /// What the store answers in an outage.
    var outageError: StoreError? { outage.flatMap { clock.now < $0.until ? $0.error : nil } }

    /// Somebody pauses the replays of a process, lets them go on, or gives them another share.
    func changeReplays() {
        guard let node = somebody(), let replays = node.replays else { return }
        let old = replays.settings
        let new = ReplaySettings(isPaused: random.among(2), share: random.pick([0.05, 0.3, 1]))
        note("replays of node \(node.index): \(new)")
        faults.count(new.isPaused ? "replays paused" : "replays go on")
        do {
            try new.write(to: store, replacing: old)
            replays.settings = new
        } catch { noteStoreError(error) }
    }

    /// Replays go on everywhere.
    func resumeReplays() {
        guard troubles.replays > 0 else { return }
        for replays in nodes.compactMap(\.replays) { replays.settings.isPaused = false }
        // A node that is down reads them at its next start.
        try? ReplaySettings(isPaused: false).write(to: store, replacing: ReplaySettings(isPaused: true))
    }

    /// Why what is told of replays is not that all are done; nil if it is.
    func otherProgress() -> String? {
        for node in nodes {
            guard let process = node.process, process.keeper.mayWork else { continue }
            let board = process.seats[0].template.board
            for progress in board.replayProgress(at: clock.now) {
                guard progress.ended != nil, progress.running == 0, progress.done <= progress.total else {
                    return "node \(node.index) tells of replays that go on: \(progress)"
                }
            }
            guard board.metrics.replaysPending == 0 else { return "node \(node.index) counts replays that wait" }
        }
        return nil
    }

    // MARK: The fuse

    /// A device of many short drives, and messages for later that make most of them too short to count.
    func addDrives() throws {
        let json = """
            {"name":"drives","update_delay":1,"selectors":[{"type":"expression","expression":"engine.ignition.status",\
            "min_active":15}],"counters":[{"name":"top","type":"parameter","parameter":"position.speed",\
            "method":"max"}]}
            """
        // Nobody edits it: what vanishes after a change is not held.
        let calculator = try store.createCalculator(name: "drives", json: json).id
        let ident = "drives"
        let id = try store.createDevice(ident: ident, name: "van", json: "{}").id
        let driveCount = 40 + random.below(30)
        let messages = drives(driveCount)
        let rows = Array(0..<driveCount * 3)
        let batches = stride(from: 0, to: rows.count, by: 30).map { Array(rows[$0..<min($0 + 30, rows.count)]) }
        cuts = (device: devices.count, rows: Array(rows.count..<messages.count))
        devices.append(SimulatedDevice(id: id, ident: ident, messages: messages, batches: batches))
        let key = AssignmentKey(calculator: calculator, device: id)
        _ = try store.assign([key], isEnabled: true, isAutoCreated: false)
        note("device \(id) of \(driveCount) drives for \(calculator)")
    }

    /// The late messages are to be sent next.
    func cutDrives() {
        guard let cuts, !devices[cuts.device].isGone else { return }
        note("the drives are cut")
        faults.count("drives cut")
        devices[cuts.device].batches.append(cuts.rows)
        self.cuts = nil
    }

    /// Three messages a drive; then one in the middle of most of them.
    private func drives(_ count: Int) -> MessageBatch {
        let ids = ["engine.ignition.status", "position.speed"].compactMap { store.parameters.id(for: $0) }
        var builder = MessageBatchBuilder(table: store.parameters)
        func add(_ drive: Int, _ second: Int, _ isOn: Bool) {
            for (id, value) in zip(ids, [Value.boolean(isOn), .number(Double(drive % 7))]) { builder.set(id, value) }
            let moment = clock.now.advanced(bySeconds: Double(drive * 100 + second))
            builder.finishMessage(timestamp: moment, acceptance: .distantPast)
        }
        for drive in 0..<count { for second in [0, 20, 40] { add(drive, second, second < 40) } }
        for drive in 0..<count - random.below(12) { add(drive, 10, false) }
        return builder.build()
    }
}
