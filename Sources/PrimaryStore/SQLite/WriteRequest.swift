import Telemetry

/// Writes that were asked for together; each succeeds or fails by itself.
protocol WriteRequest: Sendable {
    var count: Int { get }
    /// Whether the bug of telling the feed before it is durable is on for whoever asked.
    var isFeedEarly: Bool { get }
    /// Runs one of them, so that it can be undone and run again: it touches nothing but the writer, and goes on behind
    /// no write that has failed.
    func run(_ index: Int, in writer: Writer) throws
    /// Notes that one of them failed and was undone.
    func fail(_ index: Int, _ error: StoreError)
    /// Answers: what has not failed is durable, or nothing is, because of an error of the whole group.
    func finish(_ error: StoreError?)
}

/// The bodies of a request with the place where the answer goes.
///
/// `@unchecked Sendable`: `results` is touched by the writer thread only, `bodies` and `answer` never change.
final class Writes<Value: Sendable>: WriteRequest, @unchecked Sendable {
    typealias Body = @Sendable (Writer) throws -> Value

    private let bodies: [Body]
    private let answer: @Sendable ([Result<Value, StoreError>]) -> Void
    /// Nil for what has not run.
    private var results: [Result<Value, StoreError>?]
    let isFeedEarly = SeededBug.feedBeforeDurable.isOn

    init(_ bodies: [Body], answer: @escaping @Sendable ([Result<Value, StoreError>]) -> Void) {
        self.bodies = bodies
        self.answer = answer
        results = Array(repeating: nil, count: bodies.count)
    }

    var count: Int { bodies.count }

    func run(_ index: Int, in writer: Writer) throws { results[index] = .success(try bodies[index](writer)) }

    func fail(_ index: Int, _ error: StoreError) { results[index] = .failure(error) }

    func finish(_ error: StoreError?) {
        answer(results.map { Self.outcome($0, error) })
    }

    private static func outcome(_ own: Result<Value, StoreError>?, _ error: StoreError?) -> Result<Value, StoreError> {
        switch (own, error) {
        case (.failure(let own), _): .failure(own)
        case (_, let error?): .failure(error)
        case (let own?, nil): own
        case (nil, nil): preconditionFailure("a group is committed only after all of it has run")
        }
    }
}
