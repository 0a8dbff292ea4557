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

    /// The first message after a horizon that nothing is known before, until no interval can begin with it any more:
    /// an interval that does may have begun earlier. `.min` before that message; nil elsewhere.
    var cut: Int64?

    /// The state before the first message; `beginsAtHorizon` if there were messages before that are gone.
    public init(_ calculator: Calculator, beginsAtHorizon: Bool = false) {
        cut = beginsAtHorizon ? .min : nil
        validateMemory = calculator.validateMessage.map { ProgramMemory(for: $0) }
        tracks = calculator.selectors.map { SelectorTrack($0) }
        pieces = []
        mayMergeBefore = calculator.selectors.contains { $0.options.mergesBefore }
        savesLists = calculator.readsLists
        mayOpenBefore = calculator.selectors.contains { $0.isInactive }
    }

    /// Whether lists of messages are always saved with it.
    let savesLists: Bool
    /// The last message may turn out to have begun an interval (`inactive`).
    private var mayOpenBefore: Bool

    /// The next interval may begin with the last message that counts.
    private var mayMergeBefore: Bool

    /// Whether an interval that is not settled lacks messages in its lists, since they were not saved.
    public var isIncomplete: Bool { pieces.contains { $0.marks.contains { $0.isIncomplete } } }

    /// The first message of the earliest interval that is not settled; nil if all are.
    public var pendingFrom: Timestamp? {
        let last = mayOpenBefore ? carry?.timestamps.first : nil
        return [pieces.first?.firstOn, last].compactMap { $0 }.min().map { Timestamp(microseconds: $0) }
    }

    /// The begin of the earliest interval that is not settled or may begin with the next message, messages merged
    /// before it included; nil if none reaches back so far.
    public var pendingBegin: Timestamp? {
        let last = mayMergeBefore ? carry?.timestamps.first : nil
        return [pieces.first?.begin, pendingFrom?.microseconds, last].compactMap { $0 }.min()
            .map { Timestamp(microseconds: $0) }
    }
}
