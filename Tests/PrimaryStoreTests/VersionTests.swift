import PrimaryStore
import SeededRandom
import Telemetry
import Testing

@Suite("Versions of intervals")
struct VersionTests {
    private static func texts(_ test: TestStore, _ a: TestAssignment, _ query: IntervalQuery) throws -> [String] {
        try test.store.intervals(a.key, query).map { String(decoding: $0.json, as: UTF8.self) }
    }

    private static func asOf(_ test: TestStore, _ a: TestAssignment, _ seconds: Double) throws -> [String] {
        try texts(test, a, IntervalQuery(asOf: Timestamp(seconds: seconds)))
    }

    private static func text(_ begin: Int, _ end: Int, _ id: Int, at: Int, value: Int = 0) -> String {
        #"{"begin":\#(begin),"end":\#(end),"id":\#(id),"timestamp":\#(at),"value":\#(value)}"#
    }

    @Test("a closed interval that is replaced or deleted is still known as of then")
    func replaced() throws {
        let test = try TestStore()
        let a = try test.assignment()
        _ = try test.store.push([a.push([.make(nil, 1, 5), .make(nil, 7, 9)], at: 100)])[0].get()
        _ = try test.store.push([a.push([.make(1, 1, 6)], at: 200)])[0].get()
        _ = try test.store.push([a.push(deletes: [2], [.make(1, 1, 6, value: 1)], at: 300)])[0].get()
        #expect(try Self.asOf(test, a, 99).isEmpty)
        #expect(try Self.asOf(test, a, 100) == [Self.text(1, 5, 1, at: 100), Self.text(7, 9, 2, at: 100)])
        #expect(try Self.asOf(test, a, 200) == [Self.text(1, 6, 1, at: 200), Self.text(7, 9, 2, at: 100)])
        #expect(try Self.asOf(test, a, 300) == [Self.text(1, 6, 1, at: 300, value: 1)])
        #expect(try Self.asOf(test, a, 300) == Self.texts(test, a, IntervalQuery()))
        let moment = Timestamp(seconds: 150)
        // A range meets the version's own begin and end.
        #expect(try Self.texts(test, a, IntervalQuery(range: .seconds(6, 7), asOf: moment)).isEmpty)
        #expect(try Self.texts(test, a, IntervalQuery(range: .seconds(5, 8), asOf: moment)).count == 2)
        #expect(try Self.texts(test, a, IntervalQuery(ids: [2], asOf: moment)) == [Self.text(7, 9, 2, at: 100)])
        #expect(try Self.texts(test, a, IntervalQuery(isLastOnly: true, asOf: moment)) == [Self.text(7, 9, 2, at: 100)])
        let page = try test.store.intervalPage(a.key, IntervalQuery(isReversed: true, countMax: 1, asOf: moment))
        #expect(page.count == 1 && page.json == Array(Self.text(7, 9, 2, at: 100).utf8))
    }

    @Test("the growth of an active interval is not kept: it is answered with what it became")
    func growth() throws {
        let test = try TestStore()
        let a = try test.assignment()
        _ = try test.store.push([a.push([.make(nil, 1, 5, isActive: true)], at: 100)])[0].get()
        _ = try test.store.push([a.push([.make(1, 1, 6, isActive: true)], at: 200)])[0].get()
        #expect(try test.count("interval_versions") == 0)
        #expect(try Self.asOf(test, a, 150) == [Self.text(1, 6, 1, at: 200)])
        _ = try test.store.push([a.push([.make(1, 1, 7)], at: 300)])[0].get()
        #expect(try Self.asOf(test, a, 150) == [Self.text(1, 7, 1, at: 300)])
        // From then on it was closed, so what it was is kept.
        _ = try test.store.push([a.push([.make(1, 1, 9, isActive: true)], at: 400)])[0].get()
        for seconds in [100.0, 250, 399] {
            #expect(try Self.asOf(test, a, seconds) == [Self.text(1, 7, 1, at: 300)])
        }
        _ = try test.store.push([a.push(deletes: [1], [], at: 500)])[0].get()
        #expect(try Self.asOf(test, a, 450).isEmpty && Self.asOf(test, a, 399).count == 1)
    }

    @Test("a repeated push keeps no second version, and a clock put back keeps none that was never valid")
    func repeated() throws {
        let test = try TestStore()
        let a = try test.assignment()
        _ = try test.store.push([a.push([.make(nil, 1, 5)], at: 100)])[0].get()
        let push = a.push([.make(1, 1, 6)], at: 200)
        for _ in 0..<2 { _ = try test.store.push([push])[0].get() }
        #expect(try test.count("interval_versions") == 1)
        _ = try test.store.push([a.push([.make(1, 1, 7)], at: 150)])[0].get()
        #expect(try test.count("interval_versions") == 1)
        // Both answer for 160: what is there wins.
        #expect(try Self.asOf(test, a, 160) == [Self.text(1, 7, 1, at: 150)])
        #expect(try Self.asOf(test, a, 140) == [Self.text(1, 5, 1, at: 100)])
    }

    @Test("versions replaced before a moment are pruned, the others stay, and ending the assignment ends them")
    func prune() throws {
        let test = try TestStore()
        let a = try test.assignment()
        for (index, seconds) in [100.0, 200, 300, 400].enumerated() {
            let id: Int64? = index == 0 ? nil : 1
            _ = try test.store.push([a.push([.make(id, 1, 5 + Int64(index))], at: seconds)])[0].get()
        }
        #expect(try test.store.pruneVersions(before: Timestamp(seconds: 300)) == 1)
        #expect(try Self.asOf(test, a, 150).isEmpty)
        #expect(try Self.asOf(test, a, 250) == [Self.text(1, 6, 1, at: 200)])
        #expect(try test.store.pruneVersions(before: Timestamp(seconds: 300)) == 0)
        _ = try test.store.unassign([a.key], at: .zero)
        #expect(try test.count("interval_versions") == 0)
    }

    @Test("a changed byte of a version is told, by name")
    func corruption() throws {
        let test = try TestStore()
        let a = try test.assignment()
        _ = try test.store.push([a.push([.make(nil, 1, 5)], at: 100)])[0].get()
        _ = try test.store.push([a.push([.make(1, 1, 6)], at: 200)])[0].get()
        let name = "a version of interval 1 of calculator \(a.key.calculator) on device \(a.key.device)"
        for change in ["until = until + 1", "since = since - 1", "json = CAST('{}' AS BLOB)", "revision = 7"] {
            try test.tamper("CREATE TABLE saved AS SELECT * FROM interval_versions")
            try test.tamper("UPDATE interval_versions SET \(change)")
            #expect(throws: StoreError.corrupt(name)) { try Self.asOf(test, a, 150) }
            try test.tamper("DELETE FROM interval_versions")
            try test.tamper("INSERT INTO interval_versions SELECT * FROM saved")
            try test.tamper("DROP TABLE saved")
        }
        #expect(try Self.asOf(test, a, 150).count == 1)
    }

    @Test("an interval carries the revision that it was calculated with")
    func revision() throws {
        let test = try TestStore()
        let a = try test.assignment()
        _ = try test.store.push([a.push([.make(nil, 1, 5), .make(nil, 7, 9)], at: 100)])[0].get()
        _ = try test.store.replaceCalculator(a.key.calculator, name: "trips", json: "{}", expecting: nil)
        var old = IntervalWrite.make(nil, 20, 21)
        old.calculatorRevision = 1
        let push = a.push([.make(1, 1, 5), old, .make(nil, 30, 31)], revision: 2, at: 200)
        let receipt = try test.store.push([push])[0].get()
        #expect(receipt.updatedCount == 0 && receipt.createdCount == 2)
        let found = try test.store.intervals(a.key, IntervalQuery())
        #expect(found.map(\.calculatorRevision) == [2, 1, 1, 2])
        #expect(found[0].timestamp == Timestamp(seconds: 100))
        #expect(try test.store.sourceIntervals(a.key, overlapping: .seconds(8, 25)) == Array(found[1...2]))
    }

    @Test(
        "as of any moment the answer is what a search through the whole history finds",
        arguments: 1...8 as ClosedRange<UInt64>)
    func reference(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let test = try TestStore()
        let a = try test.assignment()
        var history: [[StoredInterval]] = [[]]
        for step in 1...50 {
            let push = PushTests.randomPush(a, history[step - 1].map(\.held), step, &random)
            _ = try test.store.push([push])[0].get()
            history.append(try test.store.intervals(a.key, IntervalQuery()))
        }
        for step in history.indices {
            let expected = Self.known(at: step, history)
            let name: Comment = "seed \(seed), step \(step)"
            // Half a second on, nothing has happened yet.
            for seconds in [Double(step), Double(step) + 0.5] {
                let moment = Timestamp(seconds: seconds)
                #expect(try test.store.intervals(a.key, IntervalQuery(asOf: moment)) == expected, name)
                let lower = Int64.random(in: 0..<700, using: &random)
                let range = TimeRange.seconds(lower, lower + Int64.random(in: 1..<300, using: &random))
                let inRange = expected.filter { $0.begin < range.upper && $0.end >= range.lower }
                #expect(try test.store.intervals(a.key, IntervalQuery(range: range, asOf: moment)) == inRange, name)
                let reversed = IntervalQuery(range: range, isReversed: true, countMax: 2, asOf: moment)
                #expect(try test.store.intervals(a.key, reversed) == Array(inRange.reversed().prefix(2)), name)
                let last = IntervalQuery(range: range, isLastOnly: true, asOf: moment)
                #expect(try test.store.intervals(a.key, last) == Array(inRange.suffix(1)), name)
            }
        }
    }

    /// For each interval that was there, the first text from then on that was replaced while it was closed, or else
    /// the last one if it is still there.
    private static func known(at step: Int, _ history: [[StoredInterval]]) -> [StoredInterval] {
        history[step].compactMap { interval in
            var present = interval
            for later in history[step...].dropFirst() {
                let next = later.first { $0.id == present.id }
                if next?.json != present.json, !present.isActive {
                    // Only the text of the last moment counts; whether it was open at first does not.
                    return present
                }
                guard let next else { return nil }
                present = next
            }
            return present
        }.sorted { ($0.firstOn, $0.id) < ($1.firstOn, $1.id) }
    }
}
