import FaultDisk
import MessageChunks
import PrimaryStore
import SQLiteClient
import SeededRandom
import Telemetry

/// What a primary store must hold: kept beside it, changed only by what it acknowledged.
struct StoreModel: Hashable {
    /// The seconds of the messages of each device, in log and archive together.
    var messages: [DeviceID: [Int64]] = [:]
    /// The begins of the intervals of each assignment, by id.
    var intervals: [AssignmentKey: [Int64: Int64]] = [:]
    var names: [DeviceID: String] = [:]
}

/// A client of a primary store on a simulated disk, that does a bit of everything and remembers what was acknowledged.
final class StoreWorkload {
    static let deviceCount = 3

    let disk: FaultDisk
    private(set) var store: SQLitePrimaryStore?
    private(set) var model = StoreModel()
    /// What the model would be if the first call that failed had succeeded: after a death either may be true.
    private(set) var doubt: StoreModel?
    private(set) var acknowledgedCount = 0
    private var keys: [AssignmentKey] = []
    /// The greatest id that each assignment has given.
    private var lastIDs: [AssignmentKey: Int64] = [:]
    private var epochs: [Slot: Int64] = [:]
    /// Every message, interval and name has a number of its own.
    private var number: Int64 = 0
    private var random: SeededGenerator

    struct Difference: Error { var reason: String }

    init(_ disk: FaultDisk, seed: UInt64) {
        self.disk = disk
        random = SeededGenerator(seed: seed)
    }

    /// The same work from the same beginning, on the same disk.
    init(continuing other: StoreWorkload) {
        disk = other.disk
        model = other.model
        keys = other.keys
        epochs = other.epochs
        number = other.number
        random = other.random
    }

    var folder: String { disk.path("data") }

    func open() throws(StoreError) { store = try SQLitePrimaryStore(folder: folder) }

    /// Lets go of the store; what is queued is written if the disk still works.
    func close() {
        store?.close()
        store = nil
    }

    /// Makes the devices and the assignments that the work is about. Nothing may fail here.
    func setUp() throws {
        try open()
        guard let store else { return }
        let calculator = try store.createCalculator(name: "trips", json: "{}").id
        for index in 0..<Self.deviceCount {
            let device = try store.createDevice(ident: "\(index)", name: "\(index)", json: "{}").id
            keys.append(AssignmentKey(calculator: calculator, device: device))
            model.messages[device] = []
            model.names[device] = "\(index)"
        }
        _ = try store.assign(keys, isEnabled: true, isAutoCreated: false)
        for key in keys { model.intervals[key] = [:] }
        epochs = try store.claimAllSlots(owner: "worker", at: Timestamp(microseconds: 0))
        close()
    }
}

// MARK: - Work

extension StoreWorkload {
    /// Does something at random; throws what the store throws.
    func step() throws(StoreError) {
        guard let store else { return }
        switch Int.random(in: 0..<10, using: &random) {
        case 0...4: try append(store)
        case 5...7: try push(store)
        case 8: try seal(store)
        default: try rename(store)
        }
    }

    private func nextNumber() -> Int64 {
        number += 1
        return number
    }

    /// Makes a call that turns the model into another one: it is that if the call returns, and may be if it throws.
    private func call<Value>(_ next: StoreModel, _ body: () throws(StoreError) -> Value) throws(StoreError) -> Value {
        let value: Value
        do throws(StoreError) { value = try body() } catch {
            // A full disk leaves no doubt, and after any other failure the calls that follow are refused.
            if error != .diskFull, doubt == nil { doubt = next }
            throw error
        }
        model = next
        doubt = nil
        acknowledgedCount += 1
        return value
    }

    private func append(_ store: SQLitePrimaryStore) throws(StoreError) {
        var next = model
        var batches: [LogAppend] = []
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let device = keys[Int.random(in: 0..<keys.count, using: &random)].device
            let seconds = (0..<Int.random(in: 1...40, using: &random)).map { _ in nextNumber() }
            batches.append(LogAppend(device: device, batch: Self.batch(store.parameters, seconds)))
            next.messages[device, default: []] += seconds
        }
        _ = try call(next) { () throws(StoreError) in try store.append(batches) }
    }

    static func batch(_ table: ParameterTable, _ seconds: [Int64]) -> MessageBatch {
        var builder = MessageBatchBuilder(table: table)
        for second in seconds {
            if let id = table.id(for: "parameter.\(second % 17)") { builder.set(id, .number(Double(second))) }
            builder.finishMessage(
                timestamp: Timestamp(microseconds: second * 1_000_000), acceptance: Timestamp(microseconds: 0))
        }
        return builder.build()
    }

    /// A push that makes two intervals, moves one that is there and deletes another.
    private func push(_ store: SQLitePrimaryStore) throws(StoreError) {
        let key = keys[Int.random(in: 0..<keys.count, using: &random)]
        let slot = Slot(device: key.device)
        let held = model.intervals[key] ?? [:]
        let ids = held.keys.sorted().shuffled(using: &random)
        let lastID = lastIDs[key] ?? 0
        var next = model
        var writes: [IntervalWrite] = []
        if let id = ids.first {
            let begin = nextNumber()
            writes.append(Self.interval(id, begin))
            next.intervals[key]?[id] = begin
        }
        let deleted = ids.count > 6 ? ids[1] : nil
        if let deleted { next.intervals[key]?[deleted] = nil }
        for offset in 1...2 as ClosedRange<Int64> {
            let begin = nextNumber()
            writes.append(Self.interval(nil, begin))
            next.intervals[key]?[lastID + offset] = begin
        }
        let push = Push(
            slot: slot, epoch: epochs[slot] ?? 0, key: key, calculatorRevision: 1, deletes: deleted.map { [$0] } ?? [],
            upserts: writes, marks: AssignmentMarks(logPosition: store.lastPosition, calculatorRevision: 1),
            timestamp: Timestamp(microseconds: number * 1_000_000))
        _ = try call(next) { () throws(StoreError) in
            for result in store.push([push]) { _ = try result.get() }
        }
        lastIDs[key] = lastID + 2
    }

    private static func interval(_ id: Int64?, _ begin: Int64) -> IntervalWrite {
        let moment = Timestamp(microseconds: begin * 1_000_000)
        let head = Array("{\"begin\":\(begin),\"end\":\(begin)".utf8)
        let tail = Array(",\"note\":\"\(String(repeating: "x", count: Int(begin % 700)))\"}".utf8)
        return IntervalWrite(
            id: id, firstOn: moment, begin: moment, end: moment, isActive: false, head: head, tail: tail,
            digest: hash64(head + tail))
    }

    /// Makes a chunk of all that the log has of a device.
    private func seal(_ store: SQLitePrimaryStore) throws(StoreError) {
        let device = keys[Int.random(in: 0..<keys.count, using: &random)].device
        let entries = try store.readLog(device: device, after: 0).entries
        guard let upTo = entries.last?.position else { return }
        var seconds: [Int64] = []
        for entry in entries { seconds += try entry.batch().timestamps.map { $0 / 1_000_000 } }
        guard let first = seconds.first, let last = seconds.last else { return }
        let chunk = Seal.Chunk(
            first: Timestamp(microseconds: first * 1_000_000), last: Timestamp(microseconds: last * 1_000_000),
            count: seconds.count, bytes: MessageChunk.encode(Self.batch(store.parameters, seconds)))
        let slot = Slot(device: device)
        try call(model) { () throws(StoreError) in
            try store.seal(
                Seal(slot: slot, epoch: epochs[slot] ?? 0, device: device, replaced: [], chunks: [chunk], upTo: upTo))
        }
    }

    private func rename(_ store: SQLitePrimaryStore) throws(StoreError) {
        let index = Int.random(in: 0..<keys.count, using: &random)
        let device = keys[index].device
        let name = "device \(nextNumber())"
        var next = model
        next.names[device] = name
        _ = try call(next) { () throws(StoreError) in
            try store.replaceDevice(device, ident: "\(index)", name: name, json: "{}", expecting: nil)
        }
    }
}

// MARK: - Comparison

extension StoreWorkload {
    /// Compares what the store has with what it acknowledged; the call in doubt is settled by what is there.
    func check() throws {
        guard let store else { throw Difference(reason: "it is not open") }
        let found = try Self.read(store, keys)
        guard found == model || found == doubt else {
            throw Difference(reason: Self.describe(found, model) + (doubt == nil ? "" : ", with one call in doubt"))
        }
        model = found
        doubt = nil
        for key in keys { lastIDs[key] = try store.assignment(key)?.marks.lastIntervalID ?? 0 }
        try checkFeed(store)
        let damage = try Connection(path: folder + "/primary.db", mode: .readOnly).damage()
        if let damage { throw Difference(reason: damage) }
    }

    private static func read(_ store: SQLitePrimaryStore, _ keys: [AssignmentKey]) throws -> StoreModel {
        var found = StoreModel()
        for record in try store.registry().devices { found.names[record.id] = record.name }
        for key in keys {
            var seconds: [Int64] = []
            for chunk in try store.archivedChunks(device: key.device, overlapping: .all) {
                seconds += try MessageChunk(chunk.bytes).timestamps().map { $0 / 1_000_000 }
            }
            for entry in try store.readLog(device: key.device, after: 0).entries {
                seconds += try entry.batch().timestamps.map { $0 / 1_000_000 }
            }
            found.messages[key.device] = seconds
            found.intervals[key] = [:]
            for interval in try store.intervals(key, IntervalQuery()) {
                found.intervals[key]?[interval.id] = interval.begin.microseconds / 1_000_000
            }
        }
        return found
    }

    /// Replays the feed: it must give the intervals.
    private func checkFeed(_ store: SQLitePrimaryStore) throws {
        for slot in Set(keys.map { Slot(device: $0.device) }) {
            var found: [AssignmentKey: [Int64: Int64]] = [:]
            for key in keys where Slot(device: key.device) == slot { found[key] = [:] }
            for row in try store.changes(slot: slot, after: 0, countMax: 1_000_000, withBodies: false) {
                let isThere = row.operation != .deleted
                found[row.key]?[row.id] = isThere ? row.begin.microseconds / 1_000_000 : nil
            }
            for (key, intervals) in found where intervals != model.intervals[key] {
                throw Difference(reason: "the feed of slot \(slot.rawValue) does not give the intervals")
            }
        }
    }

    private static func describe(_ found: StoreModel, _ model: StoreModel) -> String {
        var reasons: [String] = []
        for (device, seconds) in model.messages where found.messages[device] != seconds {
            reasons.append("device \(device) has \(found.messages[device]?.count ?? 0) of \(seconds.count) messages")
        }
        for (key, held) in model.intervals where found.intervals[key] != held {
            reasons.append("device \(key.device) has \(found.intervals[key]?.count ?? 0) of \(held.count) intervals")
        }
        if found.names != model.names { reasons.append("names differ") }
        return reasons.joined(separator: ", ")
    }
}
