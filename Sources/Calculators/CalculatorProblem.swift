/// What is wrong with a calculator's definition, with the place and the mend.
public struct CalculatorProblem: Sendable, Hashable, CustomStringConvertible {
    /// The JSON path of the offending value, such as `selectors[0].expression`; empty for the whole definition.
    public var path: String
    /// The column within an expression, from 1; nil elsewhere.
    public var column: Int?
    public var reason: String

    public init(path: String, column: Int? = nil, reason: String) {
        self.path = path
        self.column = column
        self.reason = reason
    }

    public var description: String {
        let place = [path.isEmpty ? nil : path, column.map { "column \($0)" }].compactMap { $0 }.joined(separator: ", ")
        return place.isEmpty ? reason : "\(place): \(reason)"
    }
}

/// Everything that is wrong with one definition.
public struct InvalidCalculator: Error, Sendable, CustomStringConvertible {
    public var problems: [CalculatorProblem]

    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
