import CalcProcess
import HTTPTypes
import PrimaryStore
import Telemetry

/// Recalculations of whole histories: how far they are, and how much of the processor they may take.
extension API {
    func readReplays(_ call: Call) async throws(APIFailure) -> Answer {
        Answer(result: [calculation.replays().json])
    }

    /// The progress of calculators, those with nothing to do too.
    func readReplay(_ call: Call) async throws(APIFailure) -> Answer {
        let selection = try calculators(call.segment("selector"))
        let status = calculation.replays()
        let progress = Dictionary(status.progress.map { ($0.calculator, $0) }) { first, _ in first }
        return Answer(
            result: selection.items.map { calculator in
                .object(
                    progress[calculator.id].map(\.members) ?? [.init("calc_id", JSONValue(calculator.id.rawValue))]
                        + [("total", 0), ("done", 0), ("running", 0), ("messages", 0)].map {
                            .init($0.0, JSONValue($0.1))
                        }
                        + [.init("messages_per_second", .number(0))]
                        + ["seconds_left", "since", "ended"].map { .init($0, .null) })
            }, errors: selection.errors)
    }

    func controlReplays(_ call: Call) async throws(APIFailure) -> Answer {
        var fields = InputFields(try call.json())
        let isPaused = fields.boolean("paused")
        let share = fields.number("share")
        fields.refuseUnknown("the control of replays", readOnly: ["progress"])
        let shares = ReplaySettings.shares
        if let share, !shares.contains(share) {
            fields.fail("share", "must be from \(shares.lowerBound) to \(shares.upperBound)")
        }
        if isPaused == nil, share == nil, fields.problems.isEmpty {
            fields.fail("paused", "or share must be given")
        }
        try fields.check()
        let calculation = calculation
        try await stored { _ throws(StoreError) in try calculation.setReplays(isPaused: isPaused, share: share) }
        return Answer(result: [calculation.replays().json])
    }
}

extension ReplayStatus {
    fileprivate var json: JSONValue {
        .object([
            .init("paused", .boolean(isPaused)), .init("share", .number(share)),
            .init("progress", .array(progress.map { .object($0.members) })),
        ])
    }
}

extension ReplayProgress {
    fileprivate var members: [JSONValue.Member] {
        [
            .init("calc_id", JSONValue(calculator.rawValue)), .init("total", JSONValue(total)),
            .init("done", JSONValue(done)), .init("running", JSONValue(running)),
            .init("messages", JSONValue(messages)),
            .init("messages_per_second", .number(messagesPerSecond.rounded())),
            .init("seconds_left", secondsLeft.map { .number(($0 * 10).rounded() / 10) } ?? .null),
            .init("since", JSONValue(since)), .init("ended", JSONValue(ended)),
        ]
    }
}

extension Route {
    static let replays: [Route] = [
        Route(
            .get, "/gw/replays", "How far the recalculation of whole histories is", result: "Replays",
            handler: API.readReplays),
        Route(
            .put, "/gw/replays", "Pause or resume it, or give it a share of the processor", body: "ReplayControl",
            result: "Replays", handler: API.controlReplays),
        Route(
            .get, "/gw/calcs/{selector}/replay", "How far the recalculation of calculators' histories is",
            result: "Replay", handler: API.readReplay),
    ]
}

extension OpenAPI {
    static let replayControl: Document = [
        "type": "object",
        "properties": ["paused": flag, "share": ["type": "number", "maximum": 1]],
    ]

    static var replays: Document {
        [
            "type": "object",
            "properties": [
                "paused": flag, "share": ["type": "number"],
                "progress": ["type": "array", "items": reference("Replay")],
            ],
        ]
    }

    static let replay: Document = [
        "type": "object",
        "properties": [
            "calc_id": whole, "total": whole, "done": whole, "running": whole, "messages": whole,
            "messages_per_second": ["type": "number"], "seconds_left": ["type": ["number", "null"]],
            "since": ["type": ["number", "null"]], "ended": ["type": ["number", "null"]],
        ],
    ]
}
