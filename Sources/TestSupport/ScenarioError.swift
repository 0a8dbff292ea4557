/// Why a scenario folder cannot be used.
package struct ScenarioError: Error, Sendable, CustomStringConvertible {
    /// The file at fault, by its path.
    package var file: String
    package var reason: String

    package init(file: String, reason: String) {
        self.file = file
        self.reason = reason
    }

    package var description: String { "\(file): \(reason)" }
}
