/// Values of variable counters at a message, by name; a name with nil has no value yet, and hides the parameter too.
typealias Variables = [String: RefValue?]

/// Messages in order, as a selector, a counter or a validation sees them.
struct MessageStream {
    let messages: [RefMessage]
    let surroundings: Surroundings
    /// One item a message.
    private(set) var variables: [Variables]
    private let mileages = Mileages()

    init(_ messages: [RefMessage], _ surroundings: Surroundings, variables: [Variables]? = nil) {
        self.messages = messages
        self.surroundings = surroundings
        self.variables = variables ?? messages.map { _ in [:] }
    }

    /// Sets a variable at one message.
    mutating func setVariable(_ name: String, at place: Int, to value: RefValue?) {
        variables[place].updateValue(value, forKey: name)
    }

    /// The messages at some places, as a stream of their own.
    func selecting(_ places: [Int]) -> MessageStream {
        MessageStream(places.map { messages[$0] }, surroundings, variables: places.map { variables[$0] })
    }

    /// An error without a valid position, 0 at the first one, else the way from the last accepted one.
    ///
    /// A position too fast from the accepted one is an outlier and an error, unless it agrees with an outlier just
    /// before it: then both are accepted, and the way between the two counts. A position that was repeated counts as
    /// left at its first repetition, up to a minute ago.
    private static func mileages(_ messages: [RefMessage], _ surroundings: Surroundings) -> [Double?] {
        let (outlierSpeed, formula) = (surroundings.mileageOutlierSpeed, surroundings.mileageFormula)
        typealias Fix = (position: Position, microseconds: Int64, since: Int64)
        var accepted: Fix?
        var outlier: Fix?
        func isTooFast(_ from: Fix, _ to: Fix) -> Bool {
            guard outlierSpeed > 0 else { return false }
            let repeated = min(to.microseconds - from.since, 60_000_000)
            let hours = Double(max(to.microseconds - from.microseconds, repeated)) / 3.6e9
            return from.position.kilometres(to: to.position, by: formula) > outlierSpeed * hours
        }
        return messages.map { message in
            guard let position = Position(message) else { return nil }
            let moment = message.timestampMicroseconds
            let fix = (position, moment, moment)
            guard let last = accepted else {
                accepted = fix
                return 0
            }
            for start in [last, outlier].compactMap({ $0 }) where !isTooFast(start, fix) {
                accepted = (position, moment, start.position == position ? start.since : moment)
                outlier = nil
                return start.position.kilometres(to: position, by: formula)
            }
            outlier = fix
            return nil
        }
    }

    /// The places of the messages in which an expression is true.
    func places(where expression: Expression?) -> [Int] {
        guard let expression else { return Array(messages.indices) }
        return messages.indices.filter { expression.isTrue(in: self[$0]) }
    }

    /// The messages that pass a validation, as a stream of their own.
    func validated(by expression: Expression?) -> MessageStream {
        expression == nil ? self : selecting(places(where: expression))
    }

    /// The outcome of an expression in each message; nil for an error.
    func outcomes(of expression: Expression) -> [RefValue?] {
        messages.indices.map { expression.outcome(in: self[$0]) }
    }

    subscript(place: Int) -> MessageScope { MessageScope(stream: self, place: place) }

    fileprivate func mileage(at place: Int) -> Double? {
        let values = mileages.values ?? Self.mileages(messages, surroundings)
        mileages.values = values
        return values[place]
    }
}

/// `mileage()` in each message of a stream, nil where it is an error; found when it is first asked for.
private final class Mileages {
    var values: [Double?]?
}

/// One message among its neighbours: what its expressions read.
struct MessageScope: Scope {
    let stream: MessageStream
    let place: Int

    var surroundings: Surroundings { stream.surroundings }

    func value(of name: String) -> RefValue? { value(of: name, at: place) }

    func previousValue(of name: String) throws(ExpressionFailure) -> RefValue {
        guard place > 0, let value = value(of: name, at: place - 1) else { throw ExpressionFailure() }
        return value
    }

    func moment() throws(ExpressionFailure) -> Double { Double(stream.messages[place].timestampMicroseconds) / 1e6 }

    func mileage() throws(ExpressionFailure) -> Double {
        guard let kilometres = stream.mileage(at: place) else { throw ExpressionFailure() }
        return kilometres
    }

    func secondsSincePrevious() throws(ExpressionFailure) -> Double {
        guard place > 0 else { return 0 }
        let messages = stream.messages
        return Double(messages[place].timestampMicroseconds - messages[place - 1].timestampMicroseconds) / 1e6
    }

    func position() throws(ExpressionFailure) -> Position {
        guard let position = Position(stream.messages[place]) else { throw ExpressionFailure() }
        return position
    }

    private func value(of name: String, at place: Int) -> RefValue? {
        if let variable = stream.variables[place][name] { return variable }
        let message = stream.messages[place]
        return switch name {
        case "timestamp": .number(Double(message.timestampMicroseconds) / 1e6)
        case "server.timestamp": .number(Double(message.acceptanceMicroseconds) / 1e6)
        default: surroundings.constants[name] ?? message.values[name]
        }
    }
}

/// An interval after the one kept before it: what its expressions read.
struct IntervalScope: Scope {
    let surroundings: Surroundings
    let fields: [String: RefValue]
    let previous: [String: RefValue]?

    func value(of name: String) -> RefValue? { fields[name] }

    func previousValue(of name: String) throws(ExpressionFailure) -> RefValue { previous?[name] ?? .null }

    func moment() throws(ExpressionFailure) -> Double { throw ExpressionFailure() }
    func mileage() throws(ExpressionFailure) -> Double { throw ExpressionFailure() }
    func secondsSincePrevious() throws(ExpressionFailure) -> Double { throw ExpressionFailure() }
    func position() throws(ExpressionFailure) -> Position { throw ExpressionFailure() }
}
