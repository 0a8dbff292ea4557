import Telemetry

/// One thing that was looked at, and how it is.
struct DoctorFinding: Sendable {
    enum State: String, Sendable {
        case ok
        /// It works, but somebody should know.
        case warning
        /// It does not work, or data is at stake.
        case error
    }

    var state: State
    /// What was looked at, such as `data folder`.
    var name: String
    var text: String
    /// What to do about it.
    var mend: String?

    init(_ state: State, _ name: String, _ text: String, mend: String? = nil) {
        self.state = state
        self.name = name
        self.text = text
        self.mend = mend
    }

    /// Such as `warning  free space: 3 GB of 100 GB left; make room`.
    var line: String {
        let word = state.rawValue + String(repeating: " ", count: max(0, 9 - state.rawValue.count))
        return "\(word)\(name): \(text)" + (mend.map { "; \($0)" } ?? "")
    }

    var json: JSONValue {
        .object(
            [
                .init("state", .string(state.rawValue)), .init("name", .string(name)), .init("text", .string(text)),
            ] + (mend.map { [.init("mend", .string($0))] } ?? []))
    }
}
