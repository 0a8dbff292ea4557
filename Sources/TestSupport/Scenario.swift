import Calculators
import Evaluation
import Expressions
import Ingest
import Telemetry
import TimeZones

/// A situation as a folder: a calculator, the messages of one device, the steps in which they arrive, and the intervals
/// that must come of it.
///
/// The folder holds
/// - `calculator.json`, or `calculator`, a file with the name of a shipped one, or `calculate.json`, the body of a
///   calculation on demand, whose `from` and `to` are passed over;
/// - `sources`, a folder of the calculators that are read: `7.json` is the one with the id 7; `7` names a shipped one;
/// - `geofences.json`, an array of the geofences that are assigned to the calculator and to its sources;
/// - `metadata.json`, the metadata of the device;
/// - `messages.jsonl`, a message a line, all of one device;
/// - `steps.json`, an array of `{"post":[first line, last line]}` (from 1, both included, accepted as history unless
///   `"accepted":T` gives the moment), `{"now":T}`, which advances the clock, and `{"expect":"file.json"}`, which tells
///   what must hold in between; without it all messages arrive at once;
/// - `expected.json`, what must hold at the end: the intervals as they are stored, without `id` and `timestamp`.
///
/// All but the calculator, the messages and the expected intervals may be missing.
package struct Scenario: Sendable, CustomStringConvertible {
    package var name: String
    package var definition: JSONValue
    package var calculator: Calculator
    package var environment: ExpressionEnvironment
    /// The calculators that are read, each after those that it reads itself.
    package var sources: [ScenarioSource]
    /// The device that all messages name.
    package var facts: DeviceFacts
    /// The messages as JSON text.
    package var lines: [String]
    package var steps: [Step]
    package var expected: [JSONValue]

    package enum Step: Sendable {
        /// Messages arrive, by the indices of their lines; without a moment of acceptance they are history.
        case post(Range<Int>, accepted: Timestamp?)
        /// The clock goes on to a moment.
        case now(Timestamp)
        /// These intervals must hold by now; `file` says where they stand.
        case expect([JSONValue], file: String)
    }

    package var description: String { name }
}

extension Scenario {
    /// What has arrived, and what the clock shows, at one point of the steps.
    package struct Progress: Sendable {
        /// All messages so far, in order and without duplicates.
        package var messages = MessageBatch()
        /// The clock; before the first `now` it stands at the last message.
        package var now: Timestamp?
        /// The names of the messages' columns.
        package let table: ParameterTable

        package init() { table = ParameterTable() }

        /// The moment at which activity is judged.
        package var clock: Timestamp {
            now ?? Timestamp(microseconds: messages.timestamps.last ?? 0)
        }
    }

    /// The messages of a step as the log would take them.
    package func batch(
        _ range: Range<Int>, accepted: Timestamp?, table: ParameterTable
    ) throws -> MessageBatch {
        let bytes = Array(lines[range].joined(separator: "\n").utf8)
        let decoded = try MessageDecoder(table: table).decode(bytes, acceptance: accepted.map { .now($0) } ?? .history)
        guard decoded.problems.isEmpty, decoded.future.isEmpty, decoded.byIdent.count == 1 else {
            let reason = decoded.problems.first.map { "line \(range.lowerBound + 1 + $0.index): \($0)" }
            throw ScenarioError(file: "\(name)/messages.jsonl", reason: reason ?? "the messages must be of one device")
        }
        return decoded.byIdent[0].messages
    }

    /// Takes a step; what it expects is for the caller to compare.
    package func take(_ step: Step, _ progress: inout Progress) throws {
        switch step {
        case .post(let range, let accepted):
            let batch = try batch(range, accepted: accepted, table: progress.table)
            progress.messages = progress.messages.merged(with: batch)
        case .now(let moment): progress.now = moment
        case .expect: break
        }
    }

    /// The state of things after all steps.
    package func end() throws -> Progress {
        var progress = Progress()
        for step in steps { try take(step, &progress) }
        return progress
    }
}
