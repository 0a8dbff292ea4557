import LocalCache
import MessageChunks
import SQLiteClient
import SeededRandom
import Telemetry

/// A cache with something in each of its tables, made of a seed.
struct FilledCache {
    static let devices = [DeviceID(7), DeviceID(8), DeviceID(901)]
    static let calculators = [CalculatorID(3), CalculatorID(4)]
    static let keys = devices.flatMap { device in calculators.map { AssignmentKey(calculator: $0, device: device) } }

    static func fill(_ cache: WorkerCache, _ random: inout SeededGenerator) throws {
        try cache.setEpochs(
            Dictionary(uniqueKeysWithValues: (0..<40).map { (Slot(rawValue: $0), Int64($0) + 5) }))
        try cache.transaction {
            try cache.setPosition(1000)
            for device in devices { try fill(cache, device, &random) }
            for key in keys { try fill(cache, key, &random) }
        }
    }

    private static func fill(_ cache: WorkerCache, _ device: DeviceID, _ random: inout SeededGenerator) throws {
        try cache.setDevice(CachedDevice(device: device, sealed: 900, latest: .at(random.below(1 << 30))))
        for day in 0..<40 as Range<Int64> {
            let batch = batch(from: day * 86_400, count: 20, &random)
            try cache.insertChunk(
                device, first: .at(day * 86_400), last: .at(day * 86_400 + 190), count: 20, MessageChunk.encode(batch))
        }
        for position in 901..<960 as Range<Int64> {
            try cache.appendTail(device, position: position, batch(from: position * 100_000, count: 1, &random))
        }
    }

    private static func fill(_ cache: WorkerCache, _ key: AssignmentKey, _ random: inout SeededGenerator) throws {
        try cache.setAssignment(
            CachedAssignment(
                key: key, calculatorRevision: 5, deviceDigest: random.next(), geofenceDigest: random.next(),
                applied: 990, timer: random.below(2) == 0 ? nil : .at(77), isCalculated: true, horizon: .at(-5)))
        try cache.setInvalidations(
            key,
            (0..<random.below(3)).map { index in
                Invalidation(
                    range: TimeRange(lower: .at(index), upper: .at(index + 1)), since: .at(3), due: .at(4),
                    cause: "messages", isConfigured: index == 0, isHeld: index == 1)
            })
        for index in 0..<60 as Range<Int64> {
            try cache.setHeld(
                key,
                HeldInterval(
                    id: index, firstOn: .at(index * 1000), begin: .at(index * 1000), end: .at(index * 1000 + 500),
                    isActive: index == 59, digest: random.next()))
        }
        for index in 0..<15 as Range<Int64> {
            let bytes = (0..<(40 + random.below(200))).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            try cache.setState(
                key,
                SavedState(
                    moment: .at(index * 4000), pendingFrom: index % 3 == 0 ? nil : .at(index), isLast: index == 14,
                    count: 40, bytes: bytes))
        }
    }

    private static func batch(from start: Int64, count: Int64, _ random: inout SeededGenerator) -> MessageBatch {
        TestCache.batch((0..<count).map { (start + $0 * 10, Double(random.below(1000)) / 8) })
    }
}

/// All that can be read through a cache.
struct CacheReading: Equatable {
    private let position: Int64
    private let epochs: [Slot: Int64]
    private let devices: [CachedDevice]
    private let assignments: [CachedAssignment]
    private let pending: [AssignmentKey: [Invalidation]]
    private let tailCounts: [DeviceID: Int]
    private let tails: [MessageBatch]
    private var chunks: [CachedChunk] = []
    private var messages: [MessageBatch] = []
    private let held: [[HeldInterval]]
    private var states: [SavedState] = []

    init(_ cache: WorkerCache) throws {
        position = try cache.position()
        epochs = try cache.epochs()
        devices = try cache.devices()
        assignments = try cache.assignments()
        pending = Dictionary(uniqueKeysWithValues: try cache.invalidations().map { ($0.key, $0.pending) })
        tailCounts = try cache.tailCounts()
        tails = try FilledCache.devices.map { try cache.tail($0) }
        held = try FilledCache.keys.map { try cache.held($0, firstOnIn: .all) }
        for device in FilledCache.devices {
            let found = try cache.chunks(device, endingAfter: .distantPast)
            chunks += found
            messages += try found.map { try cache.chunk(device, first: $0.first, parameters: nil, hashes: true) }
        }
        for key in FilledCache.keys {
            var moment = Timestamp.distantPast
            while let state = try cache.state(key, atOrAfter: moment) {
                states.append(state)
                moment = Timestamp(microseconds: state.moment.microseconds + 1)
            }
        }
    }

    var isEmpty: Bool { position == 0 && epochs.isEmpty && devices.isEmpty && assignments.isEmpty && chunks.isEmpty }
}
