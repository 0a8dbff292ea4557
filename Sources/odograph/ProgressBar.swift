import Glibc

/// A line on a terminal that shows how far a piece of work has come, once it has taken more than a second.
///
/// Elsewhere than on a terminal it shows nothing. It writes to standard error, so that results can go on to a file.
struct ProgressBar {
    private let label: String
    private let isShown: Bool
    private let start = ContinuousClock.now
    private var last: ContinuousClock.Instant?

    /// Nothing is shown before; the line changes at most so often.
    static let delay = Duration.seconds(1)
    static let pause = Duration.milliseconds(200)

    init(_ label: String, isTerminal: Bool = isatty(STDERR_FILENO) != 0) {
        self.label = label
        isShown = isTerminal
    }

    /// Tells how much has been done; a total of nil is not known.
    mutating func update(done: Int, total: Int?, unit: String = "") {
        guard isShown else { return }
        let now = ContinuousClock.now
        guard now - start >= Self.delay, last.map({ now - $0 >= Self.pause }) ?? true else { return }
        last = now
        let line = Self.line(label, done: done, total: total, unit: unit, elapsed: now - start)
        StandardError.write(text: "\r\u{1b}[2K" + line)
    }

    /// Shows a bar at once, with a note of its own behind it in the place of the time that is left.
    mutating func show(done: Int, total: Int, note: String) {
        guard isShown else { return }
        last = ContinuousClock.now
        StandardError.write(text: "\r\u{1b}[2K\(label) \(Self.bar(done, total)), \(note)")
    }

    /// Clears the line.
    mutating func finish() {
        if last != nil { StandardError.write(text: "\r\u{1b}[2K") }
        last = nil
    }

    /// The line: `label [#####     ] 50 %, 3 s left`, or what has been done where the total is not known.
    static func line(_ label: String, done: Int, total: Int?, unit: String, elapsed: Duration) -> String {
        guard let total, total > 0 else { return "\(label) \(done)\(unit.isEmpty ? "" : " " + unit)" }
        let share = min(1, max(0, Double(done) / Double(total)))
        let left = share > 0 ? ", \(time(elapsed * ((1 - share) / share))) left" : ""
        return "\(label) \(bar(done, total))\(left)"
    }

    /// `[#####     ] 50 %`
    private static func bar(_ done: Int, _ total: Int) -> String {
        let share = total > 0 ? min(1, max(0, Double(done) / Double(total))) : 1
        let filled = Int(share * 20)
        let bar = String(repeating: "#", count: filled) + String(repeating: " ", count: 20 - filled)
        return "[\(bar)] \(Int(share * 100)) %"
    }

    static func time(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        return seconds < 120 ? "\(seconds) s" : "\(seconds / 60) min"
    }
}
