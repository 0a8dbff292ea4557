import ReferenceEvaluator
import SeededRandom

/// How often what happens in one simulation: drawn per seed, so that each has its own kind of trouble.
struct SwarmRates {
    var nodeCount: Int
    var workerCount: Int
    var eventCount: Int
    /// Chances, in a thousand, at each call of the store.
    var lostRequest: Int
    var lostReply: Int
    var crashAtCall: Int
    var interleaving: Int
    var delayAtCall: Int
    /// A disk dies, fails or fills up so often, in a thousand events.
    var diskTroubles: Int
    /// Weights of the events between the calls.
    var sends: Int
    var rounds: Int
    var settles: Int
    var restarts: Int
    var crashes: Int
    var pauses: Int
    var cutOffs: Int
    var lostDisks: Int
    var oldDisks: Int
    var flippedBits: Int
    var storeCrashes: Int
    var storeTroubles: Int
    var edits: Int
    var fields: Int
    var recalculations: Int
    var swaps: Int
    var rests: Int
    var jumps: Int
    var clientLosses: Int
    /// Seconds by which the clocks of nodes go wrong at most.
    var skewSeconds: Double
    var sealSeconds: Double
    var sealCount: Int
    /// Chunks go cold at once in one world of four; told by the others, so that what they are stays.
    var coldSeconds: Double { [0, 1e9, 1e9, 1e9][(stateSpacing + reach) % 4] }
    var stateSpacing: Int
    /// Messages that come out of order reach so far.
    var reach: Int
    var duplicates: Int
    var batchMax: Int
    /// Whether each node takes its own slots only, or all that it can get.
    var hasFixedSlots: Bool
    var isAlone: Bool
    var processorNanoseconds: UInt64
    var sliceMessageCount: Int
    var replayShare: Double
    var expirySeconds: Double
    var expirySlackSeconds: Double

    init(_ random: inout SeededGenerator) {
        func often(_ few: Int, _ many: Int, _ random: inout SeededGenerator) -> Int {
            random.pick([0, 0, 0, few, many])
        }
        nodeCount = random.pick([1, 1, 2, 2, 3])
        workerCount = random.pick([1, 1, 2])
        eventCount = random.pick([20, 35, 60])
        let isRough = random.among(2)
        lostRequest = isRough ? often(4, 20, &random) : 0
        lostReply = isRough ? often(4, 20, &random) : 0
        crashAtCall = random.pick([0, 0, 6, 20])
        interleaving = random.pick([0, 30, 120, 250])
        delayAtCall = often(5, 30, &random)
        sends = random.pick([20, 40])
        rounds = random.pick([10, 40])
        settles = random.pick([2, 10, 20])
        restarts = often(1, 5, &random)
        crashes = often(1, 4, &random)
        pauses = often(1, 4, &random)
        cutOffs = often(1, 4, &random)
        lostDisks = often(1, 2, &random)
        oldDisks = often(1, 2, &random)
        storeCrashes = often(1, 3, &random)
        flippedBits = often(1, 2, &random)
        storeTroubles = isRough ? often(1, 4, &random) : 0
        diskTroubles = random.pick([0, 0, 3, 8])
        edits = random.pick([0, 0, 3, 8, 12])
        fields = often(1, 4, &random)
        recalculations = often(1, 2, &random)
        swaps = random.pick([0, 3, 8])
        rests = random.pick([0, 1, 2])
        jumps = random.pick([2, 6, 12])
        clientLosses = random.pick([0, 5, 20])
        skewSeconds = random.pick([0, 0, 3, 600, 200_000])
        sealSeconds = random.pick([0, 0, 30, 1e9])
        sealCount = random.pick([3, 20, 4_096])
        stateSpacing = random.pick([1, 3, 10, 40])
        reach = random.pick([1, 3, 12, 1_000])
        duplicates = random.pick([0, 5, 15])
        batchMax = random.pick([2, 5, 12, 40])
        hasFixedSlots = random.among(4)
        isAlone = random.among(2)
        processorNanoseconds = random.pick([0, 1_000_000, 30_000_000])
        sliceMessageCount = random.pick([2, 5, 20, 50_000])
        replayShare = random.pick([1, 1, 0.3])
        expirySeconds = random.pick([0, 0, 3_600])
        expirySlackSeconds = random.pick([0, 60, 3_600])
    }
}

extension SeededGenerator {
    /// True once among so many.
    mutating func among(_ count: Int) -> Bool { below(count) == 0 }

    mutating func percent(_ chance: Int) -> Bool { below(100) < chance }

    mutating func permille(_ chance: Int) -> Bool { chance > 0 && below(1_000) < chance }
}
