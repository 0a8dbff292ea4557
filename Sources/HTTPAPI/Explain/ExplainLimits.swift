/// What one explanation may ask of the server, beside the limits of a calculation on demand.
package struct ExplainLimits: Sendable {
    /// Assignments of one explanation.
    package var assignmentsMax = 100
    /// The longest range in seconds that is explained at once: a leap year.
    package var rangeSecondsMax = 366 * 86_400.0
    /// Intervals, and refused candidates, of one assignment.
    package var itemsMax = 1_000

    package init() {}
}

extension APILimits {
    var explain: ExplainLimits { ExplainLimits() }
}
