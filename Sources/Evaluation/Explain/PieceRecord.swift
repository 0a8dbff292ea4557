import Telemetry

/// What was noted of a piece while it went through the evaluation.
struct PieceRecord {
    /// A run that has ended, or a part of one.
    struct Closing {
        var cause: ExplainedCause
        /// From the first to the last message that is on, of the run as a whole: what `min_active` judges.
        var activeSpan: Int64
    }

    let firstOn: Int64
    let begin: Int64
    let began: ExplainedBorder
    /// By selector, as `Piece.ends`.
    var closings: [Closing?]
    /// The first few messages that were not on, and that were hidden; some may lie behind the end.
    var absorbed: [AbsorbedMessage] = []
    var hidden: [HiddenMessage] = []

    init(_ piece: Piece, began: ExplainedBorder) {
        firstOn = piece.firstOn
        begin = piece.begin
        self.began = began
        closings = piece.ends.map { _ in nil }
    }

    var wantsAbsorbed: Bool { absorbed.count < ExplainedMessages.samplesMax }
    var wantsHidden: Bool { hidden.count < ExplainedMessages.samplesMax }
}
