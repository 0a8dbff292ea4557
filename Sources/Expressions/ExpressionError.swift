/// A text that is not an expression, with the place and the mend.
public struct ExpressionError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The column of the offending character or word, counted from 1 in characters.
    public var column: Int
    /// What is wrong and, where it can be told, what was meant.
    public var reason: String

    public init(column: Int, reason: String) {
        self.column = column
        self.reason = reason
    }

    public var description: String { "column \(column): \(reason)" }
}

/// Limits of the language.
public enum ExpressionLimits {
    /// The longest source in bytes.
    public static let sourceBytesMax = 4_096
    /// The deepest nesting of parentheses, calls and operators.
    public static let depthMax = 64
}
