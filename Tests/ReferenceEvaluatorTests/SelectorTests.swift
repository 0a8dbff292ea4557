import ReferenceEvaluator
import Testing

@Suite("Selectors of the reference evaluator")
struct SelectorTests {
    private func borders(_ options: String, _ pattern: String, now: Double = 1e6) throws -> [[Double]] {
        try Fixtures.borders(options, Fixtures.states(pattern), now: now)
    }

    @Test("a run lies from its first to its last ON message")
    func plainRun() throws { #expect(try borders("", "0110111") == [[10, 20], [40, 60]]) }

    @Test("absent min_active drops runs of one message, 0 keeps them, a number asks for a span")
    func minActive() throws {
        #expect(try borders("", "01011") == [[30, 40]])
        #expect(try borders(#""min_active":0"#, "01011") == [[10, 10], [30, 40]])
        #expect(try borders(#""min_active":20"#, "011011101") == [[40, 60]])
        #expect(try borders(#""method":"change""#, "1011") == [[0, 0], [10, 10], [20, 30]])
    }

    @Test("OFF messages up to max_inactive after the last ON are absorbed when an ON confirms them")
    func maxInactive() throws {
        #expect(try borders(#""max_inactive":20"#, "1100110001") == [[0, 10], [40, 50]])
        #expect(try borders(#""max_inactive":30"#, "1100110000") == [[0, 50]])
        #expect(try borders(#""max_inactive":30,"min_active":0"#, "11001") == [[0, 40]])
    }

    @Test("an ON that comes more than max_inactive after the last ON opens anew only if an OFF came between")
    func lateOn() throws {
        let apart = [0, 10, 15, 60, 70].map { Fixtures.message($0, ["on": .boolean($0 != 15)]) }
        #expect(try Fixtures.borders(#""max_inactive":30"#, apart) == [[0, 10], [60, 70]])
        let quiet = [0, 10, 60, 70].map { Fixtures.message($0, ["on": .boolean(true)]) }
        #expect(try Fixtures.borders(#""max_inactive":30"#, quiet) == [[0, 70]])
    }

    @Test("UNKNOWN acts as OFF, and with merge_unknown as the message before it")
    func unknown() throws {
        #expect(try borders(#""min_active":0"#, "1-1") == [[0, 0], [20, 20]])
        #expect(try borders(#""min_active":0"#, "1n1") == [[0, 0], [20, 20]])
        #expect(try borders(#""merge_unknown":true"#, "-1-n0-1") == [[10, 30]])
    }

    @Test("a gap closes the run at the earlier message, and the state before is OFF after it")
    func gap() throws {
        let messages = [0, 10, 100, 110, 120].map { Fixtures.message($0, $0 == 100 ? [:] : ["on": .boolean(true)]) }
        #expect(
            try Fixtures.borders(#""max_messages_time_diff":50,"merge_unknown":true,"min_active":0"#, messages)
                == [[0, 10], [110, 120]])
        #expect(try Fixtures.borders(#""max_messages_time_diff":90,"merge_unknown":true"#, messages) == [[0, 120]])
    }

    @Test("merges take a neighbour, never across a gap, and after the end only once the run is closed")
    func merges() throws {
        let both = #""merge_message_before":true,"merge_message_after":true"#
        #expect(try borders(both, "00110011") == [[10, 40], [50, 70]])
        #expect(try borders(both + #","max_inactive":50"#, "00110") == [[10, 30]])
        let messages = [0, 100, 110, 200].map { Fixtures.message($0, ["on": .boolean($0 == 100 || $0 == 110)]) }
        #expect(try Fixtures.borders(both, messages) == [[0, 200]])
        #expect(try Fixtures.borders(both + #","max_messages_time_diff":90"#, messages) == [[100, 200]])
        #expect(try Fixtures.borders(both + #","max_messages_time_diff":50"#, messages) == [[100, 110]])
    }

    @Test("min_duration judges runs with their own merges, and open runs by what they hold so far")
    func minDuration() throws {
        #expect(try borders(#""min_duration":20"#, "00110") == [])
        #expect(try borders(#""min_duration":20,"merge_message_before":true"#, "00110") == [[10, 30]])
        #expect(try borders(#""min_duration":20,"merge_message_after":true"#, "00110") == [[20, 40]])
        #expect(try borders(#""min_duration":20,"merge_message_after":true,"max_inactive":50"#, "00110") == [])
        #expect(try borders(#""min_duration":20,"max_inactive":5"#, "0011") == [])
        #expect(try borders(#""min_duration":20"#, "00111") == [[20, 40]])
    }

    @Test("max_active begins a new piece at the ON message that lies too far from the first")
    func maxActive() throws {
        #expect(try borders(#""max_active":20"#, "11111111") == [[0, 20], [30, 50], [60, 70]])
        #expect(try borders(#""max_active":20,"min_active":60"#, "1111111") == [[0, 20], [30, 50], [60, 60]])
        #expect(try borders(#""max_active":20,"min_duration":20"#, "1111111") == [[0, 20], [30, 50]])
        #expect(try borders(#""max_active":20,"max_inactive":30"#, "110011") == [[0, 10], [40, 50]])
        #expect(
            try borders(#""max_active":20,"merge_message_after":true"#, "1111111") == [[0, 30], [30, 60], [60, 60]])
    }

    @Test("an interval is active while every run is open and no timer is over")
    func active() throws {
        func flags(_ options: String, _ pattern: String, _ now: Double) throws -> [Bool] {
            let json = #"{"selectors":[{"type":"expression","expression":"on"\#(options)}]}"#
            return try Fixtures.evaluate(json, Fixtures.states(pattern), now: now).map(\.isActive)
        }
        #expect(try flags("", "11", 1e6) == [true])
        #expect(try flags("", "110", 20) == [false])
        #expect(try flags(#","max_inactive":30"#, "110", 40) == [true])
        #expect(try flags(#","max_inactive":30"#, "110", 40.000001) == [false])
        #expect(try flags(#","max_active":10"#, "1111", 30) == [false, true])
    }

    @Test("invert swaps ON and OFF and leaves UNKNOWN")
    func invert() throws { #expect(try borders(#""invert":true"#, "0011-00") == [[0, 10], [50, 60]]) }

    @Test("change forms a run for each stretch of one value")
    func change() throws {
        #expect(try borders(#""method":"change""#, "110011") == [[0, 10], [20, 30], [40, 50]])
        #expect(try borders(#""method":"change","merge_unknown":true"#, "1-1-0") == [[0, 30], [40, 40]])
        #expect(try borders(#""method":"change""#, "1-1") == [[0, 0], [20, 20]])
        #expect(try borders(#""method":"change","max_inactive":60"#, "1-1") == [[0, 20]])
        #expect(try borders(#""method":"change","merge_message_after":true"#, "1100") == [[0, 20], [20, 30]])
    }

    @Test("a selector's validation hides messages from it alone, and merges go by the calculator's stream")
    func validation() throws {
        var messages = Fixtures.states("0011001")
        for index in messages.indices { messages[index].values["good"] = .boolean(index != 1 && index != 4) }
        let options = #""validate_message":"good","merge_message_before":true,"merge_message_after":true"#
        #expect(try Fixtures.borders(options, messages) == [[10, 40]])
        let selector = #"{"type":"expression","expression":"on","merge_message_before":true}"#
        let json = #"{"validate_message":"good","selectors":[\#(selector)]}"#
        #expect(try Fixtures.evaluate(json, messages).map(Fixtures.borders) == [[0, 30]])
    }

    @Test("inside a validation the previous message is that of the stream before it")
    func validationStream() throws {
        let messages = Fixtures.states("1011011")
        let options = #""validate_message":"$on == #on || !on","min_active":0"#
        #expect(try Fixtures.borders(options, messages) == [[30, 30], [60, 60]])
    }
}

@Suite("Several selectors of the reference evaluator")
struct IntersectionTests {
    private func borders(_ selectors: [String], _ messages: [RefMessage], zone: String = "UTC") throws -> [[Double]] {
        let json = #"{"selectors":[\#(selectors.joined(separator: ","))]}"#
        return try Fixtures.evaluate(json, messages, zone: zone).map(Fixtures.borders)
    }

    private func messages(_ first: String, _ second: String) -> [RefMessage] {
        zip(Fixtures.states(first), second).map { message, character in
            var message = message
            message.values["b"] = .boolean(character == "1")
            return message
        }
    }

    private func selector(_ expression: String, _ options: String = "") -> String {
        #"{"type":"expression","expression":"\#(expression)"\#(options)}"#
    }

    @Test("only where all are ON there is an interval, even of one message")
    func overlap() throws {
        let messages = messages("0111100", "0001110")
        #expect(try borders([selector("on"), selector("b")], messages) == [[30, 40]])
        #expect(try borders([selector("on"), selector("b")], self.messages("01110", "00011")) == [[30, 30]])
    }

    @Test("a border is extended only if every selector whose run lies at it wants to")
    func borderFlags() throws {
        let flag = #","merge_message_before":true"#
        let later = messages("0111100", "0001110")
        #expect(try borders([selector("on", flag), selector("b")], later) == [[30, 40]])
        #expect(try borders([selector("on"), selector("b", flag)], later) == [[20, 40]])
        let same = messages("0011100", "0011110")
        #expect(try borders([selector("on", flag), selector("b")], same) == [[20, 40]])
        #expect(try borders([selector("on", flag), selector("b", flag)], same) == [[10, 40]])
    }

    @Test("an open run does not end where a closed one does")
    func openRun() throws {
        let messages = messages("01100", "01100")
        let after = #","merge_message_after":true"#
        #expect(try borders([selector("on", after), selector("b", #","max_inactive":60"#)], messages) == [[10, 30]])
        #expect(try borders([selector("on", after), selector("b")], messages) == [[10, 20]])
        #expect(
            try borders([selector("on", after), selector("b", after + #","max_inactive":60"#)], messages) == [[10, 30]])
    }

    @Test("a merge stops at a gap of any selector")
    func foreignGap() throws {
        let messages = [0, 40, 50, 60, 100].map {
            Fixtures.message($0, ["on": .boolean((40...60).contains($0)), "b": .boolean(true)])
        }
        let merging = selector("on", #","merge_message_before":true,"merge_message_after":true"#)
        #expect(try borders([merging, selector("b")], messages) == [[0, 100]])
        #expect(try borders([merging, selector("b", #","max_messages_time_diff":30"#)], messages) == [[40, 60]])
    }

    @Test("a gap between messages that a selector sees stops merges of messages that it does not see")
    func hiddenGap() throws {
        let merging = selector("on", #","merge_message_before":true,"merge_message_after":true"#)
        let blind = selector("b", #","max_messages_time_diff":30,"validate_message":"seen""#)
        func messages(_ seen: [Double]) -> [RefMessage] {
            [0, 20, 40, 50, 70, 90].map {
                Fixtures.message(
                    $0,
                    ["on": .boolean($0 == 40 || $0 == 50), "b": .boolean(true), "seen": .boolean(seen.contains($0))])
            }
        }
        #expect(try borders([merging, blind], messages([0, 20, 40, 50, 70, 90])) == [[20, 70]])
        #expect(try borders([merging, blind], messages([0, 40, 50, 90])) == [[40, 50]])
        let far = [0, 40, 50, 60].map {
            Fixtures.message($0, ["on": .boolean($0 >= 40), "b": .boolean(true), "seen": .boolean($0 >= 40)])
        }
        let keen = selector("b", #","max_messages_time_diff":30,"validate_message":"seen","merge_message_before":true"#)
        #expect(try borders([merging, keen], far) == [[40, 60]])
    }

    @Test("days cut by local midnight, and merged days share their border message")
    func days() throws {
        // 2023-11-14 22:13:20 UTC; midnight in Paris is 2800 s later.
        let messages = stride(from: 0.0, through: 6_000, by: 1_000).map { Fixtures.message($0, ["on": .boolean(true)]) }
        let day = #"{"type":"datetime","split":"day"}"#
        let merged = #"{"type":"datetime","split":"day","merge_message_after":true}"#
        #expect(try borders([day], messages, zone: "Europe/Paris") == [[0, 2_000], [3_000, 6_000]])
        #expect(try borders([merged], messages, zone: "Europe/Paris") == [[0, 3_000], [3_000, 6_000]])
        #expect(try borders([selector("on"), day], messages, zone: "Europe/Paris") == [[0, 2_000], [3_000, 6_000]])
        #expect(try borders([selector("on"), day], messages) == [[0, 6_000]])
    }

    @Test("the hour that daylight saving repeats makes two buckets, its day one")
    func repeatedHour() throws {
        // 2024-10-27 00:00 UTC, 02:00 in Paris; the clock goes back at 01:00 UTC.
        let first = 1_729_987_200 - Double(Fixtures.start)
        let messages = stride(from: first, through: first + 9_000, by: 1_800).map { Fixtures.message($0) }
        let hours = try borders([#"{"type":"datetime","split":"hour"}"#], messages, zone: "Europe/Paris")
        #expect(hours == [[first, first + 1_800], [first + 3_600, first + 5_400], [first + 7_200, first + 9_000]])
        let days = try borders([#"{"type":"datetime","split":"day"}"#], messages, zone: "Europe/Paris")
        #expect(days == [[first, first + 9_000]])
    }

    @Test("late messages are invisible, judged by their stamp of acceptance")
    func updatePeriod() throws {
        var messages = Fixtures.states("1101")
        messages[2].acceptanceMicroseconds += 60_000_001
        let json = #"{"update_period":60,"selectors":[{"type":"expression","expression":"on"}]}"#
        #expect(try Fixtures.evaluate(json, messages).map(Fixtures.borders) == [[0, 30]])
        messages[2].acceptanceMicroseconds -= 1
        #expect(try Fixtures.evaluate(json, messages).map(Fixtures.borders) == [[0, 10]])
    }
}
