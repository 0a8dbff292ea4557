import PrimaryStore
import SeededRandom
import Synchronization
import Telemetry
import Testing

@testable import Publishing

@Suite("Delivery at random")
struct DeliveryRandomTests {
    /// Small limits, so that everything takes several deliveries.
    private static func limits(_ random: inout SeededGenerator) -> DeliveryLimits {
        var limits = DeliveryLimits()
        limits.rowCountMax = Int.random(in: 1...20, using: &random)
        limits.byteCountMax = Int.random(in: 1...4_000, using: &random)
        limits.messages = MessageLimit(messageCountMax: Int.random(in: 1...20, using: &random))
        limits.catchUpBackSeconds = Double.random(in: 0...10, using: &random)
        return limits
    }

    @Test("at rest the sink has what the store has, whatever failed meanwhile", arguments: 1...60)
    func random(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let rig = try DeliveryRig(Self.limits(&random))
        var fleet = try Fleet(rig)
        let faults = FaultPlan(seed: UInt64(seed), share: [0, 0.02, 0.15][seed % 3])
        rig.server.update { $0.fault = { name in faults.next(name) } }
        for _ in 0..<250 { try fleet.step(rig, &random) }
        faults.stop()
        rig.server.update { $0.isDown = false }
        try rig.settle()
        try rig.compare("seed \(seed)")
        #expect(try rig.store.audit(slots: .all) == [], "seed \(seed)")
    }

    /// Devices and assignments, and what happens to them and to the delivery.
    private struct Fleet {
        private var keys: [AssignmentKey] = []
        private var calculators: [CalculatorID] = []
        private var deviceCount = 0
        /// What a server that lags behind has.
        private var standby: (contents: ReportServer.Contents, at: Timestamp)?

        init(_ rig: DeliveryRig) throws {
            for _ in 0..<2 { calculators.append(try rig.calculator()) }
            for _ in 0..<3 { try addDevice(rig) }
        }

        private mutating func addDevice(_ rig: DeliveryRig) throws {
            deviceCount += 1
            let device = try rig.device("d\(deviceCount)")
            let made = calculators.map { AssignmentKey(calculator: $0, device: device) }
            _ = try rig.store.assign(made, isEnabled: true, isAutoCreated: false)
            keys += made
        }

        mutating func step(_ rig: DeliveryRig, _ random: inout SeededGenerator) throws {
            rig.clock.advance(Double.random(in: 0...3, using: &random))
            guard let key = keys.randomElement(using: &random) else { return }
            if Int.random(in: 0..<5, using: &random) == 0 { standby = (rig.server.contents, rig.clock.now) }
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<25: _ = rig.feed.step()
            case 25..<50: _ = rig.messages.step()
            case 50..<65: try rig.randomPush(key, &random)
            case 65..<77: try rig.append(key.device, isLate: Bool.random(using: &random))
            case 77..<84: try rig.seal(key.device)
            case 84..<87: try rig.expire(key)
            case 87..<91:
                let slot = Slot(device: key.device)
                _ = try rig.store.trimFeed(slot: slot, epoch: rig.epoch(slot), before: .distantFuture)
            case 91..<98: try change(rig, key, &random)
            default: try disturb(rig, &random)
            }
        }

        private mutating func change(
            _ rig: DeliveryRig, _ key: AssignmentKey, _ random: inout SeededGenerator
        ) throws {
            switch Int.random(in: 0..<5, using: &random) {
            case 0: try addDevice(rig)
            case 1:
                _ = try rig.store.replaceCalculator(key.calculator, name: "trips", json: "{}", expecting: nil)
            case 2 where keys.count > 4:
                try rig.store.deleteDevice(key.device, at: rig.clock.now)
                keys.removeAll { $0.device == key.device }
            case 3 where keys.count > 4:
                _ = try rig.store.unassign([key], at: rig.clock.now)
                keys.removeAll { $0 == key }
            default:
                calculators.append(try rig.calculator())
                let made = AssignmentKey(calculator: calculators[calculators.count - 1], device: key.device)
                _ = try rig.store.assign([made], isEnabled: true, isAutoCreated: false)
                keys.append(made)
            }
        }

        private func disturb(_ rig: DeliveryRig, _ random: inout SeededGenerator) throws {
            switch Int.random(in: 0..<4, using: &random) {
            case 0: rig.restartDelivery()
            case 1: rig.server.update { $0.isDown.toggle() }
            case 2: rig.board.askForRebuild(SlotSet(try rig.store.registry().devices.map { Slot(device: $0.id) }))
            default:
                // It may lag behind by as much as a catch-up goes back, and no more.
                let lag = standby.map { rig.clock.now.seconds(after: $0.at) } ?? .infinity
                rig.server.takeOver(
                    lag < rig.limits.catchUpBackSeconds ? standby?.contents ?? .init() : rig.server.contents)
            }
        }
    }
}

/// Faults at random, the same ones for the same seed.
final class FaultPlan: Sendable {
    private struct State {
        var random: SeededGenerator
        var isStopped = false
    }

    private let share: Double
    private let state: Mutex<State>

    init(seed: UInt64, share: Double) {
        self.share = share
        state = Mutex(State(random: SeededGenerator(seed: seed &+ 1_000)))
    }

    func stop() { state.withLock { $0.isStopped = true } }

    func next(_ name: String) -> ReportServer.Fault? {
        state.withLock { state in
            guard !state.isStopped, Double.random(in: 0..<1, using: &state.random) < share else { return nil }
            // A refusal stops the loop for a minute: it is rarer.
            let isRefused = Int.random(in: 0..<20, using: &state.random) == 0
            return isRefused ? .refused : Bool.random(using: &state.random) ? .before : .after
        }
    }
}
