import Foundation
import ReferenceEvaluator
import Testing

@Suite("Random cases of the whole language")
struct WholeCaseTests {
    /// Cases a run; `ODOGRAPH_CASES` asks for more.
    static let caseCount = ProcessInfo.processInfo.environment["ODOGRAPH_CASES"].flatMap(UInt64.init) ?? 250

    @Test("every selector, counter, option, method, function and operator stands in a hundredth of the cases")
    func coverage() {
        var count = FeatureCount()
        for seed in 1...Self.caseCount { count.add(Generator.wholeCase(seed: seed)) }
        let least = max(1, Int(Self.caseCount) / 100 - (Self.caseCount < 2_000 ? 3 : 0))
        let rare = FeatureCount.wanted.filter { count.counts[$0, default: 0] < least }
        #expect(rare.isEmpty, "of \(Self.caseCount) cases too few have \(rare)\n\(count.table)")
    }

    @Test("half of the cases have 200 messages and three intervals, and all of them can be read")
    func shape() throws {
        var large = 0
        let seeds = UInt64(1)...100
        for seed in seeds {
            let item = Generator.wholeCase(seed: seed)
            let found = try item.expected()
            #expect(Set(found.keys) == Set(item.calculators.map(\.id)), "seed \(seed)")
            if item.messages.count >= 200, found[item.calculatorID, default: []].count >= 3 { large += 1 }
            for intervals in found.values {
                let begins = intervals.map(\.firstOnMicroseconds)
                #expect(zip(begins, begins.dropFirst()).allSatisfy { $0 < $1 }, "seed \(seed)")
            }
        }
        #expect(large * 2 >= seeds.count, "\(large) of \(seeds.count)")
    }

    @Test("a seed gives one case, with sources before those that read them and ids that count up")
    func order() throws {
        for seed in UInt64(1)...20 {
            let (first, second) = (Generator.wholeCase(seed: seed), Generator.wholeCase(seed: seed))
            #expect(first.report == second.report && first.rawMessages == second.rawMessages)
            #expect(first.calculators.map(\.id) == Array(1...first.calculators.count))
            #expect(first.calculators.last?.json == first.calculatorJSON)
            #expect(try first.nest().order == first.calculators.map(\.id))
        }
    }

    @Test("messages are in order, and the parts that were sent give them")
    func parts() {
        for seed in UInt64(1)...100 {
            let item = Generator.wholeCase(seed: seed)
            let times = item.messages.map(\.timestampMicroseconds)
            #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 }, "seed \(seed)")
            var coalesced: [Int64: RefMessage] = [:]
            for part in item.rawMessages {
                guard var whole = coalesced[part.timestampMicroseconds] else {
                    coalesced[part.timestampMicroseconds] = part
                    continue
                }
                #expect(part.values.allSatisfy { whole.values[$0.key] == nil || whole.values[$0.key] == $0.value })
                whole.values.merge(part.values) { $1 }
                whole.acceptanceMicroseconds = min(whole.acceptanceMicroseconds, part.acceptanceMicroseconds)
                coalesced[part.timestampMicroseconds] = whole
            }
            #expect(times.compactMap { coalesced[$0] } == item.messages, "seed \(seed)")
            #expect(coalesced.count == times.count, "seed \(seed)")
        }
    }

    @Test("in UTC, where only the week counts, intervals move with their messages")
    func weeks() throws {
        var count = 0
        for seed in UInt64(1)...200 {
            let item = Generator.wholeCase(seed: seed).inUTC
            guard item.movesWithWeeks else { continue }
            count += 1
            let (here, there) = (try item.expected(), try item.shifted(weeks: 7).expected())
            for (id, intervals) in here {
                let moved = there[id, default: []].map { $0.shifted(weeks: -7) }
                let isAlike = intervals.map(Self.borders) == moved.map(Self.borders)
                #expect(isAlike, "seed \(seed), calculator \(id)")
            }
        }
        #expect(count > 2)
    }

    private static func borders(_ interval: RefInterval) -> [Int64] {
        [
            interval.beginMicroseconds, interval.endMicroseconds, interval.firstOnMicroseconds,
            interval.isActive ? 1 : 0,
        ]
    }

    @Test("a nested case shrinks to the calculators, options and messages that matter")
    func shrinking() throws {
        let seed = try #require(
            (UInt64(1)...500).first { Generator.wholeCase(seed: $0).sources.count == 3 && Self.hasVisits($0) })
        let large = Generator.wholeCase(seed: seed)
        let small = large.shrunk { item in
            (try? item.expected()[item.calculatorID])?.isEmpty == false
                && item.calculatorJSON.contains("\"calc_id\":") && item.calculatorJSON.contains("\"counter")
        }
        #expect(small.messages.count <= 4, "seed \(seed)")
        #expect(small.rawMessages.count >= small.messages.count && small.rawMessages.count <= 8)
        #expect(small.sources.count < 3)
        #expect(small.calculatorJSON.utf8.count * 3 < large.calculatorJSON.utf8.count)
        #expect(try small.expected()[small.calculatorID]?.isEmpty == false)
        #expect(small.report.contains("source "))
    }

    private static func hasVisits(_ seed: UInt64) -> Bool {
        let item = Generator.wholeCase(seed: seed)
        return item.calculatorJSON.contains("\"calc_id\":")
            && (try? item.expected()[item.calculatorID])?.isEmpty == false
    }

    @Test("features are named by what stands in a case")
    func features() {
        var item = Generator.generatedCase(seed: 1, hasGeofences: false)
        item.calculatorJSON = #"""
            {"selectors":[{"type":"geofence","crossing":true,"invert":false,"max_inactive":0,"min_active":0,
             "geofences":[{"name":"a","type":"corridor"}]}],"mileage_formula":"haversine",
             "counters":[{"name":"v","type":"variable","expression":"round($x) + -#y"}]}
            """#
        let features = FeatureCount.features(of: item)
        for feature in [
            "selector geofence", "option crossing", "option min_active", "geofences inline", "shape corridor",
            "counter variable", "function round", "name $", "name #", "operator +", "operator unary -",
            "nested depth 0",
        ] { #expect(features.contains(feature), "\(feature)") }
        for feature in ["option invert", "option max_inactive", "option mileage_formula", "function abs"] {
            #expect(!features.contains(feature), "\(feature)")
        }
    }

    @Test("numbers within the JSON of counters named near. agree within the tolerance")
    func comparingJSON() {
        func interval(_ name: String, _ json: String) -> [RefInterval] {
            [
                RefInterval(
                    beginMicroseconds: 0, endMicroseconds: 1, firstOnMicroseconds: 0, isActive: false,
                    counters: [(name, .json(json))])
            ]
        }
        func agree(_ name: String, _ first: String, _ second: String) -> Bool {
            RefInterval.disagreement(expected: interval(name, first), actual: interval(name, second)) == nil
        }
        #expect(agree("near.x", #"[{"a":3}]"#, #"[{"a":3.000000001}]"#))
        #expect(!agree("x", #"[{"a":3}]"#, #"[{"a":3.000000001}]"#))
        #expect(!agree("near.x", #"[{"a":3}]"#, #"[{"a":3.1}]"#))
        #expect(!agree("near.x", #"[{"a":3}]"#, #"[{"b":3}]"#) && !agree("near.x", "[1]", "[1,1]"))
    }
}
