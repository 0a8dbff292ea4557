import Testing

/// The tests that run the program; a few at a time, so that each gets enough of the processor.
@Suite(.enabled(if: Program.isBuilt, "the program is not built"), .few)
struct ServerSuite {}

/// Lets only so many tests run at one time.
struct Few: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        guard testCase != nil else { return try await function() }
        await Turnstile.shared.enter()
        do { try await function() } catch {
            await Turnstile.shared.leave()
            throw error
        }
        await Turnstile.shared.leave()
    }
}

extension Trait where Self == Few {
    static var few: Few { Few() }
}

/// Lets in so many at a time; the others wait in the order in which they came.
private actor Turnstile {
    static let shared = Turnstile(free: 3)

    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(free: Int) { self.free = free }

    func enter() async {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    func leave() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}
