import Foundation
import ReferenceBridge
import ReferenceEvaluator
import SeededRandom
import Telemetry
import Testing

@testable import Evaluation

/// What must stay when a calculator, its messages or its clock change in ways that the language explains.
struct MetamorphicTests {
    /// Cases a run; `ODOGRAPH_CASES` asks for more.
    static let caseCount = ProcessInfo.processInfo.environment["ODOGRAPH_CASES"].flatMap(UInt64.init) ?? 120
    /// Of them, those whose whole nests are evaluated, which takes longer.
    static let nestCount = Int(caseCount / 4)
    static let firstSeed = ProcessInfo.processInfo.environment["ODOGRAPH_SEED"].flatMap(UInt64.init) ?? 1

    /// Made once: drawing them takes longer than looking at them.
    private static let cases = (firstSeed..<(firstSeed + caseCount)).compactMap { MetamorphicCase(seed: $0) }

    /// Looks at every case until one does not hold; says which.
    private func each(
        ofFirst count: Int = .max, _ body: (inout MetamorphicCase) throws -> String?
    ) throws {
        #expect(!Self.cases.isEmpty)
        for known in Self.cases.prefix(count) {
            var given = known
            guard let difference = try body(&given) else { continue }
            Issue.record("seed \(given.given.seed): \(difference)\n\(given.given.calculatorJSON)")
            return
        }
    }

    // MARK: Cutting

    @Test("a split that merges the message after adds up to the whole: time, distance, messages")
    func splitsAddUp() throws {
        try each { given in
            let unit = given.random.pick(["hour", "day", "week", "month", "year"])
            let counters = """
                [{"name":"km","type":"expression","expression":"mileage()","method":"summary"},\
                {"name":"count","type":"expression","expression":"1","method":"summary"},\
                {"name":"time","type":"expression","expression":"duration()","method":"summary"}]
                """
            let rest = """
                "timezone":"\(given.given.timeZoneIdentifier)","validate_message":"\(MetamorphicCase.located)",\
                "counters":\(counters)
                """
            let split = "{\"type\":\"datetime\",\"split\":\"\(unit)\",\"merge_message_after\":true}"
            let parts = try given.intervals("{\"name\":\"parts\",\"selectors\":[\(split)],\(rest)}")
            let whole = try given.intervals("{\"name\":\"whole\",\"selectors\":[{\"type\":\"datetime\"}],\(rest)}")
            guard whole.count == 1 else { return parts.isEmpty && whole.isEmpty ? nil : "\(whole.count) wholes" }
            let duration = parts.map { $0.end.microseconds - $0.begin.microseconds }.reduce(0, +)
            guard duration == whole[0].end.microseconds - whole[0].begin.microseconds else { return "duration" }
            for name in ["km", "time"] {
                let sum = parts.map { $0.number(name) }.reduce(0, +)
                guard abs(sum - whole[0].number(name)) <= 1e-9 * max(1, sum) else {
                    return "\(name) by \(unit): \(sum), not \(whole[0].number(name))"
                }
            }
            // The message at each border belongs to both sides.
            let count = parts.map { $0.number("count") }.reduce(0, +) - Double(parts.count - 1)
            return count == whole[0].number("count") ? nil : "count"
        }
    }

    @Test("shorter units of the calendar nest in longer ones, in every zone")
    func unitsNest() throws {
        try each { given in
            let (short, long) = given.random.pick([
                ("hour", "day"), ("hour", "day"), ("day", "week"), ("day", "month"), ("month", "year"),
                ("hour", "month"),
            ])
            let zone = given.given.timeZoneIdentifier
            let calculator = { (unit: String) in
                """
                {"name":"\(unit)","timezone":"\(zone)","selectors":[\
                {"type":"datetime","split":"\(unit)"}],"counters":[\
                {"name":"count","type":"expression","expression":"1","method":"summary"}]}
                """
            }
            var parts = try given.intervals(calculator(short))[...]
            for whole in try given.intervals(calculator(long)) {
                let inside = parts.prefix { $0.begin <= whole.end }
                guard inside.first?.begin == whole.begin, inside.last?.end == whole.end,
                    inside.map({ $0.number("count") }).reduce(0, +) == whole.number("count")
                else { return "\(short) in \(long) at \(whole.begin.seconds)" }
                parts.removeFirst(inside.count)
            }
            return parts.isEmpty ? nil : "\(parts.count) outside"
        }
    }

    /// Selectors that know of every located message whether it is on.
    private static let decided = [
        "$position.speed > 20", "$din == 3", "$engine.ignition.status == true", "$fuel.level < 50",
        "$din > 3 || $position.speed > 7",
    ]

    @Test("a selector and its inverse cover the time from the first message to the last once, and every message")
    func inverseCovers() throws {
        try each { given in
            let geofences = given.geofencesJSON ?? "[]"
            let crossing = Bool.random(using: &given.random) ? ",\"crossing\":true" : ""
            let expression = given.random.pick(Self.decided)
            let isFenced = geofences != "[]" && Bool.random(using: &given.random)
            let condition = "\"type\":\"expression\",\"expression\":\"\(expression)\""
            let selector = isFenced ? "\"type\":\"geofence\"\(crossing)" : condition
            let calculator = { (invert: Bool, merge: Bool) in
                """
                {"name":"x","validate_message":"\(MetamorphicCase.located)","selectors":[{\(selector),\
                "invert":\(invert),"min_active":0,"merge_message_after":\(merge)}],"counters":[\
                {"name":"count","type":"expression","expression":"1","method":"summary"}]}
                """
            }
            for merge in [true, false] {
                let both = try [true, false].map { try given.intervals(calculator($0, merge), geofences: geofences) }
                let all = both.joined().sorted { $0.firstOn < $1.firstOn }
                let moments = try given.moments(where: MetamorphicCase.located)
                guard all.first?.begin == moments.first, all.last?.end == moments.last else {
                    return "\(selector): ends"
                }
                for (left, right) in zip(all, all.dropFirst()) where merge && left.end != right.begin {
                    return "\(selector): \(left.end.seconds) and \(right.begin.seconds) do not meet"
                }
                let count = all.map { $0.number("count") }.reduce(0, +) - Double(merge ? max(0, all.count - 1) : 0)
                guard count == Double(moments.count) else { return "\(selector): \(count) of \(moments.count)" }
            }
            return nil
        }
    }

    // MARK: Moving

    @Test("weeks later the same messages give the same intervals, weeks later")
    func shifted() throws {
        var count = 0
        try each { given in
            let plain = given.given.inUTC
            guard plain.movesWithWeeks else { return nil }
            count += 1
            let weeks = given.random.pick([1, 52, 260, -1, -104])
            let expected = try Subject.intervals(plain)
            let actual = try Subject.intervals(plain.shifted(weeks: weeks))
            for calculator in plain.calculators {
                let moved = (expected[calculator.id] ?? []).map { RefInterval($0).shifted(weeks: weeks).borders }
                let found = (actual[calculator.id] ?? []).map { RefInterval($0).borders }
                guard moved == found else { return "calculator \(calculator.id), \(weeks) weeks" }
            }
            return nil
        }
        #expect(count > Int(Self.caseCount) / 20)
    }

    @Test("messages may come in blocks of any sizes: not a digit changes")
    func anyBlocks() throws {
        try each(ofFirst: Self.nestCount) { given in
            let whole = try Subject.intervals(given.given)
            for size in [1, given.random.pick([2, 3, 7, 64])] {
                let cut = try Subject.intervals(given.given) { rows in Array(stride(from: size, to: rows, by: size)) }
                if cut != whole { return "blocks of \(size)" }
            }
            return nil
        }
    }

    // MARK: Adding

    private static let moreCounters = """
        [{"name":"zz.1","type":"route"},{"name":"zz.2","type":"expression","expression":"mileage()",\
        "method":"summary"},{"name":"zz.3","type":"variable","expression":"$zz.3 + 1"},\
        {"name":"zz.4","type":"parameter","parameter":"din","method":"duration"},\
        {"name":"zz.5","type":"interval","expression":"previous('end')"},{"name":"zz.6","type":"active"},\
        {"name":"zz.7","type":"message","method":"each"},{"name":"zz.8","type":"accumulator","counter":"zz.2",\
        "reset_interval":"day"},{"name":"zz.9","type":"dataset","fields":[{"name":"v","value":"#position.speed"}]},\
        {"name":"zz.10","type":"datetime","format":"%d","interval":"end"}]
        """

    @Test("a counter more changes no border and no other counter, at the end or before the others")
    func oneMore() throws {
        let more = try JSONValue(parsing: Self.moreCounters).arrayValue ?? []
        let names = Set((1...10).map { "zz.\($0)" })
        try each(ofFirst: Self.nestCount) { given in
            let expected = try given.intervals()
            let added = given.random.pick([more, [given.random.pick(Array(more.prefix(7)))]])
            for isFirst in [true, false] {
                let actual = try given.intervals { json in
                    let own = json["counters"]?.arrayValue ?? []
                    json["counters"] = .array(isFirst ? added + own : own + added)
                }
                if actual.map({ $0.without(names) }) != expected { return "\(added.map(\.text)), first \(isFirst)" }
            }
            return nil
        }
    }

    @Test("a counter by another name is the same counter")
    func renamed() throws {
        try each(ofFirst: Self.nestCount) { given in
            let expected = try given.intervals()
            let text = given.given.calculatorJSON
            var old: [String] = []
            _ = try given.intervals { json in
                let counters = (json["counters"]?.arrayValue ?? []).filter { !Self.readsItsName($0) }
                old = counters.compactMap { $0["name"]?.stringValue }
                    .filter { text.components(separatedBy: $0).count == 2 }
            }
            let actual = try given.intervals { json in
                let counters = (json["counters"]?.arrayValue ?? []).map { counter in
                    var copy = counter
                    let name = counter["name"]?.stringValue ?? ""
                    if old.contains(name) { copy["name"] = .string("new " + name) }
                    return copy
                }
                json["counters"] = .array(counters)
            }
            let renamed = expected.map { interval in
                var copy = interval
                for place in copy.counters.indices where old.contains(copy.counters[place].name) {
                    copy.counters[place].name = "new " + copy.counters[place].name
                }
                return copy
            }
            return actual == renamed ? nil : "\(old)"
        }
    }

    /// A parameter that is not named is the one that the counter is named for.
    private static func readsItsName(_ counter: JSONValue) -> Bool {
        counter["type"]?.stringValue == "parameter" && counter["parameter"] == nil
    }

    @Test("a selector that is always on, and another order of selectors, change no interval")
    func selectorsIntersect() throws {
        try each(ofFirst: Self.nestCount) { given in
            let expected = try given.intervals()
            let always = try JSONValue(parsing: "{\"type\":\"datetime\"}")
            let actual = try given.intervals { json in
                let own = json["selectors"]?.arrayValue ?? []
                if own.count < 3 { json["selectors"] = .array(own + [always]) }
            }
            guard actual == expected else { return "one that is always on" }
            // The counter of type `geofence` asks for the first selector.
            let counters = try JSONValue(parsing: given.given.calculatorJSON)["counters"]?.arrayValue ?? []
            if counters.contains(where: { $0["type"]?.stringValue == "geofence" }) { return nil }
            let reversed = try given.intervals { json in
                json["selectors"] = .array((json["selectors"]?.arrayValue ?? []).reversed())
            }
            return reversed == expected ? nil : "another order"
        }
    }

    @Test("messages that validation hides might as well not be there")
    func hidden() throws {
        try each { given in
            let json = try JSONValue(parsing: given.given.calculatorJSON)
            guard json["messages_source"]?["calc_id"] == nil, json["messages_source"]?["calculator_id"] == nil,
                json["validate_message"] == nil, given.given.sources.isEmpty
            else { return nil }
            let validated = try given.intervals { $0["validate_message"] = .string(MetamorphicCase.located) }
            let kept = Set(try given.moments(where: MetamorphicCase.located).map(\.microseconds))
            var fewer = given.given
            fewer.messages = fewer.messages.filter { kept.contains($0.timestampMicroseconds) }
            let found = try Subject.intervals(fewer)[given.given.calculatorID] ?? []
            return found == validated ? nil : "validated \(validated.count), taken out \(found.count)"
        }
    }
}

extension RefInterval {
    fileprivate var borders: [Int64] {
        [beginMicroseconds, endMicroseconds, firstOnMicroseconds, isActive ? 1 : 0]
    }
}
