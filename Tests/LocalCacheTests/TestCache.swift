import Foundation
import LocalCache
import SQLiteClient
import Telemetry

/// A cache file of its own, which goes with it.
final class TestCache {
    let path = NSTemporaryDirectory() + "/cache-\(UUID().uuidString).db"
    private(set) var cache: WorkerCache

    static let table = ParameterTable(names: ["a", "b", "position.latitude"])
    static let device = DeviceID(7)
    static let key = AssignmentKey(calculator: CalculatorID(3), device: device)

    init(storeID: UInt64 = 1) throws { cache = try WorkerCache(path: path, storeID: storeID) }

    deinit { WorkerCache.delete(path: path) }

    func reopen(storeID: UInt64 = 1) throws { cache = try WorkerCache(path: path, storeID: storeID) }

    /// Closes the cache, does something to its file and opens it again.
    func reopen(after change: (String) throws -> Void) throws {
        let elsewhere = NSTemporaryDirectory() + "/cache-\(UUID().uuidString).db"
        defer { WorkerCache.delete(path: elsewhere) }
        cache = try WorkerCache(path: elsewhere, storeID: 1)
        try change(path)
        try reopen()
    }

    /// A batch with one number a message, in the order given.
    static func batch(_ messages: [(seconds: Int64, value: Double)]) -> MessageBatch {
        var builder = MessageBatchBuilder(table: table)
        for message in messages {
            if let id = table.existing("a") { builder.set(id, .number(message.value)) }
            let moment = Timestamp(microseconds: message.seconds * 1_000_000)
            builder.finishMessage(timestamp: moment, acceptance: moment)
        }
        return builder.build()
    }
}

extension Timestamp {
    static func at(_ seconds: Int64) -> Timestamp { Timestamp(microseconds: seconds * 1_000_000) }
}
