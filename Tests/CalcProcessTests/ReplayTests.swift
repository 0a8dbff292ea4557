import FoundationEssentials
import PrimaryStore
import ReferenceBridge
import ReferenceEvaluator
import Synchronization
import Telemetry
import Testing

@testable import CalcProcess

/// Whole histories in the background: live messages come first, and nothing is calculated more often than it must be.
struct ReplayTests {
    static let deviceCount = 20
    static let messageCount = 300

    @Test("a calculator that is edited while its replays run: what has not begun runs once, with the new revision")
    func edit() throws {
        let fleet = try ReplayFleet()
        // Some are done, and one is in its middle.
        try fleet.round {
            let metrics = fleet.rig.board.metrics
            return metrics.jobsRun >= 6 && metrics.messagesReplayed > metrics.jobsRun * Int64(Self.messageCount)
        }
        let before = fleet.rig.board.metrics
        let done = before.jobsRun
        #expect(done >= 6 && done < Self.deviceCount)
        #expect(before.messagesReplayed > done * Int64(Self.messageCount), "some are under way")
        let edited = ReplayFleet.calculator.replacing("\"method\":\"maximum\"", with: "\"method\":\"minimum\"")
        _ = try fleet.rig.store.replaceCalculator(fleet.calculator, name: "c", json: edited, expecting: nil)
        try fleet.settle()
        let after = fleet.rig.board.metrics
        #expect(after.jobsRun == done + Int64(Self.deviceCount), "each once more, those under way not twice")
        #expect(after.messagesReplayed == before.messagesReplayed + Int64(Self.deviceCount * Self.messageCount))
        #expect(after.messagesEvaluated == after.messagesReplayed)
        for key in fleet.keys {
            let texts = try fleet.rig.texts(key)
            #expect(texts.count == 30 && texts.allSatisfy { $0.contains("\"least\":0") || $0.contains("\"top\":0") })
        }
        let progress = try #require(fleet.progress)
        #expect(progress.total == Self.deviceCount && progress.done == progress.total && progress.ended != nil)
    }

    @Test("a live message is calculated in the next round while replays are under way")
    func live() throws {
        let fleet = try ReplayFleet()
        try fleet.settle()
        _ = try fleet.rig.store.createCalculator(name: "other", json: ReplayFleet.calculator)
        let others = fleet.keys.dropFirst().map { AssignmentKey(calculator: CalculatorID(2), device: $0.device) }
        _ = try fleet.rig.store.assign(others, isEnabled: true, isAutoCreated: false)
        try fleet.round { fleet.rig.board.metrics.replaysPending == others.count }
        try fleet.round { fleet.rig.board.replayProgress(at: fleet.rig.now).last?.done ?? 0 >= 2 }
        let count = try fleet.rig.texts(fleet.keys[0]).count
        try fleet.send(fleet.keys[0].device, from: Self.messageCount, count: 5)
        fleet.rig.now = fleet.rig.now.advanced(bySeconds: 2)
        _ = try fleet.worker.round([])
        fleet.rig.now = fleet.rig.now.advanced(bySeconds: 1)
        _ = try fleet.worker.round([])
        #expect(try fleet.rig.texts(fleet.keys[0]).count == count + 1)
        #expect(fleet.rig.board.metrics.replaysPending > 10)
    }

    @Test("replays take their share of the time and not much less", arguments: [0.05, 0.25, 0.5, 0.9])
    func share(_ share: Double) throws {
        let fleet = try ReplayFleet(deviceCount: 30, messageCount: 200)
        fleet.control.settings.share = share
        fleet.isTimed = true
        var replayed = 0.0
        let start = fleet.rig.now
        try fleet.round { fleet.progress?.running ?? 0 > 0 }
        while fleet.progress?.ended == nil {
            let before = fleet.rig.now
            // There is nothing else to be busy with.
            let isBusy = try fleet.worker.round([])
            if isBusy {
                replayed += fleet.rig.now.seconds - before.seconds
            } else {
                fleet.rig.now = fleet.rig.now.advanced(bySeconds: fleet.worker.secondsToWait())
            }
        }
        let part = replayed / (fleet.rig.now.seconds - start.seconds)
        #expect(part < share * 1.15 && part > share * 0.7, "they took \(part)")
    }

    @Test("paused replays keep their place, others do not begin, and live messages go on")
    func pause() throws {
        let fleet = try ReplayFleet()
        try fleet.round { fleet.progress?.done ?? 0 >= 3 && fleet.progress?.running ?? 0 >= 3 }
        fleet.control.settings.isPaused = true
        let before = fleet.rig.board.metrics
        let done = try #require(fleet.progress)
        let free = try #require(fleet.keys.first { (try? fleet.rig.texts($0).isEmpty) == false })
        try fleet.send(free.device, from: Self.messageCount, count: 5)
        fleet.rig.now = fleet.rig.now.advanced(bySeconds: 60)
        _ = try fleet.worker.round([])
        fleet.rig.now = fleet.rig.now.advanced(bySeconds: 60)
        while try fleet.worker.round([]) {}
        #expect(fleet.rig.board.metrics.messagesReplayed == before.messagesReplayed)
        #expect(try fleet.rig.texts(free).count == 31)
        #expect(fleet.progress?.running == done.running && fleet.progress?.done == done.done)
        #expect(fleet.worker.secondsToWait() >= 0.05, "it does not spin")
        fleet.control.settings.isPaused = false
        try fleet.settle()
        #expect(fleet.rig.board.metrics.messagesReplayed == Int64(Self.deviceCount * Self.messageCount))
        #expect(fleet.progress?.done == Self.deviceCount)
    }

    @Test("an edit while replays are paused leaves each of them waiting once")
    func pausedEdits() throws {
        let fleet = try ReplayFleet()
        fleet.control.settings.isPaused = true
        for round in 0..<6 {
            let json = ReplayFleet.calculator.replacing("\"c\"", with: "\"c\(round)\"")
            _ = try fleet.rig.store.replaceCalculator(fleet.calculator, name: "c", json: json, expecting: nil)
            fleet.rig.now = fleet.rig.now.advanced(bySeconds: 60)
            while try fleet.worker.round([]) {}
        }
        #expect(fleet.worker.replays.count == Self.deviceCount)
        #expect(fleet.rig.board.metrics.replaysPending == Self.deviceCount && fleet.progress?.running == 0)
        fleet.control.settings.isPaused = false
        try fleet.settle()
        #expect(fleet.rig.board.metrics.jobsRun == Self.deviceCount)
    }
}

/// The count of replays by itself.
struct ReplayTallyTests {
    private let start = Timestamp(seconds: 1_700_000_000)

    private func key(_ device: Int64) -> AssignmentKey {
        AssignmentKey(calculator: CalculatorID(1), device: DeviceID(device))
    }

    @Test("total, done and running follow what is said of each device, and one done again counts once")
    func counts() throws {
        var tally = ReplayTally()
        for device in 1...4 { tally.note(key(Int64(device)), .waiting, at: start) }
        tally.note(key(1), .running, at: start)
        tally.note(key(2), .running, at: start)
        tally.note(key(2), .done, at: start)
        tally.note(key(2), .done, at: start)
        #expect(try counts(tally) == [4, 1, 1])
        tally.note(key(2), .waiting, at: start)
        #expect(try counts(tally) == [4, 0, 1])
        tally.note(key(3), .none, at: start)
        #expect(try counts(tally) == [3, 0, 1])
        for device in [1, 2, 4] { tally.note(key(Int64(device)), .done, at: start) }
        #expect(try counts(tally) == [3, 3, 0] && tally.openCount == 0 && tally.doneCount == 4)
        tally.note(key(1), .done, at: start)
        tally.note(key(4), .waiting, at: start)
        #expect(try counts(tally) == [1, 0, 0], "what comes after the end is another batch")
    }

    private func counts(_ tally: ReplayTally) throws -> [Int] {
        let progress = try #require(tally.progress(at: start).first)
        return [progress.total, progress.done, progress.running]
    }

    @Test("speed is that of the last seconds, and the time left follows from it")
    func speed() throws {
        var tally = ReplayTally()
        for device in 1...10 { tally.note(key(Int64(device)), .waiting, at: start) }
        for second in 0..<20 {
            let moment = start.advanced(bySeconds: Double(second))
            tally.count(second < 10 ? 1_000 : 200, of: CalculatorID(1), at: moment)
            if second % 10 == 9 { tally.note(key(Int64(second / 10 + 1)), .done, at: moment) }
        }
        let now = start.advanced(bySeconds: 19.5)
        let progress = try #require(tally.progress(at: now).first)
        #expect(progress.messages == 12_000 && progress.messagesPerSecond == 200)
        // 6,000 messages a device, 8 devices, 200 messages/s.
        #expect(progress.secondsLeft == 240)
        let later = try #require(tally.progress(at: now.advanced(bySeconds: 60)).first)
        #expect(later.messagesPerSecond == 0 && later.secondsLeft == nil)
    }

    @Test("a batch that has ended is told of for an hour")
    func ended() {
        var tally = ReplayTally()
        tally.note(key(1), .waiting, at: start)
        tally.note(key(1), .done, at: start.advanced(bySeconds: 5))
        #expect(tally.progress(at: start.advanced(bySeconds: 3_600)).map(\.ended) == [start.advanced(bySeconds: 5)])
        #expect(tally.progress(at: start.advanced(bySeconds: 3_606)).isEmpty)
    }
}

/// Devices with a history each, and one worker whose time goes as the test says.
final class ReplayFleet {
    static let calculator = """
        {"name":"c","update_delay":1,"selectors":[{"type":"expression","expression":"din","min_active":0}],\
        "counters":[{"name":"top","type":"expression","expression":"$load","method":"maximum"}]}
        """

    let rig: WorkerRig
    let control = ReplayControl()
    let calculator = CalculatorID(1)
    let keys: [AssignmentKey]
    private let clock: ReplayClock
    /// Whether looking at the processor's time takes time, as work would.
    var isTimed: Bool {
        get { clock.isTimed }
        set { clock.isTimed = newValue }
    }

    init(deviceCount: Int = ReplayTests.deviceCount, messageCount: Int = ReplayTests.messageCount) throws {
        let clock = ReplayClock()
        self.clock = clock
        let control = control
        rig = try WorkerRig(now: Timestamp(seconds: 1_700_100_000), sealSeconds: 1e9) { setup in
            setup.replays = control
            setup.sliceMessageCount = 100
            setup.processorTime = { clock.look() }
        }
        keys = (1...deviceCount).map { AssignmentKey(calculator: CalculatorID(1), device: DeviceID(Int64($0))) }
        for key in keys {
            _ = try rig.store.createDevice(ident: "d\(key.device)", name: "van", json: "{}")
            try send(key.device, from: 0, count: messageCount)
        }
        _ = try rig.store.createCalculator(name: "c", json: Self.calculator)
        _ = try rig.store.assign(keys, isEnabled: true, isAutoCreated: false)
        clock.passing = { [weak rig] seconds in rig.map { $0.now = $0.now.advanced(bySeconds: seconds) } }
    }

    var worker: Worker { rig.workers[0] }
    var progress: ReplayProgress? { rig.board.replayProgress(at: rig.now).first }

    /// A message a minute; five on, five off.
    func send(_ device: DeviceID, from: Int, count: Int) throws {
        let messages = (from..<from + count).map { index in
            let moment = (1_700_000_000 + Int64(index) * 60) * 1_000_000
            let values: [String: RefValue] = ["din": .boolean(index % 10 < 5), "load": .number(Double(index % 5))]
            return RefMessage(timestampMicroseconds: moment, acceptanceMicroseconds: moment, values: values)
        }
        _ = try rig.store.append([LogAppend(device: device, batch: MessageBatch(messages, rig.store.parameters))])
    }

    /// Works round by round until something is so.
    func round(until isReached: () -> Bool) throws {
        for _ in 0..<5_000 where !isReached() {
            _ = try worker.round([])
            if !isTimed { rig.now = rig.now.advanced(bySeconds: 0.1) }
        }
        #expect(isReached())
    }

    func settle() throws {
        for _ in 0..<3 {
            rig.now = rig.now.advanced(bySeconds: 60)
            try rig.settle()
        }
    }
}

/// A processor whose time goes on by each look at it.
///
/// Unchecked: used on the test's own thread only.
private final class ReplayClock: @unchecked Sendable {
    var isTimed = false
    var passing: (Double) -> Void = { _ in }
    private var nanoseconds: UInt64 = 0

    func look() -> UInt64 {
        // Two or three slices in the 50 ms that replays have between two looks at the log.
        nanoseconds += 10_000_000
        if isTimed { passing(0.01) }
        return nanoseconds
    }
}
