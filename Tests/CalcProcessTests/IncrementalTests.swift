import Calculators
import Evaluation
import Expressions
import FoundationEssentials
import PrimaryStore
import ReferenceBridge
import ReferenceEvaluator
import SeededRandom
import Telemetry
import Testing
import TimeZones

@testable import CalcProcess

/// Intervals are what one full evaluation gives, whatever the order, batching, lateness and duplication of messages,
/// and whatever restarts in between.
struct IncrementalTests {
    static let caseCount = ProcessInfo.processInfo.environment["ODOGRAPH_CASES"].flatMap(UInt64.init) ?? 150
    static let firstSeed = ProcessInfo.processInfo.environment["ODOGRAPH_SEED"].flatMap(UInt64.init) ?? 1

    @Test("incremental equals full recalculation for random calculators, messages, batches and restarts")
    func incrementalEqualsFull() throws {
        for seed in Self.firstSeed..<(Self.firstSeed + Self.caseCount) {
            let given = Generator.generatedCase(seed: seed, hasGeofences: false)
            guard Self.isSupported(given), !given.messages.isEmpty else { continue }
            var run = try IncrementalRun(given)
            if let difference = try run.difference() {
                Issue.record("seed \(seed): \(difference)\n\(given.calculatorJSON)")
                return
            }
        }
    }

    static func isSupported(_ given: GeneratedCase) -> Bool {
        ["\"inactive\"", "geofence"].allSatisfy { !given.calculatorJSON.contains($0) }
    }
}

/// One random life of an assignment.
private struct IncrementalRun {
    private let given: GeneratedCase
    private let rig: WorkerRig
    private let key: AssignmentKey
    private let calculator: Calculator
    private let batches: [MessageBatch]
    private let whole: MessageBatch
    private var random: SeededGenerator
    private var log: [String] = []
    /// Batches until the assignment is enabled again; nil while it is.
    private var batchesUntilEnabled: Int?

    init(_ given: GeneratedCase) throws {
        self.given = given
        random = SeededGenerator(seed: given.seed &+ 77)
        let now = Timestamp(microseconds: given.nowMicroseconds)
        rig = try WorkerRig(
            now: now.advanced(bySeconds: -100_000), sealSeconds: random.pick([0, 30, 1e9]),
            stateSpacing: random.pick([1, 3, 20, 100]))
        calculator = try Calculator(JSONValue(parsing: given.calculatorJSON))
        key = AssignmentKey(calculator: CalculatorID(1), device: DeviceID(7))
        for index in 1...7 {
            let entity = "{\"metadata\":\(given.metadataJSON)}"
            _ = try rig.store.createDevice(
                ident: index == 7 ? "352093081452251" : "other-\(index)", name: "van \(index)", json: entity)
        }
        _ = try rig.store.createCalculator(name: "random", json: given.calculatorJSON)
        _ = try rig.store.assign([key], isEnabled: true, isAutoCreated: false)
        whole = MessageBatch(given.messages, rig.store.parameters)
        batches = whole.shuffledBatches(&random)
    }

    mutating func difference() throws -> String? {
        for batch in batches {
            _ = try rig.store.append([LogAppend(device: key.device, batch: batch)])
            try disturb()
            try enableAgain(after: batchesUntilEnabled)
        }
        try enableAgain(after: batchesUntilEnabled.map { _ in 0 })
        rig.now = Timestamp(microseconds: given.nowMicroseconds)
        try rig.settle()
        // What waits for its update interval is due as well.
        for worker in rig.workers {
            _ = try worker.round([.recalculate(key, TimeRange(lower: .distantFuture, upper: .distantFuture))])
        }
        try rig.settle()
        let expected = try expectedTexts()
        let actual = try rig.texts(key)
        let ids = Set(try rig.store.heldIntervals(key).map(\.id))
        if try rig.replayedFeed(key) != ids { return "the feed replayed gives other intervals" }
        if expected == actual { return nil }
        let place = zip(expected, actual).enumerated().first { $0.element.0 != $0.element.1 }
        return """
            expected \(expected.count), found \(actual.count); first difference at \(place.map { "\($0.offset)" } ?? "the end"):
            expected \(place.map { $0.element.0 } ?? "")
            found    \(place.map { $0.element.1 } ?? "")
            after \(log.suffix(12))
            """
    }

    /// Enables the assignment once its time has come; sometimes the workers end before they have seen it.
    private mutating func enableAgain(after batches: Int?) throws {
        guard let batches else { return }
        batchesUntilEnabled = batches - 1
        guard batches <= 0 else { return }
        batchesUntilEnabled = nil
        try rig.store.setAssignment(key, isEnabled: true)
        if Bool.random(using: &random) { try rig.start(workerCount: rig.workers.count) }
    }

    private mutating func disturb() throws {
        let dice = Int.random(in: 0..<20, using: &random)
        log.append("\(dice)")
        switch dice {
        case 0..<12: try rig.disturb(dice, &random)
        case 12 where Int.random(in: 0..<3, using: &random) == 0: try changeRegistry()
        default: break
        }
    }

    /// Changes what must calculate history anew; what it leaves is what the case says.
    private mutating func changeRegistry() throws {
        let store = rig.store
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
            let other = "{\"name\":\"other\",\"selectors\":[{\"type\":\"datetime\"}],\"counters\":[]}"
            _ = try store.replaceCalculator(key.calculator, name: "other", json: other, expecting: nil)
            if Bool.random(using: &random) { try rig.settle() }
            _ = try store.replaceCalculator(
                key.calculator, name: "random", json: given.calculatorJSON, expecting: nil)
        case 1:
            try store.setAssignment(key, isEnabled: false)
            if Bool.random(using: &random) { try rig.settle() }
            batchesUntilEnabled = Int.random(in: 0...4, using: &random)
        case 2:
            let ident = "352093081452251"
            _ = try store.replaceDevice(
                key.device, ident: ident, name: "renamed", json: "{\"metadata\":{\"limit\":1}}", expecting: nil)
            if Bool.random(using: &random) { try rig.settle() }
            let entity = "{\"metadata\":\(given.metadataJSON)}"
            _ = try store.replaceDevice(key.device, ident: ident, name: "van 7", json: entity, expecting: nil)
        default:
            _ = try store.unassign([key], at: rig.now)
            if Bool.random(using: &random) { try rig.settle() }
            _ = try store.assign([key], isEnabled: true, isAutoCreated: false)
        }
    }

    private func expectedTexts() throws -> [String] {
        let environment = ExpressionEnvironment(
            timeZone: try TimeZoneDatabase().table(calculator.timeZoneName),
            metadata: try JSONValue(parsing: given.metadataJSON), mileageOutlierSpeed: calculator.mileageOutlierSpeed)
        let facts = DeviceFacts(id: key.device, ident: "352093081452251", name: "van 7")
        let binding = ColumnBinding(calculator.layout, table: rig.store.parameters, facts: facts)
        var evaluator = Evaluator(calculator, environment: environment)
        let settled = evaluator.consume(binding.block(whole.sorted()))
        let now = Timestamp(microseconds: given.nowMicroseconds)
        return (settled + evaluator.pendingIntervals(now: now)).map { evaluated in
            String(decoding: evaluated.interval.head + evaluated.interval.tail, as: UTF8.self)
        }
    }
}
