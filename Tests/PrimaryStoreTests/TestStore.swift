import Foundation
import MessageChunks
import PrimaryStore
import SQLiteClient
import Telemetry

/// A store in a folder of its own, which goes with it.
final class TestStore {
    let folder = NSTemporaryDirectory() + "/store-\(UUID().uuidString)"
    private(set) var store: SQLitePrimaryStore

    init() throws { store = try SQLitePrimaryStore(folder: folder) }

    deinit {
        store.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    func reopen() throws {
        store.close()
        store = try SQLitePrimaryStore(folder: folder)
    }

    /// Changes the file behind the store's back.
    func tamper(_ sql: String) throws { try Connection(path: folder + "/primary.db").run(sql) }

    /// The rows of a table.
    func count(_ table: String) throws -> Int64 {
        try Connection(path: folder + "/primary.db", mode: .readOnly).integer("SELECT COUNT(*) FROM \(table)") ?? 0
    }

    func entity(_ kind: EntityKind) throws -> Int64 {
        try store.createEntity(kind, name: kind.rawValue, json: "{}").id
    }

    func device(_ ident: String = "a") throws -> DeviceID {
        try store.createDevice(ident: ident, name: ident, json: "{}").id
    }

    func calculator() throws -> CalculatorID { try store.createCalculator(name: "trips", json: "{}").id }

    /// A device with a calculator assigned and its slot claimed.
    func assignment(_ ident: String = "a") throws -> TestAssignment {
        let key = AssignmentKey(calculator: try calculator(), device: try device(ident))
        _ = try store.assign([key], isEnabled: true, isAutoCreated: false)
        let slot = Slot(device: key.device)
        let epoch = try store.claimAllSlots(owner: "worker", at: .zero)[slot] ?? 0
        return TestAssignment(key: key, slot: slot, epoch: epoch)
    }
}

struct TestAssignment {
    var key: AssignmentKey
    var slot: Slot
    var epoch: Int64

    func push(
        deletes: [Int64] = [], _ upserts: [IntervalWrite], revision: Int64 = 1, at seconds: Double = 1000,
        job: JobRecord? = nil
    ) -> Push {
        Push(
            slot: slot, epoch: epoch, key: key, calculatorRevision: revision, deletes: deletes, upserts: upserts,
            marks: AssignmentMarks(logPosition: 7, calculatorRevision: revision),
            timestamp: Timestamp(seconds: seconds), job: job)
    }
}

extension Timestamp {
    static let zero = Timestamp(microseconds: 0)
}

extension IntervalWrite {
    /// An interval from a second to a second; `value` is its counter.
    static func make(
        _ id: Int64? = nil, _ begin: Int64, _ end: Int64, firstOn: Int64? = nil, value: Int = 0, isActive: Bool = false
    ) -> IntervalWrite {
        let head = Array("{\"begin\":\(begin),\"end\":\(end)".utf8)
        let tail = Array(",\"value\":\(value)}".utf8)
        return IntervalWrite(
            id: id, firstOn: Timestamp(microseconds: (firstOn ?? begin) * 1_000_000),
            begin: Timestamp(microseconds: begin * 1_000_000), end: Timestamp(microseconds: end * 1_000_000),
            isActive: isActive, head: head, tail: tail, digest: hash64(head + tail))
    }
}

extension AssetInterval {
    /// An interval from a second to a second, or open; device 0 is none.
    static func make(
        _ asset: Int64, _ begin: Int64, _ end: Int64?, _ device: DeviceID = DeviceID(0), json: String = "{}"
    ) -> AssetInterval {
        AssetInterval(
            asset: asset, begin: Timestamp(microseconds: begin * 1_000_000),
            end: end.map { Timestamp(microseconds: $0 * 1_000_000) }, device: device, json: json, timestamp: .zero)
    }
}

extension TimeRange {
    static func seconds(_ lower: Int64, _ upper: Int64) -> TimeRange {
        TimeRange(
            lower: Timestamp(microseconds: lower * 1_000_000), upper: Timestamp(microseconds: upper * 1_000_000))
    }
}

/// A batch of messages at the given seconds with one parameter.
func batch(_ table: ParameterTable, _ seconds: [Int64], parameter: String = "position.speed") -> MessageBatch {
    var builder = MessageBatchBuilder(table: table)
    for second in seconds {
        if let id = table.id(for: parameter) { builder.set(id, .number(Double(second))) }
        builder.finishMessage(timestamp: Timestamp(microseconds: second * 1_000_000), acceptance: .zero)
    }
    return builder.build()
}
