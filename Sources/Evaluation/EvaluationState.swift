import Calculators
import Expressions
import Telemetry

/// All that an evaluation remembers at one message of a device's stream: a value that is saved, and compared to tell
/// that two evaluations go on alike from there.
///
/// It depends on the messages up to there alone, not on how they were cut into blocks.
public struct EvaluationState: Sendable {
    /// The last message of the raw stream, the refused ones included; nil at the start.
    public internal(set) var position: Timestamp?
    /// The memory of the calculator's `validate_message`.
    var validateMemory: ProgramMemory?
    /// The last message of the calculator's stream, for merging.
    var carry: ExpressionBlock?
    var tracks: [SelectorTrack]
    /// The pieces whose ends are not settled, in order.
    var pieces: [Piece]
    /// The fields of the last kept interval that `previous()` asks for; nil if there is none.
    var previousFields: [String: Value]?

    /// The state before the first message.
    public init(_ calculator: Calculator) {
        validateMemory = calculator.validateMessage.map { ProgramMemory(for: $0) }
        tracks = calculator.selectors.map { SelectorTrack($0) }
        pieces = []
    }

    /// The first message of the earliest interval that is not settled; nil if all are.
    public var pendingFrom: Timestamp? { pieces.first.map { Timestamp(microseconds: $0.firstOn) } }
}
