import Expressions
import Telemetry

extension Calculator {
    /// What is allowed but rarely meant, for `odograph check`.
    public var warnings: [CalculatorProblem] {
        bareNameWarnings + unknownFieldWarnings
    }

    /// `validate_message: "position.speed"` is false for speed 0 and so hides every message of a standing vehicle.
    private var bareNameWarnings: [CalculatorProblem] {
        var places: [(String, Program?)] = [("validate_message", validateMessage)]
        for (index, selector) in selectors.enumerated() {
            places.append(("selectors[\(index)].validate_message", selector.validateMessage))
        }
        for (index, counter) in counters.enumerated() {
            places.append(("counters[\(index)].validate_message", counter.validateMessage))
        }
        return places.compactMap { path, program in
            guard let program, let name = program.names.first, program.source == name,
                ParameterDictionary.entries[name]?.type == .number
            else { return nil }
            return CalculatorProblem(
                path: path, column: 1,
                reason: "\"\(name)\" is false where it is 0; to ask whether it is there, write exists('\(name)')")
        }
    }

    /// An interval expression that reads a name which is no counter before it is an error on every interval.
    private var unknownFieldWarnings: [CalculatorProblem] {
        var known: Set<String> = ["begin", "end", "duration"]
        var result: [CalculatorProblem] = []
        for (index, counter) in counters.enumerated() {
            if let program = counter.intervalProgram {
                for name in program.names where !known.contains(name) && !program.previousNames.contains(name) {
                    let meant = nearestName(to: name, among: known).map { "; did you mean \"\($0)\"?" } ?? ""
                    result.append(
                        CalculatorProblem(
                            path: "counters[\(index)].\(counter.intervalProgramKey)",
                            reason: "no counter before this one is named \"\(name)\"\(meant)"))
                }
            }
            known.insert(counter.name)
        }
        return result
    }
}

extension Counter {
    /// The program over the interval's fields.
    fileprivate var intervalProgram: Program? {
        switch kind {
        case .interval(let program): program
        case .accumulator(let accumulator): accumulator.reset
        default: nil
        }
    }

    fileprivate var intervalProgramKey: String {
        if case .accumulator = kind { "reset_expression" } else { "expression" }
    }
}
