import LocalCache
import Recalculation
import SeededRandom
import Telemetry
import Testing

@Suite("Recalculation jobs")
struct RecalculationJobTests {
    private static let timerRange = TimeRange(lower: .distantFuture, upper: .distantFuture)

    /// A rig whose 1,000 messages have been calculated.
    private static func calculated(_ definition: String = JobRig.trips, chunkSize: Int? = nil) throws -> JobRig {
        let rig = try JobRig(definition)
        if let chunkSize {
            try rig.insert(JobRig.messages(1000), chunkSize: chunkSize)
        } else {
            try rig.append(JobRig.messages(1000))
        }
        try rig.run([.all])
        return rig
    }

    @Test(
        "the first job reads every message once and saves states on its way and at the end", arguments: [nil, 37, 300])
    func first(_ chunkSize: Int?) throws {
        let rig = try JobRig()
        let messages = JobRig.messages(1010)
        if let chunkSize { try rig.insert(messages, chunkSize: chunkSize) } else { try rig.append(messages) }
        let outcome = try rig.run([.all])
        #expect(outcome.messageCount == 1010 && outcome.reachesEnd && outcome.intervals.count == 17)
        let states = try rig.states()
        #expect(states.filter { !$0.isLast }.count == 20 && states.filter { !$0.isLast }.allSatisfy { $0.count == 50 })
        #expect(states.last?.moment == .at(10_090))
        #expect(try rig.intervals() == JobRig.full(messages))
    }

    @Test(
        "a long tail before, between and behind chunks is read part by part and gives the same",
        arguments: [1, 40, 300])
    func longTail(_ countMax: Int) throws {
        let rig = try JobRig()
        rig.tailCountMax = countMax
        let messages = JobRig.messages(1010)
        var parts = stride(from: 0, to: 1010, by: 10).map { Array(messages[$0..<$0 + 10]) }
        let (first, second) = (parts[40..<50], parts[70..<80])
        for chunks in [first, second] { try rig.insert(Array(chunks.joined()), chunkSize: 50) }
        parts = Array(parts[..<40] + parts[50..<70] + parts[80...])
        // Every third comes two too late.
        for index in stride(from: 0, to: parts.count - 2, by: 3) { parts.swapAt(index, index + 2) }
        for part in parts { try rig.append(part) }
        let outcome = try rig.run([.all], slice: 60)
        #expect(outcome.messageCount == 1010 && outcome.reachesEnd)
        #expect(try rig.intervals() == JobRig.full(messages))
    }

    @Test("without messages there is nothing, and no trap")
    func empty() throws {
        let rig = try JobRig()
        for ranges in [[TimeRange.all], [Self.timerRange], [], [TimeRange(lower: .at(5), upper: .at(6))]] {
            let outcome = try rig.run(ranges)
            #expect(outcome.messageCount == 0 && outcome.intervals.isEmpty)
        }
    }

    @Test("a late message costs the messages around it and stops where the states meet", arguments: [nil, 300])
    func lateMessage(_ chunkSize: Int?) throws {
        let rig = try Self.calculated(chunkSize: chunkSize)
        let late = JobRig.Message(second: 5005, isOn: true, speed: 99)
        let range = try rig.append([late])
        let outcome = try rig.run([range])
        #expect(outcome.messageCount <= 250 && !outcome.reachesEnd && outcome.timer == nil)
        #expect(outcome.intervals.count <= 4)
        #expect(try rig.intervals() == JobRig.full(JobRig.messages(1000) + [late]))
        let ids = try rig.cache.held(rig.key, firstOnIn: .all).map(\.id)
        #expect(ids == Array(1...17))
    }

    @Test("a late message that changes nothing stops at the next state")
    func harmlessMessage() throws {
        let rig = try Self.calculated()
        let late = JobRig.Message(second: 5355, isOn: false, speed: 0)
        let before = try rig.intervals()
        let outcome = try rig.run([try rig.append([late])])
        #expect(outcome.messageCount <= 150)
        #expect(try rig.intervals() == before)
    }

    @Test("new messages at the end cost the stretch since the last state only")
    func appended() throws {
        let rig = try Self.calculated()
        let all = JobRig.messages(1030)
        for index in 1000..<1030 {
            let outcome = try rig.run([try rig.append([all[index]])])
            #expect(outcome.messageCount <= 51 && outcome.reachesEnd)
        }
        #expect(try rig.intervals() == JobRig.full(all))
        let states = try rig.states()
        #expect(states.filter(\.isLast).count == 1 && states.last?.moment == .at(10_290))
    }

    @Test("messages that come one by one leave states behind them, so that a late one stays cheap")
    func liveStates() throws {
        let rig = try JobRig()
        let messages = JobRig.messages(300)
        for message in messages { try rig.run([try rig.append([message])]) }
        let states = try rig.states()
        let late = JobRig.Message(second: 2505, isOn: true, speed: 99)
        let outcome = try rig.run([try rig.append([late])])
        #expect(try rig.intervals() == JobRig.full(messages + [late]))
        #expect(states.count >= 6)
        #expect(outcome.messageCount <= 150)
    }

    @Test("a timer reads no message and only settles what is open")
    func timer() throws {
        let rig = try JobRig()
        let messages = JobRig.messages(40)
        try rig.append(messages)
        let first = try rig.run([.all], now: 395)
        #expect(try rig.intervals().map(\.isActive) == [true])
        #expect(first.timer == .at(415) || first.timer.map { $0 > .at(415) && $0 < .at(416) } ?? false)
        let states = try rig.states()
        let outcome = try rig.run([Self.timerRange], now: 500)
        #expect(outcome.messageCount == 0 && outcome.reachesEnd && outcome.savedStates.isEmpty && outcome.timer == nil)
        #expect(try rig.intervals().map(\.isActive) == [false])
        #expect(try rig.intervals() == JobRig.full(messages, now: 500))
        #expect(try rig.states() == states)
    }

    @Test("several ranges far apart are calculated each by itself")
    func severalRanges() throws {
        let rig = try Self.calculated()
        let late = [1005, 5005, 8995].map { JobRig.Message(second: $0, isOn: true, speed: 50) }
        let ranges = try late.map { try rig.append([$0]) }
        let outcome = try rig.run(ranges)
        #expect(outcome.regions.count == 3 && outcome.messageCount <= 700)
        #expect(try rig.intervals() == JobRig.full(JobRig.messages(1000) + late))
    }

    @Test("ranges that lie between two states are one stretch, each message read once")
    func neighbouringRanges() throws {
        let rig = try Self.calculated()
        let late = [5005, 5025, 5045].map { JobRig.Message(second: $0, isOn: true, speed: 50) }
        let outcome = try rig.run(try late.map { try rig.append([$0]) })
        #expect(outcome.regions.count == 1 && outcome.messageCount <= 250)
        #expect(try rig.intervals() == JobRig.full(JobRig.messages(1000) + late))
    }

    @Test(
        "counters that list messages are rebuilt from the begin of their interval",
        arguments: [[5005], [5005, 8995], [0, 9985]])
    func lists(_ seconds: [Int64]) throws {
        let rig = try Self.calculated(JobRig.lists, chunkSize: 300)
        let late = seconds.map { JobRig.Message(second: $0 + 3, isOn: true, speed: 50) }
        let outcome = try rig.run(try late.map { try rig.append([$0]) })
        #expect(seconds.count > 1 || outcome.messageCount <= 300)
        #expect(try rig.intervals() == JobRig.full(JobRig.messages(1000) + late, JobRig.lists))
    }

    @Test("a changed message that joins two trips joins them, and the older id stays")
    func joining() throws {
        let rig = try Self.calculated()
        let late = (500..<600).filter { $0 % 20 == 0 }.map {
            JobRig.Message(second: Int64($0) + 5, isOn: true, speed: 1)
        }
        let outcome = try rig.run([try rig.append(late)])
        #expect(outcome.messageCount <= 300)
        #expect(try rig.intervals() == JobRig.full(JobRig.messages(1000) + late))
        let held = try rig.cache.held(rig.key, firstOnIn: .all)
        #expect(held.count == 16 && held.first?.id == 1 && !held.contains { $0.id == 2 })
    }

    @Test(
        "a job cut into slices finds the same as in one run", arguments: [1, 7, 60, 299, 301],
        [JobRig.trips, JobRig.lists])
    func slices(_ slice: Int, _ definition: String) throws {
        let rig = try Self.calculated(definition, chunkSize: 100)
        let late = [1005, 1035, 5005, 9985].map { JobRig.Message(second: $0, isOn: true, speed: 50) }
        let ranges = try late.map { try rig.append([$0]) }
        for ranges in [ranges, [.all], [TimeRange(lower: .at(3000), upper: .at(7000))]] {
            let whole = try rig.outcome(ranges)
            let sliced = try rig.outcome(ranges, slice: slice)
            #expect(whole.messageCount == sliced.messageCount && whole.intervals == sliced.intervals)
            #expect(whole.regions == sliced.regions && whole.removedStates == sliced.removedStates)
            #expect(whole.savedStates == sliced.savedStates && whole.rangeRun == sliced.rangeRun)
            #expect(whole.reachesEnd == sliced.reachesEnd && whole.timer == sliced.timer)
        }
    }

    @Test("a slice reads about as many messages as it may")
    func sliceSize() throws {
        let rig = try JobRig()
        try rig.insert(JobRig.messages(1000), chunkSize: 100)
        var job = rig.job([.all])
        var runs = 1
        while try !job.run(messageCountMax: 150, rig.cache) {
            #expect(job.outcome.messageCount <= runs * 250)
            runs += 1
        }
        #expect(job.outcome.messageCount == 1000 && runs >= 4)
    }

    @Test("a saved state that cannot be read starts the evaluation anew")
    func damagedState() throws {
        let rig = try Self.calculated()
        for var state in try rig.states() {
            state.bytes = [255, 1, 2]
            try rig.cache.setState(rig.key, state)
        }
        let late = JobRig.Message(second: 5005, isOn: true, speed: 99)
        let outcome = try rig.run([try rig.append([late])])
        #expect(outcome.messageCount == 1001 && outcome.reachesEnd)
        #expect(try rig.intervals() == JobRig.full(JobRig.messages(1000) + [late]))
        #expect(try rig.states().allSatisfy { $0.bytes.count > 3 })
    }

    @Test(
        "whatever comes late, in whatever portions, the intervals are those of one full evaluation", arguments: 0..<12,
        [JobRig.trips, JobRig.lists])
    func model(_ seed: UInt64, _ definition: String) throws {
        var random = SeededGenerator(seed: seed)
        let rig = try JobRig(definition, stateSpacing: Int.random(in: 1...30, using: &random))
        var isOn = false
        let messages = (0..<150).map { index in
            if random.chance(0.12) { isOn.toggle() }
            return JobRig.Message(
                second: Int64(index) * 10 + Int64.random(in: 0...9, using: &random), isOn: isOn,
                speed: Double(index % 9))
        }
        let cut = Int.random(in: 1..<messages.count, using: &random)
        try rig.insert(
            messages[..<cut].filter { _ in random.chance(0.8) }, chunkSize: Int.random(in: 5...60, using: &random))
        var seen = try Set(Self.seconds(rig))
        try rig.run([.all], now: 100_000)
        let rest = messages.filter { !seen.contains($0.second) }.shuffled(using: &random)
        var start = 0
        while start < rest.count {
            let end = min(rest.count, start + Int.random(in: 1...25, using: &random))
            var list = InvalidationList()
            for message in rest[start..<end] {
                let range = try rig.append([message])
                list.add(Invalidation(range: range, since: .at(0), due: .at(0), cause: "messages"))
                seen.insert(message.second)
            }
            try rig.run(list.ranges, now: 100_000, slice: Int.random(in: 1...50, using: &random))
            start = end
            let expected = try JobRig.full(messages.filter { seen.contains($0.second) }, definition, now: 100_000)
            #expect(try rig.intervals() == expected, "seed \(seed), after \(end) late messages")
        }
    }

    /// The seconds of the messages in the rig's chunks.
    private static func seconds(_ rig: JobRig) throws -> [Int64] {
        try rig.cache.chunks(rig.key.device, endingAfter: .distantPast).flatMap { chunk in
            try rig.cache.chunk(rig.key.device, first: chunk.first, parameters: [], hashes: false).timestamps.map {
                $0 / 1_000_000
            }
        }
    }
}
