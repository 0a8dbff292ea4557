import Telemetry
import Testing

@testable import PrimaryStore
@testable import Publishing

@Suite("When the delivery tries again")
struct BackoffTests {
    private static let limits = DeliveryLimits()
    private static let start = Timestamp(seconds: 1_000)

    @Test(
        "the pause doubles from 0.2 s to 30 s, and is shortened by chance by no more than half", arguments: [0, 0.3, 1])
    func doubling(chance: Double) {
        var backoff = Backoff(Self.limits)
        var pauses: [Double] = []
        for _ in 0..<12 {
            backoff.failed(isRefused: false, at: Self.start, chance: chance)
            pauses.append(backoff.secondsLeft(at: Self.start) ?? 0)
        }
        let whole = [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30, 30, 30]
        for (pause, whole) in zip(pauses, whole) { #expect(abs(pause - whole * (1 - chance / 2)) < 1e-5) }
        backoff.succeeded()
        #expect(backoff.secondsLeft(at: Self.start) == nil)
        backoff.failed(isRefused: false, at: Self.start, chance: 0)
        #expect(backoff.secondsLeft(at: Self.start) == 0.2)
    }

    @Test("after a refusal it is a minute, unless somebody who mended it hurries")
    func refused() {
        var backoff = Backoff(Self.limits)
        backoff.failed(isRefused: true, at: Self.start, chance: 1)
        #expect(backoff.secondsLeft(at: Self.start.advanced(bySeconds: 59)) == 1)
        #expect(backoff.secondsLeft(at: Self.start.advanced(bySeconds: 60)) == nil)
        backoff.failed(isRefused: true, at: Self.start, chance: 1)
        backoff.hurry()
        #expect(backoff.secondsLeft(at: Self.start) == nil)
    }

    @Test("a clock that is set back by a day makes no pause longer")
    func clock() {
        let yesterday = Self.start.advanced(bySeconds: -86_400)
        var backoff = Backoff(Self.limits)
        backoff.failed(isRefused: false, at: Self.start, chance: 0)
        #expect(backoff.secondsLeft(at: yesterday) ?? 0 <= 60)
        var due = Due(every: 10)
        #expect(due.isDue(at: Self.start))
        due.isDone(at: Self.start)
        #expect(due.secondsLeft(at: Self.start) == 10 && due.secondsLeft(at: yesterday) == 10)
        #expect(!due.isDue(at: Self.start.advanced(bySeconds: 9)))
        #expect(due.isDue(at: Self.start.advanced(bySeconds: 10)))
    }

    @Test("a catch-up goes on from a mark that is old enough, and never from one of another position")
    func trail() {
        func cursor(_ target: Int64) -> MessageCursor {
            MessageCursor(position: 5, catchUp: .init(target: target, logPosition: 5))
        }
        func at(_ seconds: Double) -> Timestamp { Self.start.advanced(bySeconds: seconds) }
        var trail = CatchUpTrail(seconds: 60)
        for second in stride(from: 0.0, through: 200, by: 5) { trail.note(cursor(Int64(second)), at: at(second)) }
        var other = trail
        #expect(trail.cursor(at: 5) == cursor(120), "the marks are of 180 and 120")
        #expect(trail.cursor(at: 5) == cursor(120), "it stays of use")
        #expect(other.cursor(at: 6) == MessageCursor(position: 6))
        trail.note(MessageCursor(position: 9), at: at(202))
        #expect(trail.cursor(at: 5) == MessageCursor(position: 5))
    }
}
