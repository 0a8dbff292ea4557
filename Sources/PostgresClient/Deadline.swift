import Glibc

/// Until when something is waited for.
struct Deadline {
    private let end: ContinuousClock.Instant?

    /// From now on; nil never ends.
    init(milliseconds: Int?) { end = milliseconds.map { .now + .milliseconds($0) } }

    /// Waits for a socket: what it is ready for, 0 if the time is over, nil if it cannot be waited for.
    func wait(for events: Int16, on socket: Int32) -> Int16? {
        guard socket >= 0 else { return nil }
        var descriptor = pollfd(fd: socket, events: events, revents: 0)
        while true {
            let left = leftMilliseconds
            switch poll(&descriptor, 1, left) {
            case 0 where left == 0: return 0
            case 0: continue
            case 1...: return descriptor.revents
            default: if errno != EINTR { return nil }
            }
        }
    }

    /// Rounded up, so that nothing is waited for less than it should; -1 for ever.
    private var leftMilliseconds: Int32 {
        guard let end else { return -1 }
        let left = ContinuousClock.now.duration(to: end)
        guard left > .zero else { return 0 }
        let (seconds, attoseconds) = left.components
        guard seconds < 1_000_000 else { return 1_000_000_000 }
        return Int32(seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
    }
}
