import FoundationEssentials
import Logging
import MessageChunks
import PrimaryStore
import SeededRandom
import Synchronization
import Telemetry
import Testing

@testable import Publishing

/// A store in a folder of its own, a server of reports, and the two loops between them, stepped by hand.
final class DeliveryRig {
    /// A clock that stands still until it is moved.
    final class Clock: Sendable {
        private let microseconds = Mutex<Int64>(1_790_000_000_000_000)

        var now: Timestamp { Timestamp(microseconds: microseconds.withLock { $0 }) }

        func advance(_ seconds: Double) { microseconds.withLock { $0 += Int64(seconds * 1e6) } }
    }

    let folder = DeliveryFolder.make("delivery")
    private(set) var store: SQLitePrimaryStore
    let server = ReportServer()
    let clock = Clock()
    let limits: DeliveryLimits
    private(set) var board: DeliveryBoard
    private(set) var feed: FeedLoop
    private(set) var messages: MessageLoop
    private(set) var epochs: [Slot: Int64] = [:]
    /// Every message that was ever appended.
    var appended: Set<ReportServer.Message> = []
    private var nextSecond: Int64 = 0

    init(_ limits: DeliveryLimits = DeliveryLimits()) throws {
        self.limits = limits
        store = try SQLitePrimaryStore(folder: folder)
        (board, feed, messages) = Self.loops(store, server, clock, limits)
        epochs = try store.claimAllSlots(owner: "worker", at: clock.now)
    }

    deinit {
        store.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    static let logger = Logger(label: "delivery") { _ in SwiftLogNoOpLogHandler() }

    /// The rows of messages: only whose they are and when.
    static let extraction = MessageExtraction(
        entry: { (entry) throws(StoreError) in rows(try entry.batch(), entry.device, entry.position) },
        chunk: { (part) throws(StoreError) in
            do throws(ChunkError) {
                return rows(try MessageChunk(part.chunk.bytes).batch(), part.device, 0)
            } catch { throw .corrupt("\(error)") }
        })

    private static func rows(_ batch: MessageBatch, _ device: DeviceID, _ position: Int64) -> [MessageRow] {
        batch.timestamps.enumerated().map { index, time in
            MessageRow(
                position: position, number: Int32(index), device: device, timestamp: Timestamp(microseconds: time),
                acceptance: Timestamp(microseconds: 0), hash: 0)
        }
    }

    static func loops(
        _ store: SQLitePrimaryStore, _ server: ReportServer, _ clock: Clock, _ limits: DeliveryLimits
    ) -> (DeliveryBoard, FeedLoop, MessageLoop) {
        let board = DeliveryBoard(now: clock.now)
        let now: @Sendable () -> Timestamp = { clock.now }
        let feed = FeedLoop(
            store: store, sink: ReportFeedSink(server), limits: limits, board: board, now: now, logger: logger,
            chance: { 0.5 })
        let messages = MessageLoop(
            store: store, sink: ReportMessageSink(server), extraction: extraction, limits: limits, board: board,
            now: now, logger: logger, chance: { 0.5 })
        return (board, feed, messages)
    }

    /// Starts the delivery anew, as a process that died would.
    func restartDelivery() { (board, feed, messages) = Self.loops(store, server, clock, limits) }

    /// Opens another store in the place of this one.
    func replaceStore(_ body: () throws -> Void) throws {
        store.close()
        try body()
        store = try SQLitePrimaryStore(folder: folder)
        restartDelivery()
        epochs = try store.claimAllSlots(owner: "worker", at: clock.now)
    }

    var status: DeliveryStatus {
        board.status(revisions: (try? store.slotRevisions()) ?? [], position: store.lastPosition)
    }

    /// Steps both loops until neither has anything to do; time passes while both wait.
    func settle(stepCountMax: Int = 20_000) throws {
        for _ in 0..<stepCountMax {
            let steps = [feed.step(), messages.step()]
            if steps.contains(.again) { continue }
            let isAtRest = status.isUpToDate
            if isAtRest { return }
            clock.advance(1)
        }
        Issue.record("the delivery does not come to rest: \(status)")
    }
}

/// Where tests keep their files.
enum DeliveryFolder {
    static func make(_ name: String) -> String { "/tmp/\(name)-\(UUID().uuidString)" }
}

// MARK: - What happens in the store

extension DeliveryRig {
    func device(_ ident: String) throws -> DeviceID { try store.createDevice(ident: ident, name: ident, json: "{}").id }

    func calculator() throws -> CalculatorID { try store.createCalculator(name: "trips", json: "{}").id }

    func assignment(_ ident: String) throws -> AssignmentKey {
        let key = AssignmentKey(calculator: try calculator(), device: try device(ident))
        _ = try store.assign([key], isEnabled: true, isAutoCreated: false)
        return key
    }

    func epoch(_ slot: Slot) -> Int64 { epochs[slot] ?? 0 }

    func append(_ device: DeviceID, count: Int = 3, isLate: Bool = false) throws {
        var builder = MessageBatchBuilder(table: store.parameters)
        for _ in 0..<count {
            nextSecond += 1
            let second = isLate ? 900_000 - nextSecond : 1_000_000 + nextSecond
            builder.finishMessage(
                timestamp: Timestamp(microseconds: second * 1_000_000), acceptance: Timestamp(microseconds: 0))
            appended.insert(.init(device: device, second: second))
        }
        _ = try store.append([LogAppend(device: device, batch: builder.build())])
    }

    /// Seals what the log has of a device, into one chunk with all that was sealed before.
    func seal(_ device: DeviceID) throws {
        let entries = try store.readLog(device: device, after: 0).entries
        guard let upTo = entries.last?.position else { return }
        let old = try store.archivedChunks(device: device, overlapping: .all)
        var times = try entries.flatMap { try $0.batch().timestamps }
        for chunk in old { times += try MessageChunk(chunk.bytes).batch().timestamps }
        times.sort()
        var builder = MessageBatchBuilder(table: store.parameters)
        for time in times {
            builder.finishMessage(timestamp: Timestamp(microseconds: time), acceptance: Timestamp(microseconds: 0))
        }
        let chunk = Seal.Chunk(
            first: Timestamp(microseconds: times.first ?? 0), last: Timestamp(microseconds: times.last ?? 0),
            count: times.count, bytes: MessageChunk.encode(builder.build()))
        let slot = Slot(device: device)
        try store.seal(
            Seal(
                slot: slot, epoch: epoch(slot), device: device, replaced: old.map(\.first), chunks: [chunk], upTo: upTo)
        )
    }

    func push(_ key: AssignmentKey, deletes: [Int64] = [], _ upserts: [IntervalWrite]) throws {
        let slot = Slot(device: key.device)
        let revision = try store.calculatorHistory(key.calculator).last?.revision ?? 1
        let push = Push(
            slot: slot, epoch: epoch(slot), key: key, calculatorRevision: revision, deletes: deletes, upserts: upserts,
            marks: AssignmentMarks(logPosition: 1, calculatorRevision: revision), timestamp: clock.now)
        _ = try store.push([push])[0].get()
    }

    static func interval(
        _ id: Int64?, at place: Int64, value: Int = 0, isActive: Bool = false, size: Int = 0
    ) -> IntervalWrite {
        let head = Array("{\"begin\":\(place),\"end\":\(place + 5)".utf8)
        let tail = Array(",\"value\":\(value),\"note\":\"\(String(repeating: "x", count: size))\"}".utf8)
        let begin = Timestamp(microseconds: place * 1_000_000)
        return IntervalWrite(
            id: id, firstOn: begin, begin: begin, end: Timestamp(microseconds: (place + 5) * 1_000_000),
            isActive: isActive, head: head, tail: tail, digest: hash64(head + tail))
    }

    /// Makes, changes and deletes intervals of an assignment at random.
    func randomPush(_ key: AssignmentKey, _ random: inout SeededGenerator) throws {
        var deletes: [Int64] = []
        var upserts: [IntervalWrite] = []
        let held = try store.heldIntervals(key)
        for old in held.shuffled(using: &random).prefix(4) {
            switch Int.random(in: 0..<4, using: &random) {
            case 0: deletes.append(old.id)
            default:
                upserts.append(
                    Self.interval(
                        old.id, at: old.firstOn.microseconds / 1_000_000, value: Int.random(in: 0..<3, using: &random),
                        isActive: Bool.random(using: &random), size: Int.random(in: 0..<300, using: &random)))
            }
        }
        let last = held.map { $0.firstOn.microseconds / 1_000_000 }.max() ?? 0
        for number in 0..<Int64.random(in: 0..<5, using: &random) {
            upserts.append(Self.interval(nil, at: last + 10 + number * 10, isActive: Bool.random(using: &random)))
        }
        try push(key, deletes: deletes, upserts)
    }

    /// Lets go of the older half of an assignment's intervals.
    func expire(_ key: AssignmentKey) throws {
        let held = try store.heldIntervals(key)
        guard !held.isEmpty, let marks = try store.assignment(key)?.marks else { return }
        let horizon = max(held[held.count / 2].begin, marks.horizon)
        let slot = Slot(device: key.device)
        let change = AssignmentExpiry(
            key: key, basePosition: marks.logPosition, horizon: horizon, state: nil, intervalsBefore: horizon)
        _ = try store.expire([
            Expiry(
                slot: slot, epoch: epoch(slot), device: key.device, horizon: nil, assignments: [change], at: clock.now)
        ])[0].get()
    }
}

// MARK: - Comparison

extension DeliveryRig {
    /// Compares what the server has with the store.
    func compare(_ comment: String) throws {
        let contents = server.contents
        let snapshot = try store.registry()
        var expected: [AssignmentKey: [Int64: ReportServer.Interval]] = [:]
        for key in snapshot.assignments.map(\.key) {
            for stored in try store.intervals(key, IntervalQuery()) {
                expected[key, default: [:]][stored.id] = ReportServer.Interval(stored)
            }
        }
        let found = contents.intervals.filter { !$0.value.isEmpty }
        #expect(found == expected, "\(comment): intervals")
        let revisions = try store.slotRevisions()
        let cursors = revisions.indices.map { contents.cursors[Slot(rawValue: UInt8($0))] ?? 0 }
        #expect(cursors == revisions, "\(comment): cursors")
        #expect(contents.registry?.revision == snapshot.revision, "\(comment): registry")
        #expect(contents.registry?.assignments.map(\.key) == snapshot.assignments.map(\.key), "\(comment): assignments")
        #expect(contents.position == store.lastPosition, "\(comment): position")
        let devices = Set(snapshot.devices.map(\.id))
        #expect(
            contents.messages.filter { devices.contains($0.device) } == appended.filter { devices.contains($0.device) },
            "\(comment): messages")
        #expect(contents.messages.isSubset(of: appended), "\(comment): messages that never were")
        let strangers = server.findings.strangers.filter { stranger in
            switch stranger {
            case .calculator(let id): snapshot.calculators.contains { $0.id == id }
            case .device(let id): devices.contains(id)
            }
        }
        #expect(strangers.isEmpty, "\(comment): before the registry")
    }
}
