import PrimaryStore
import SeededRandom
import Telemetry
import Testing

@Suite("Pushes of many intervals")
struct PushRandomTests {
    @Test("a push of many leaves what pushes of one interval each leave", arguments: 1...6)
    func oneByOne(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let (together, single) = (try TestStore(), try TestStore())
        let (a, b) = (try together.assignment(), try single.assignment())
        var model = PushModel(count: Int.random(in: 1...600, using: &random))
        for step in 0..<6 {
            let writes = step == 0 ? model.all : model.change(using: &random)
            let moment = 1_000 + Double(step / 2)
            let pushed = try together.store.push([a.push(writes, at: moment)])[0].get()
            // Those with ids first, as a push has them.
            for write in writes.filter({ $0.id != nil }) + writes.filter({ $0.id == nil }) {
                _ = try single.store.push([b.push([write], at: moment)])[0].get()
            }
            let name: Comment = "seed \(seed), step \(step)"
            if step == 0 { model.take(pushed.ids) }
            #expect(try together.store.heldIntervals(a.key) == single.store.heldIntervals(b.key), name)
            for asOf in [nil, Timestamp(seconds: moment - 1)] {
                let query = IntervalQuery(asOf: asOf)
                #expect(try together.store.intervals(a.key, query) == single.store.intervals(b.key, query), name)
            }
            #expect(try together.store.audit(slots: .all).isEmpty, name)
        }
        #expect(try together.count("interval_versions") == single.count("interval_versions"), "seed \(seed)")
    }
}

/// Intervals side by side, and changes of them that a job could find.
private struct PushModel {
    private(set) var all: [IntervalWrite]

    init(count: Int) { all = (0..<count).map { .make(nil, Int64($0) * 10, Int64($0) * 10 + 5) } }

    mutating func take(_ ids: [Int64]) {
        for (index, id) in ids.enumerated() { all[index].id = id }
    }

    /// Few or many of them, with other borders, values, flags or first messages; some are told without their ids, and
    /// now and then the order is none.
    mutating func change(using random: inout SeededGenerator) -> [IntervalWrite] {
        let oneOf = [1, 2, 20, 100].randomElement(using: &random) ?? 1
        var changed: [IntervalWrite] = []
        for (index, old) in all.enumerated() where Int.random(in: 0..<oneOf, using: &random) == 0 {
            let begin = Int64(index) * 10
            let isMoved = Int.random(in: 0..<8, using: &random) == 0
            var new = IntervalWrite.make(
                old.id, begin, begin + Int64.random(in: 5...7, using: &random),
                firstOn: isMoved ? begin + Int64.random(in: 0...3, using: &random) : nil,
                value: Int.random(in: 0...2, using: &random), isActive: Int.random(in: 0..<9, using: &random) == 0)
            if !isMoved { new.firstOn = old.firstOn }
            all[index] = new
            if !isMoved, Int.random(in: 0..<9, using: &random) == 0 { new.id = nil }
            changed.append(new)
        }
        if Int.random(in: 0..<5, using: &random) == 0 { changed.shuffle(using: &random) }
        return changed
    }
}
