import Foundation
import ReferenceEvaluator

/// Short ways to write messages and calculators.
enum Fixtures {
    static let start: Int64 = 1_700_000_000

    /// A message `second` after the start, accepted at once.
    static func message(_ second: Double, _ values: [String: RefValue] = [:]) -> RefMessage {
        let time = start * 1_000_000 + Int64((second * 1e6).rounded())
        return RefMessage(timestampMicroseconds: time, acceptanceMicroseconds: time, values: values)
    }

    /// Messages with `on`: `1` true, `0` false, `-` absent, `n` null, ten seconds apart.
    static func states(_ pattern: String, step: Double = 10) -> [RefMessage] {
        pattern.enumerated().map { index, character in
            let value: RefValue? =
                switch character {
                case "1": .boolean(true)
                case "0": .boolean(false)
                case "n": .null
                default: nil
                }
            return message(Double(index) * step, value.map { ["on": $0] } ?? [:])
        }
    }

    static func evaluate(
        _ json: String, _ messages: [RefMessage], now: Double = 1e6, zone: String = "UTC", metadata: String = "{}"
    ) throws -> [RefInterval] {
        let zone = TimeZone(identifier: zone) ?? .gmt
        let reference = try Reference(
            calculatorJSON: json, timeZone: zone, constants: ["ident": .string("i1")], metadataJSON: metadata)
        return reference.evaluate(messages, nowMicroseconds: start * 1_000_000 + Int64(now * 1e6))
    }

    /// Begin and end of intervals of a selector over `on`, in seconds after the start.
    static func borders(
        _ options: String, _ messages: [RefMessage], now: Double = 1e6
    ) throws -> [[Double]] {
        let selector = #"{"type":"expression","expression":"on"\#(options.isEmpty ? "" : ",")\#(options)}"#
        return try evaluate(#"{"selectors":[\#(selector)]}"#, messages, now: now).map(borders)
    }

    static func borders(_ interval: RefInterval) -> [Double] {
        [interval.beginMicroseconds, interval.endMicroseconds].map { Double($0 - start * 1_000_000) / 1e6 }
    }

    /// The value of an expression in the last of some messages, as the counter `last` sees it.
    static func last(_ expression: String, _ messages: [RefMessage], zone: String = "UTC") throws -> RefValue? {
        try counter("expression", #""expression":\#(quoted(expression)),"method":"last""#, messages, zone: zone)
    }

    /// The value of one counter over all messages.
    static func counter(
        _ type: String, _ options: String, _ messages: [RefMessage], zone: String = "UTC", more: String = ""
    ) throws -> RefValue? {
        let json = #"""
            {"selectors":[{"type":"datetime"}]\#(more),"counters":[{"name":"x","type":"\#(type)",\#(options)}]}
            """#
        return try evaluate(json, messages, zone: zone).first?["x"]
    }

    static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
