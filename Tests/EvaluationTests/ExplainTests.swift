import Foundation
import ReferenceEvaluator
import SeededRandom
import Telemetry
import Testing

@testable import Evaluation

/// What is explained is what the evaluator gives, and every reason holds against the messages.
struct ExplainTests {
    static let caseCount = ProcessInfo.processInfo.environment["ODOGRAPH_CASES"].flatMap(UInt64.init) ?? 100
    static let firstSeed = ProcessInfo.processInfo.environment["ODOGRAPH_SEED"].flatMap(UInt64.init) ?? 1

    @Test("the explained intervals of every scenario are the evaluator's, and their reasons hold")
    func scenarios() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: ExplainCase.scenarios).sorted()
        #expect(names.count > 50)
        for name in names where !name.contains(".") {
            let given = try ExplainCase(scenario: name)
            #expect(try given.problem() == nil, "\(name)")
        }
    }

    @Test("the explained intervals of random calculators are the evaluator's, and their reasons hold")
    func random() throws {
        for seed in Self.firstSeed..<(Self.firstSeed + Self.caseCount) {
            let given = Generator.wholeCase(seed: seed)
            guard let all = try? Subject.intervals(given), let last = given.calculators.last else { continue }
            let sources = Dictionary(uniqueKeysWithValues: all.map { (CalculatorID(Int64($0.key)), $0.value) })
            let subject = try Subject(given, last, sources: sources)
            var random = SeededGenerator(seed: seed)
            let cuts = AgreementTests.cuts(subject.block.count, &random)
            let explained = ExplainCase(subject)
            guard let found = try explained.problem(cuts: cuts) ?? explained.lateProblem(cuts: cuts) else { continue }
            Issue.record("seed \(seed): \(found)\n\(given.report)")
            return
        }
    }

    @Test("every code of a cause is met in random calculators")
    func codes() throws {
        var met: Set<ExplainedCause.Code> = []
        for seed in 1...150 as ClosedRange<UInt64> {
            let given = Generator.wholeCase(seed: seed)
            guard let all = try? Subject.intervals(given), let last = given.calculators.last else { continue }
            let sources = Dictionary(uniqueKeysWithValues: all.map { (CalculatorID(Int64($0.key)), $0.value) })
            let explanation = ExplainCase(try Subject(given, last, sources: sources)).explanation()
            met.formUnion(explanation.allCauses.map(\.code))
        }
        #expect(Set(ExplainedCause.Code.allCases).subtracting(met) == [.earlier])
    }

    @Test("what began before the messages that are looked at is told so, and the rest as ever")
    func recordingFrom() throws {
        let given = try ExplainCase(
            definition: #"{"selectors":[{"type":"expression","expression":"on"}]}"#,
            messages: [
                (0, ["on": 1]), (60, ["on": 1]), (120, ["on": 1]), (180, ["on": 0]), (240, ["on": 1]), (300, ["on": 1]),
            ])
        let range = TimeRange(lower: Timestamp(seconds: 100), upper: .distantFuture)
        let late = given.explanation(cuts: [2, 3], range: range, recordingFrom: range.lower)
        let whole = given.explanation(range: range)
        #expect(late.intervals.map(\.interval) == whole.intervals.map(\.interval))
        #expect(late.intervals.first?.began.causes.map(\.code) == [.earlier])
        #expect(late.intervals.first?.ended == whole.intervals.first?.ended)
        #expect(late.intervals.last == whole.intervals.last)
    }

    @Test("an explainer is done once messages to come change nothing in its range")
    func done() throws {
        let given = try ExplainCase(
            definition: #"{"selectors":[{"type":"expression","expression":"on","max_inactive":60}]}"#,
            messages: [(0, ["on": 1]), (60, ["on": 1]), (120, ["on": 0]), (180, ["on": 0]), (240, ["on": 0])])
        var explainer = Explainer(
            given.calculator, environment: given.environment,
            range: TimeRange(lower: .distantPast, upper: Timestamp(seconds: 100)))
        var done: [Bool] = []
        for row in 0..<given.block.count {
            explainer.consume(given.block.rows(row..<row + 1))
            done.append(explainer.isDone)
        }
        #expect(done == [false, false, false, true, true])
        #expect(explainer.explanation(now: given.now).intervals.count == 1)
    }

    // MARK: What is said

    /// What is said of an item, as text.
    private func text(_ json: JSONValue, _ path: String...) -> String {
        path.reduce(json) { $0[$1] ?? .null }.text
    }

    @Test("a trip says what began it, what it absorbed, what ended it, and what was merged")
    func trip() throws {
        let given = try ExplainCase(
            definition: """
                {"selectors":[{"name":"moving","type":"expression","expression":"speed > 3","max_inactive":200,\
                "merge_message_before":true,"merge_message_after":true,"max_messages_time_diff":300}]}
                """,
            messages: [
                (0, ["speed": 0]), (60, ["speed": 10]), (120, ["speed": 1]), (180, [:]), (240, ["speed": 9]),
                (300, ["speed": 0]), (450, ["speed": 0]),
            ])
        let found = given.explanation()
        #expect(found.refused.isEmpty && found.intervals.count == 1)
        let json = try #require(found.intervals.first?.json)
        #expect(text(json, "interval") == #"{"begin":0,"end":300,"duration":300}"#)
        #expect(
            text(json, "began")
                == #"""
                {"timestamp":60,"code":"on","text":"the expression is true","causes":[{"code":"on",\#
                "text":"the expression is true","selector":{"index":0,"name":"moving","type":"expression"},\#
                "message":{"timestamp":60,"parameters":{"speed":10},"expression":"speed > 3",\#
                "values":[{"text":"speed > 3","column":1,"value":true},{"text":"speed","column":1,\#
                "value":10}]}}],"merge":{"code":"merged","text":"by merge_message_before","timestamp":0}}
                """#)
        #expect(
            text(json, "ended")
                == #"""
                {"timestamp":240,"code":"max_inactive","text":"not on for 210 s,\#
                 over max_inactive of 200 s; then the expression is false","causes":[{"code":"max_inactive",\#
                "text":"not on for 210 s, over max_inactive of 200 s; then the expression is false",\#
                "selector":{"index":0,"name":"moving","type":"expression"},"seconds":210,"limit":200,\#
                "off_since":300,"message":{"timestamp":450,"parameters":{"speed":0},"expression":"speed > 3",\#
                "values":[{"text":"speed > 3","column":1,"value":false},{"text":"speed","column":1,\#
                "value":0}]}}],"merge":{"code":"merged","text":"by merge_message_after","timestamp":300}}
                """#)
        #expect(
            text(json, "messages")
                == #"""
                {"count":6,"on":2,"off_absorbed":1,"unknown":1,"unseen":0,"absorbed":[{"state":"off",\#
                "selector":{"index":0,"name":"moving","type":"expression"},"message":{"timestamp":120,\#
                "parameters":{"speed":1},"expression":"speed > 3","values":[{"text":"speed > 3","column":1,\#
                "value":false},{"text":"speed","column":1,"value":1}]}},{"state":"unknown",\#
                "selector":{"index":0,"name":"moving","type":"expression"},"message":{"timestamp":180,\#
                "parameters":{},"expression":"speed > 3","values":[{"text":"speed > 3","column":1,\#
                "error":"there is no parameter 'speed'"},{"text":"speed","column":1,\#
                "error":"there is no parameter 'speed'"}]}}]}
                """#)
    }

    /// The one of the four changes that is kept.
    private static let keptChange =
        #"""
        {"interval":{"begin":0,"end":60,"duration":60,"max":5},"began":{"timestamp":0,"code":"on_new",\#
        "text":"the first value is 1","causes":[{"code":"on_new","text":"the first value is 1",\#
        "selector":{"index":0,"name":"driver","type":"expression"},"new":1,"message":{"timestamp":0,\#
        "parameters":{"driver":1},"expression":"driver","values":[{"text":"driver","column":1,\#
        "value":1}]}}],"merge":{"code":"not_asked","text":"merge_message_before is not set"}},\#
        "ended":{"timestamp":60,"code":"on_new","text":"the value changed from 1 to 2",\#
        "causes":[{"code":"on_new","text":"the value changed from 1 to 2","selector":{"index":0,\#
        "name":"driver","type":"expression"},"old":1,"new":2,"message":{"timestamp":90,\#
        "parameters":{"driver":2},"expression":"driver","values":[{"text":"driver","column":1,\#
        "value":2}]}}],"merge":{"code":"not_asked","text":"merge_message_after is not set"}},\#
        "messages":{"count":2,"on":2,"off_absorbed":0,"unknown":0,"unseen":0}}
        """#

    @Test("a change says the old and the new value, and a refused candidate says what was too short or not true")
    func refusals() throws {
        let given = try ExplainCase(
            definition: """
                {"selectors":[{"name":"driver","type":"expression","method":"change","expression":"driver",\
                "min_duration":60}],"validate_interval":"max > #max","counters":[{"name":"max",\
                "type":"parameter","parameter":"speed","method":"maximum"}]}
                """,
            messages: [
                (0, ["driver": 1, "speed": 1]), (60, ["driver": 1, "speed": 5]), (90, ["driver": 2, "speed": 7]),
                (120, ["driver": 3, "speed": 4]), (180, ["driver": 3, "speed": 4]), (240, ["driver": 4, "speed": 9]),
            ])
        let found = given.explanation()
        #expect(found.intervals.map(\.json.text) == [Self.keptChange])
        #expect(
            found.refused.map(\.json.text) == [
                #"""
                {"begin":90,"end":90,"duration":0,"is_final":true,"reasons":[{"code":"min_duration",\#
                "text":"it lasted 0 s, under min_duration of 60 s","selector":{"index":0,"name":"driver",\#
                "type":"expression"},"seconds":0,"limit":60}],"began":{"timestamp":90,"code":"on_new",\#
                "text":"the value changed from 1 to 2","causes":[{"code":"on_new",\#
                "text":"the value changed from 1 to 2","selector":{"index":0,"name":"driver",\#
                "type":"expression"},"old":1,"new":2,"message":{"timestamp":90,"parameters":{"driver":2},\#
                "expression":"driver","values":[{"text":"driver","column":1,"value":2}]}}]},\#
                "ended":{"timestamp":90,"code":"on_new","text":"the value changed from 2 to 3",\#
                "causes":[{"code":"on_new","text":"the value changed from 2 to 3","selector":{"index":0,\#
                "name":"driver","type":"expression"},"old":2,"new":3,"message":{"timestamp":120,\#
                "parameters":{"driver":3},"expression":"driver","values":[{"text":"driver","column":1,\#
                "value":3}]}}]}}
                """#,
                #"""
                {"begin":120,"end":180,"duration":60,"is_final":true,"reasons":[{"code":"validate_interval",\#
                "text":"validate_interval is false","interval":{"begin":120,"end":180,"duration":60,"max":4},\#
                "fields":{"parameters":{"max":4},"expression":"max > #max","values":[{"text":"max > #max",\#
                "column":1,"value":false},{"text":"max","column":1,"value":4},{"text":"#max","column":7,\#
                "value":5}]}}],"began":{"timestamp":120,"code":"on_new","text":"the value changed from 2 to 3",\#
                "causes":[{"code":"on_new","text":"the value changed from 2 to 3","selector":{"index":0,\#
                "name":"driver","type":"expression"},"old":2,"new":3,"message":{"timestamp":120,\#
                "parameters":{"driver":3},"expression":"driver","values":[{"text":"driver","column":1,\#
                "value":3}]}}]},"ended":{"timestamp":180,"code":"on_new","text":"the value changed from 3 to 4",\#
                "causes":[{"code":"on_new","text":"the value changed from 3 to 4","selector":{"index":0,\#
                "name":"driver","type":"expression"},"old":3,"new":4,"message":{"timestamp":240,\#
                "parameters":{"driver":4},"expression":"driver","values":[{"text":"driver","column":1,\#
                "value":4}]}}]}}
                """#,
                #"""
                {"begin":240,"end":240,"duration":0,"is_final":false,"reasons":[{"code":"min_duration",\#
                "text":"it lasted 0 s, under min_duration of 60 s","selector":{"index":0,"name":"driver",\#
                "type":"expression"},"seconds":0,"limit":60}],"began":{"timestamp":240,"code":"on_new",\#
                "text":"the value changed from 3 to 4","causes":[{"code":"on_new",\#
                "text":"the value changed from 3 to 4","selector":{"index":0,"name":"driver",\#
                "type":"expression"},"old":3,"new":4,"message":{"timestamp":240,"parameters":{"driver":4},\#
                "expression":"driver","values":[{"text":"driver","column":1,"value":4}]}}]},\#
                "ended":{"timestamp":240,"code":"end_of_data","text":"no message has ended it yet",\#
                "causes":[{"code":"end_of_data","text":"no message has ended it yet","selector":{"index":0,\#
                "name":"driver","type":"expression"}}]}}
                """#,
            ])
    }

    @Test("a day cuts a trip, and each part says which selector did it")
    func day() throws {
        let given = try ExplainCase(
            definition: """
                {"timezone":"Africa/Nairobi","selectors":[{"name":"on","type":"expression","expression":"on",\
                "min_active":0,"merge_message_after":true},{"type":"datetime","split":"day"}]}
                """,
            messages: [(75_540, ["on": 1]), (75_599, ["on": 1]), (75_600, ["on": 1]), (75_660, ["on": 0])])
        let found = given.explanation()
        #expect(found.refused.isEmpty)
        #expect(
            found.intervals.map { text($0.json, "began") } == [
                #"""
                {"timestamp":75540,"code":"on","text":"the expression is 1","causes":[{"code":"on",\#
                "text":"the expression is 1","selector":{"index":0,"name":"on","type":"expression"},\#
                "message":{"timestamp":75540,"parameters":{"on":1},"expression":"on","values":[{"text":"on",\#
                "column":1,"value":1}]}},{"code":"on_new","text":"the day 1970-01-01 begins",\#
                "selector":{"index":1,"type":"datetime"},"bucket":"1970-01-01","message":{"timestamp":75540,\#
                "parameters":{}}}],"merge":{"code":"not_asked","text":"merge_message_before is not set"}}
                """#,
                #"""
                {"timestamp":75600,"code":"on_new","text":"the day 1970-01-02 begins",\#
                "causes":[{"code":"on_new","text":"the day 1970-01-02 begins","selector":{"index":1,\#
                "type":"datetime"},"bucket":"1970-01-02","message":{"timestamp":75600,"parameters":{}}}],\#
                "others":[{"code":"already_on","text":"on since 1970-01-01 23:59:00","selector":{"index":0,\#
                "name":"on","type":"expression"},"since":75540}],"merge":{"code":"not_asked",\#
                "text":"merge_message_before is not set"}}
                """#,
            ])
        #expect(
            found.intervals.map { text($0.json, "ended") } == [
                #"""
                {"timestamp":75599,"code":"on_new","text":"the day 1970-01-02 begins",\#
                "causes":[{"code":"on_new","text":"the day 1970-01-02 begins","selector":{"index":1,\#
                "type":"datetime"},"bucket":"1970-01-02","message":{"timestamp":75600,"parameters":{}}}],\#
                "others":[{"code":"still_on","text":"still on","selector":{"index":0,"name":"on",\#
                "type":"expression"}}],"merge":{"code":"not_asked","text":"merge_message_after is not set"}}
                """#,
                #"""
                {"timestamp":75600,"code":"off","text":"the expression is 0","causes":[{"code":"off",\#
                "text":"the expression is 0","selector":{"index":0,"name":"on","type":"expression"},\#
                "message":{"timestamp":75660,"parameters":{"on":0},"expression":"on","values":[{"text":"on",\#
                "column":1,"value":0}]}}],"others":[{"code":"still_on","text":"still on","selector":{"index":1,\#
                "type":"datetime"}}],"merge":{"code":"merged","text":"by merge_message_after",\#
                "timestamp":75660}}
                """#,
            ])
    }

    @Test("a single message, a gap, and an end of data that may still go on are told")
    func gaps() throws {
        let given = try ExplainCase(
            definition: """
                {"selectors":[{"type":"expression","expression":"on","max_messages_time_diff":100,"max_inactive":50}]}
                """,
            messages: [
                (0, ["on": 1]), (200, ["on": 1]), (300, ["on": 1]), (500, ["on": 1]), (520, ["on": 1]),
                (530, ["on": 0]),
            ])
        let found = given.explanation()
        #expect(
            found.refused.map { text($0.json, "reasons") } == [
                #"""
                [{"code":"single_message",\#
                "text":"a single message that is on is dropped where min_active is not set",\#
                "selector":{"index":0,"type":"expression"}}]
                """#
            ])
        #expect(
            found.intervals.map { "\(text($0.json, "began", "code")) \(text($0.json, "began", "text"))" } == [
                #"""
                "after_gap" "the expression is 1, after 200 s without a message,\#
                 over max_messages_time_diff of 100 s"
                """#,
                #"""
                "after_gap" "the expression is 1, after 200 s without a message,\#
                 over max_messages_time_diff of 100 s"
                """#,
            ])
        #expect(
            found.intervals.map { text($0.json, "ended") } == [
                #"""
                {"timestamp":300,"code":"gap","text":"no message for 200 s,\#
                 over max_messages_time_diff of 100 s","causes":[{"code":"gap","text":"no message for 200 s,\#
                 over max_messages_time_diff of 100 s","selector":{"index":0,"type":"expression"},"seconds":200,\#
                "limit":100,"from":300,"to":500,"message":{"timestamp":500,"parameters":{}}}],\#
                "merge":{"code":"not_asked","text":"merge_message_after is not set"}}
                """#,
                #"""
                {"timestamp":520,"code":"end_of_data","text":"no longer on,\#
                 but it may still go on: max_inactive of 50 s is not over","causes":[{"code":"end_of_data",\#
                "text":"no longer on, but it may still go on: max_inactive of 50 s is not over",\#
                "selector":{"index":0,"type":"expression"},"is_waiting":true,"limit":50,"until":570}],\#
                "merge":{"code":"not_asked","text":"merge_message_after is not set"}}
                """#,
            ])
    }

    @Test("messages that validate_message or update_period hides are counted and shown")
    func hidden() throws {
        let given = try ExplainCase(
            definition: """
                {"selectors":[{"type":"expression","expression":"on"}],"validate_message":"sats >= 4",\
                "update_period":60}
                """,
            messages: [
                (0, ["on": 1, "sats": 9]), (60, ["on": 0, "sats": 3]), (120, ["on": 0, "sats": 9]),
                (180, ["on": 1, "sats": 9]),
                (240, ["on": 0]),
            ], acceptances: [120: 181])
        let found = given.explanation()
        #expect(
            found.intervals.map { text($0.json, "messages") } == [
                #"""
                {"count":2,"on":2,"off_absorbed":0,"unknown":0,"unseen":0,"hidden":{"count":2,\#
                "validate_message":1,"update_period":1,"first":[{"code":"validate_message",\#
                "message":{"timestamp":60,"parameters":{"sats":3},"expression":"sats >= 4",\#
                "values":[{"text":"sats >= 4","column":1,"value":false},{"text":"sats","column":1,"value":3}]}},\#
                {"code":"update_period","seconds_late":61,"message":{"timestamp":120,"parameters":{}}}]}}
                """#
            ])
        #expect(
            found.hidden.json.text
                == #"""
                {"count":3,"validate_message":2,"update_period":1,"first":[{"code":"validate_message",\#
                "message":{"timestamp":60,"parameters":{"sats":3},"expression":"sats >= 4",\#
                "values":[{"text":"sats >= 4","column":1,"value":false},{"text":"sats","column":1,"value":3}]}},\#
                {"code":"update_period","seconds_late":61,"message":{"timestamp":120,"parameters":{}}},\#
                {"code":"validate_message","message":{"timestamp":240,"parameters":{},"expression":"sats >= 4",\#
                "values":[{"text":"sats >= 4","column":1,"error":"there is no parameter 'sats'"},{"text":"sats",\#
                "column":1,"error":"there is no parameter 'sats'"}]}}]}
                """#)
    }
}
