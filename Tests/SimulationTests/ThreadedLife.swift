import FaultDisk
import Logging
import PrimaryStore
import ReferenceEvaluator
import SeededRandom
import Synchronization
import Telemetry

@testable import CalcProcess

/// A life of the calc process as it is shipped, with its threads, on a simulated disk: devices send and people edit at
/// the same time, the disk fails and dies, and the process is started again.
///
/// Who is first is up to the threads, so that a seed gives the same world each time and not the same life. At rest the
/// invariants are those of the simulation.
final class ThreadedLife {
    private let world: Simulation
    private let pace: Pace
    private var random: SeededGenerator
    private let startCount: Int

    init(seed: UInt64) throws {
        random = SeededGenerator(seed: seed &* 0x94d0_49bb_1331_11eb &+ 0x3)
        world = try Simulation(seed: seed, isThreaded: true)
        pace = Pace(world.clock)
        startCount = 2 + random.below(3)
    }

    var faults: FaultCount { world.faults }

    /// Lives, and returns what was broken; nil if everything held.
    func run() async throws -> String? {
        for start in 1...startCount {
            let isLast = start == startCount
            let (hasRested, reason) = try await live(hasTroubles: !isLast, left: startCount - start + 1)
            if isLast, !hasRested { return "start \(start): \(reason ?? "it does not come to rest")" }
            if hasRested, let difference = try world.failure ?? world.difference() {
                return "start \(start): \(difference)"
            }
            if hasRested || start + 1 == startCount { world.cutDrives() }
            world.hasStoreFailed = true
            if !isLast { world.openStoreAgain() }
        }
        return world.failure
    }

    /// From a start of the process to its end; whether it came to rest before, and why it ended if nobody asked it to.
    private func live(hasTroubles: Bool, left: Int) async throws -> (hasRested: Bool, reason: String?) {
        let process = try makeProcess()
        let senders = makeSenders(left)
        let hasEnded = Flag()
        let open = Countdown(senders.count)
        pace.begin(process)
        let result = await withTaskGroup(of: String?.self) { group in
            group.addTask {
                defer { hasEnded.raise() }
                do {
                    try await process.run()
                    return nil
                } catch { return "\(error)" }
            }
            for sender in senders {
                group.addTask {
                    await sender.send()
                    open.countDown()
                    return nil
                }
            }
            var eventsLeft = random.pick([10, 40])
            while eventsLeft > 0 || !open.isOver, !hasEnded.isRaised {
                await doSomething(process, hasTroubles: hasTroubles)
                eventsLeft -= 1
            }
            let isCrash = hasTroubles && random.among(3)
            if isCrash { crash() }
            let hasRested = isCrash ? false : await rest(process, hasEnded)
            pace.end()
            group.cancelAll()
            var reason: String?
            for await answer in group { reason = answer ?? reason }
            return (hasRested, reason)
        }
        for sender in senders { sender.settle(world) }
        return result.0 && result.1 == nil ? (true, nil) : (false, result.1 ?? unrest)
    }

    /// Why it last did not rest.
    private var unrest: String?

    private func makeProcess() throws -> CalcProcess {
        var configuration = CalcProcess.Configuration(folder: world.storeDisk.folder, workerCount: 1 + random.below(3))
        configuration.sealSeconds = world.rates.sealSeconds
        configuration.sealCount = world.rates.sealCount
        configuration.coldSeconds = world.rates.coldSeconds
        configuration.scrubSeconds = 60
        // Simulated time passes much faster than the threads wait.
        configuration.leaseSeconds = 1e9
        let logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        return try CalcProcess(
            store: world.store, timeZones: world.timeZones, configuration: configuration,
            now: { [clock = world.clock] in clock.now }, logger: logger)
    }

    /// What the devices send before the next start.
    private func makeSenders(_ startsLeft: Int) -> [Sender] {
        world.devices.indices.filter { !world.devices[$0].isGone }.map { index in
            let device = world.devices[index]
            let count = (device.batches.count + startsLeft - 1) / startsLeft
            let batches = device.batches.prefix(count).map { device.messages.gather($0) }
            return Sender(index, device, batches, world.store, world.clock)
        }
    }

    // MARK: What happens meanwhile

    private func doSomething(_ process: CalcProcess, hasTroubles: Bool) async {
        switch random.below(12) {
        case 0, 1: world.edit()
        case 2: try? process.setReplays(isPaused: random.among(2), share: random.pick([0.05, 0.5, 1]))
        case 3: await setFields(process)
        case 4: if let key = someKey() { try? process.recalculate(key, range: nil) }
        case 5 where hasTroubles && random.among(2): world.troubleStore()
        case 6: await decide(process, isReleased: random.among(2))
        case 7:
            _ = process.replays()
            _ = process.metrics
        case 8: world.clock.advance(bySeconds: random.pick([1.0, 70, 4_000]))
        default: await askAll(process)
        }
    }

    private func someKey() -> AssignmentKey? {
        (try? world.store.registry())?.assignments.randomElement(using: &random)?.key
    }

    private func setFields(_ process: CalcProcess) async {
        guard let key = someKey(),
            let id = ((try? world.store.heldIntervals(key)) ?? []).randomElement(using: &random)?.id
        else { return }
        let name = FieldsName(key: key, id: id)
        let value = Double(random.below(10))
        let isSet: Void? = try? await process.setIntervalFields(
            key, id: id, fields: [JSONValue.Member("custom.note", .number(value))])
        world.toldFields[name] = isSet.map { value }
    }

    private func decide(_ process: CalcProcess, isReleased: Bool) async {
        for job in (try? world.store.heldJobs()) ?? [] {
            world.faults.count("held job")
            if !isReleased { world.discarded.insert(job.key) }
            _ = try? await process.decide(job: job.id, isReleased: isReleased)
        }
    }

    /// Waits until every worker has answered: until then it has begun another round. False if one does nothing just
    /// now.
    @discardableResult
    private func askAll(_ process: CalcProcess) async -> Bool {
        var isAtWork = true
        for device in world.devices.map(\.id) {
            let key = AssignmentKey(calculator: CalculatorID(1), device: device)
            do throws(StoreError) { try await process.setIntervalFields(key, id: -1, fields: []) } catch {
                guard case .notFound = error else {
                    isAtWork = false
                    unrest = "a worker does nothing: \(error)"
                    continue
                }
            }
        }
        return isAtWork
    }

    /// The power goes, or the process is killed.
    private func crash() {
        let disk = world.storeDisk.disk
        world.faults.count("process killed with its threads")
        if random.among(2) { disk.kill() } else { disk.cutPower(seed: random.next()) }
    }

    // MARK: Rest

    /// Ends all trouble, and waits until nothing is left to be done; false if the process ends before.
    private func rest(_ process: CalcProcess, _ hasEnded: Flag) async -> Bool {
        world.storeDisk.disk.clearFaults()
        world.storeDisk.disk.capacity = nil
        let deadline = world.clock.now.advanced(bySeconds: Self.restSecondsMax)
        for key in world.discarded { try? process.recalculate(key, range: nil) }
        world.discarded = []
        while !hasEnded.isRaised, !world.storeDisk.disk.isDead {
            try? process.setReplays(isPaused: false, share: 1)
            await askAll(process)
            await decide(process, isReleased: true)
            pace.stand()
            // The second answer comes after a whole round at the moment at which the clock stands now.
            var isAtWork = true
            for _ in 0..<3 { isAtWork = await askAll(process) && isAtWork }
            if isAtWork { unrest = whatIsLeft(process) }
            if isAtWork, unrest == nil { return !hasEnded.isRaised }
            guard world.clock.now < deadline else { return false }
            pace.go()
        }
        return false
    }

    /// Simulated seconds in which everything comes to rest.
    private static let restSecondsMax = 20_000.0

    /// What is left to be done, by what the process says; nil if nothing is.
    private func whatIsLeft(_ process: CalcProcess) -> String? {
        guard let registry = try? world.store.registry() else { return "the store cannot be read" }
        for record in registry.assignments where record.isEnabled {
            let status = process.status(of: record.key)
            if let failure = status.failure { return "\(record.key) fails: \(failure)" }
            if status.heldJob != nil { return "\(record.key) is held" }
            guard status.pendingSince == nil, status.sync == .synced, status.appliedPosition >= world.store.lastPosition
            else { return "\(record.key) is not calculated: \(status)" }
            guard process.status(of: record.key.device).sync == .synced else { return "\(record.key.device) is copied" }
        }
        let progress = process.replays().progress
        return progress.first { $0.ended == nil }.map { "replays go on: \($0)" }
    }
}

/// Something that has happened.
final class Flag: Sendable {
    private let value = Atomic(false)

    var isRaised: Bool { value.load(ordering: .acquiring) }

    func raise() { value.store(true, ordering: .releasing) }
}

/// How many are still at work.
final class Countdown: Sendable {
    private let count: Atomic<Int>

    init(_ count: Int) { self.count = Atomic(count) }

    var isOver: Bool { count.load(ordering: .acquiring) <= 0 }

    func countDown() { count.subtract(1, ordering: .releasing) }
}
