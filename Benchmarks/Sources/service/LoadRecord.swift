import Synchronization

/// What the threads of a load saw since it was last taken.
final class LoadRecord: Sendable {
    struct Window: Sendable {
        var acknowledged = 0
        var tooMany = 0
        var failures: [String] = []
        /// How far the senders were behind their plan at most, in seconds.
        var behind = 0.0
        /// Seconds from a message's moment to its interval in the change feed.
        var latencies: [Double] = []
        /// Seconds that requests took.
        var posts: [Double] = []
        var reads: [Double] = []
    }

    /// One edit of a calculator and how long all histories took to be calculated again.
    struct Edit: Sendable {
        var calculator: Int
        var at: Double
        var seconds: Double?
        var messages: Double
    }

    private let window = Mutex(Window())
    private let editList = Mutex<[Edit]>([])
    private let ending = Mutex(false)

    func add(_ change: (inout Window) -> Void) { window.withLock { change(&$0) } }

    func take() -> Window {
        window.withLock { window in
            defer { window = Window() }
            return window
        }
    }

    func add(_ edit: Edit) { editList.withLock { $0.append(edit) } }

    var edits: [Edit] { editList.withLock { $0 } }

    var isEnding: Bool { ending.withLock { $0 } }

    /// Tells everyone but the senders, who end by themselves, to end.
    func end() { ending.withLock { $0 = true } }
}
