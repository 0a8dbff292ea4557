import Telemetry

/// A parameter's value in the message being assembled.
struct MessageCell {
    /// The index of the name in the `KeyCache`.
    var key: Int
    /// Absent once the value has been refused.
    var kind: ValueKind
    /// The number, never -0; 1 for true.
    var number: Double = 0
    /// Where a text lies in the assembler's bytes.
    var text: Range<Int> = 0..<0
}

/// A value of a message that is kept until the batches are made.
struct GatheredCell {
    var key: Int32
    var kind: ValueKind
    /// The number; of a text its place among those of its body.
    var number: Double
}
