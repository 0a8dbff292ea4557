import PrimaryStore
import Telemetry

extension API {
    /// The feed of a slot; without one, the revisions of all slots that have a feed.
    func readChanges(_ call: Call) async throws(APIFailure) -> Answer {
        var query = call.queryFields
        let slot = query.integer("slot", 0...255)
        let after = query.integer("after", 0...(1 << 53)) ?? 0
        let count = query.integer("count", 1...Int64(limits.changesMax)).map(Int.init) ?? limits.changesDefault
        let withBodies = query.boolean("bodies") ?? true
        try query.check()
        guard let slot else {
            let revisions = try await stored { store throws(StoreError) in try store.slotRevisions() }
            return Answer(
                result: revisions.enumerated().filter { $0.element > 0 }.map { slot, revision in
                    .object([.init("slot", JSONValue(slot)), .init("rev", JSONValue(revision))])
                })
        }
        let rows = try await stored { store throws(StoreError) in
            try store.changes(
                slot: Slot(rawValue: UInt8(slot)), after: after, countMax: count, withBodies: withBodies)
        }
        return Answer(resultBytes: rows.map { $0.bytes })
    }
}

extension FeedRow {
    /// The row as JSON, with the interval's stored text.
    fileprivate var bytes: [UInt8] {
        var writer = JSONWriter(capacity: 160 + (json?.count ?? 0))
        let numbers: [(String, Int64)] = [("slot", Int64(slot.rawValue)), ("rev", revision)]
        writer.write(literal: "{")
        for (name, number) in numbers {
            writer.write(key: name)
            writer.write(integer: number)
        }
        writer.write(key: "operation")
        writer.write(string: operation.rawValue)
        for member in key.members + [JSONValue.Member("id", JSONValue(id))] {
            writer.write(key: member.key)
            member.value.write(to: &writer)
        }
        for (name, moment) in [("begin", begin), ("end", end), ("timestamp", timestamp)] {
            writer.write(key: name)
            writer.write(moment)
        }
        if let json {
            writer.write(key: "interval")
            writer.write(raw: json)
        }
        writer.write(literal: "}")
        return writer.bytes
    }
}
