import PrimaryStore
import SeededRandom
import Telemetry
import Testing

@Suite("Custom fields of intervals")
struct CustomFieldTests {
    private struct Rig {
        let test: TestStore
        let a: TestAssignment

        init() throws {
            test = try TestStore()
            a = try test.assignment()
            _ = try test.store.push([a.push([.make(nil, 1, 5), .make(nil, 7, 9)], at: 100)])[0].get()
        }

        @discardableResult
        func set(_ id: Int64, _ json: String, epoch: Int64? = nil, at seconds: Double = 150) throws -> HeldInterval {
            try test.store.setIntervalFields(
                slot: a.slot, epoch: epoch ?? a.epoch, key: a.key, id: id,
                fields: try JSONValue(parsing: json).members ?? [], at: Timestamp(seconds: seconds))
        }

        func text(_ id: Int64, asOf: Double? = nil) throws -> String? {
            let query = IntervalQuery(ids: [id], asOf: asOf.map(Timestamp.init(seconds:)))
            return try test.store.intervals(a.key, query).first.map { String(decoding: $0.json, as: UTF8.self) }
        }

        var feed: [FeedRow] {
            get throws { try test.store.changes(slot: a.slot, after: 2, countMax: 99, withBodies: true) }
        }
    }

    @Test("fields are merged by name, null takes one away, and the text and the feed tell")
    func merge() throws {
        let rig = try Rig()
        let before = try rig.test.store.heldIntervals(rig.a.key)
        let held = try rig.set(1, #"{"driver":"Ann","load":[1,2]}"#)
        #expect(held == before[0])
        #expect(
            try rig.text(1) == #"{"begin":1,"end":5,"id":1,"timestamp":100,"value":0,"driver":"Ann","load":[1,2]}"#)
        let feed = try rig.feed
        #expect(feed.count == 1 && feed[0].operation == .updated && feed[0].id == 1 && feed[0].begin == held.begin)
        #expect(feed[0].timestamp == Timestamp(seconds: 150))
        #expect(try feed[0].json.map { String(decoding: $0, as: UTF8.self) } == rig.text(1))
        try rig.set(1, #"{"driver":null,"load":3,"note":"x","none":null}"#)
        #expect(try rig.text(1) == #"{"begin":1,"end":5,"id":1,"timestamp":100,"value":0,"load":3,"note":"x"}"#)
        let fields = try rig.test.store.intervalFields(rig.a.key)
        #expect(fields == [IntervalFields(id: 1, firstOn: held.firstOn, json: #"{"load":3,"note":"x"}"#)])
        // What changes nothing tells nobody.
        try rig.set(1, #"{"load":3,"none":null}"#)
        #expect(try rig.feed.count == 2 && rig.test.store.heldIntervals(rig.a.key) == before)
        try rig.set(1, #"{"load":null,"note":null}"#)
        #expect(try rig.text(1) == #"{"begin":1,"end":5,"id":1,"timestamp":100,"value":0}"#)
        #expect(try rig.test.store.intervalFields(rig.a.key).isEmpty && rig.test.count("interval_fields") == 0)
        #expect(try rig.text(2) == #"{"begin":7,"end":9,"id":2,"timestamp":100,"value":0}"#)
    }

    @Test("only the slot's owner sets them, on an interval that is there")
    func fence() throws {
        let rig = try Rig()
        #expect(throws: StoreError.fenced(slot: rig.a.slot, epoch: 0, current: rig.a.epoch)) {
            try rig.set(1, #"{"note":1}"#, epoch: 0)
        }
        #expect(
            throws: StoreError.notFound(
                "interval 9 of calculator \(rig.a.key.calculator) on device \(rig.a.key.device)")
        ) { try rig.set(9, #"{"note":1}"#) }
        #expect(try rig.feed.isEmpty)
    }

    @Test(
        "a name that the interval has is refused, and so are too many and too long ones",
        arguments: ["begin", "end", "duration", "id", "timestamp", "value", ""])
    func names(name: String) throws {
        let rig = try Rig()
        #expect(throws: StoreError.self) { try rig.set(1, #"{"note":1,"\#(name)":1}"#) }
        // Taking away what is not there is no harm.
        try rig.set(1, #"{"\#(name)":null}"#)
        #expect(try rig.feed.isEmpty && rig.test.store.intervalFields(rig.a.key).isEmpty)
    }

    @Test("the limits of names and bytes hold for all fields together")
    func limits() throws {
        let rig = try Rig()
        func many(_ range: Range<Int>) -> String { "{" + range.map { "\"f\($0)\":1" }.joined(separator: ",") + "}" }
        try rig.set(1, many(0..<IntervalFields.nameCountMax))
        #expect(throws: StoreError.self) { try rig.set(1, #"{"more":1}"#) }
        try rig.set(1, #"{"f0":null,"more":1}"#)
        let long = String(repeating: "x", count: IntervalFields.byteCountMax - 11)
        #expect(throws: StoreError.self) { try rig.set(2, #"{"name":"\#(long)y"}"#) }
        try rig.set(2, #"{"name":"\#(long)"}"#)
        #expect(try rig.test.store.intervalFields(rig.a.key).last?.json.utf8.count == IntervalFields.byteCountMax)
    }

    @Test("fields travel with the id: pushes keep them, a counter of the same name hides one, deletion drops them")
    func pushes() throws {
        let rig = try Rig()
        try rig.set(1, #"{"note":1,"extra":2}"#)
        try rig.test.reopen()
        let moved = IntervalWrite.make(1, 2, 6, value: 4)
        #expect(try rig.test.store.push([rig.a.push([moved], at: 200)])[0].get().updatedCount == 1)
        #expect(try rig.text(1) == #"{"begin":2,"end":6,"id":1,"timestamp":200,"value":4,"note":1,"extra":2}"#)
        #expect(
            try rig.text(1, asOf: 160) == #"{"begin":1,"end":5,"id":1,"timestamp":100,"value":0,"note":1,"extra":2}"#)
        let receipt = try rig.test.store.push([rig.a.push([moved], at: 250)])[0].get()
        #expect(receipt.updatedCount == 0)
        var counted = moved
        counted.tail = Array(#","note":7}"#.utf8)
        counted.digest += 1
        _ = try rig.test.store.push([rig.a.push([counted], at: 300)])[0].get()
        #expect(try rig.text(1) == #"{"begin":2,"end":6,"id":1,"timestamp":300,"note":7,"extra":2}"#)
        #expect(throws: StoreError.self) { try rig.set(1, #"{"note":8}"#) }
        try rig.set(1, #"{"extra":3}"#)
        _ = try rig.test.store.push([rig.a.push([moved], at: 400)])[0].get()
        #expect(try rig.text(1) == #"{"begin":2,"end":6,"id":1,"timestamp":400,"value":4,"note":1,"extra":3}"#)
        // A flag alone leaves the text as it is.
        var active = moved
        active.isActive = true
        _ = try rig.test.store.push([rig.a.push([active], at: 450)])[0].get()
        #expect(try rig.text(1)?.hasSuffix(#""extra":3}"#) == true)
        active.isActive = false
        _ = try rig.test.store.push([rig.a.push([active], at: 460), rig.a.push(deletes: [1], [], at: 500)])[1].get()
        #expect(try rig.test.store.intervalFields(rig.a.key).isEmpty && rig.test.count("interval_fields") == 0)
        #expect(try rig.text(1, asOf: 480)?.hasSuffix(#""note":1,"extra":3}"#) == true)
        let last = try rig.feed.last
        #expect(last?.operation == .deleted && last?.json.map { $0.count > 60 } == true)
    }

    @Test("a changed byte of fields is told, by name")
    func corruption() throws {
        let rig = try Rig()
        try rig.set(1, #"{"note":1}"#)
        try rig.test.tamper("UPDATE interval_fields SET json = '{\"note\":2}'")
        let name = "fields of interval 1 of calculator \(rig.a.key.calculator) on device \(rig.a.key.device)"
        #expect(throws: StoreError.corrupt(name)) { try rig.test.store.intervalFields(rig.a.key) }
        try rig.test.tamper("UPDATE interval_fields SET json = '{\"note\":1}'")
        try rig.test.tamper("UPDATE intervals SET custom = custom - 1 WHERE id = 1")
        #expect(throws: StoreError.self) { try rig.text(1) }
    }

    @Test(
        "pushes and fields in any order give the texts that a simple model says",
        arguments: 1...6 as ClosedRange<UInt64>)
    func model(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let test = try TestStore()
        let a = try test.assignment()
        var fields: [Int64: [String: Int]] = [:]
        for step in 1...80 {
            let held = try test.store.heldIntervals(a.key)
            if step % 3 > 0, let chosen = held.randomElement(using: &random) {
                let name = ["x", "y", "z"].randomElement(using: &random) ?? "x"
                let value = Int.random(in: 0..<4, using: &random)
                fields[chosen.id, default: [:]][name] = value == 0 ? nil : value
                _ = try test.store.setIntervalFields(
                    slot: a.slot, epoch: a.epoch, key: a.key, id: chosen.id,
                    fields: [.init(name, value == 0 ? .null : .number(Double(value)))], at: .zero)
            } else {
                let push = PushTests.randomPush(a, held, step, &random)
                _ = try test.store.push([push])[0].get()
            }
            let found = try test.store.intervals(a.key, IntervalQuery())
            fields = fields.filter { id, set in !set.isEmpty && found.contains { $0.id == id } }
            for interval in found {
                let members = try JSONValue(parsing: interval.json).members ?? []
                let name: Comment = "seed \(seed), step \(step)"
                #expect(members.prefix(5).map(\.key) == ["begin", "end", "id", "timestamp", "value"], name)
                let custom = members.dropFirst(5).map { ($0.key, Int($0.value.integerValue ?? 0)) }
                #expect(Dictionary(uniqueKeysWithValues: custom) == fields[interval.id] ?? [:], name)
            }
            #expect(try test.store.intervalFields(a.key).map(\.id) == fields.keys.sorted())
        }
    }
}
