/// A place in the project that breaks a rule.
struct Violation: Hashable, CustomStringConvertible {
    /// The file, from the top of the project.
    var path: String
    /// The line, from 1.
    var line: Int
    /// What is wrong, and why that is a rule.
    var reason: String

    var description: String { "\(path):\(line): \(reason)" }
}
