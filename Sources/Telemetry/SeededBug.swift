/// Bugs that can be switched on in a debug build, so that tests can show that they would be found.
///
/// Each breaks one rule that recalculation rests on. A release build has none of them.
package enum SeededBug: String, CaseIterable, Sendable {
    /// A job begins at the change instead of at the last state before it.
    case rangeNotWidened
    /// The log position is stored before what was read up to it.
    case positionBeforeEffects
    /// What was held before another owner came is compared with, instead of what the primary store holds.
    case staleCacheAfterTakeOver
    /// Settling a job clears all that is pending, also what came while it ran.
    case invalidationClearedThoughNewDataCame
    /// What has expired is judged by the wall clock.
    case expiryByWallClock
    /// The primary store takes writes of any epoch.
    case noFence
    /// The horizon cuts through intervals.
    case expiryNotAligned
    /// The cache of an earlier ownership is settled by a job of it.
    case oldEpochClearsNewState
    /// Messages of one timestamp are merged in the order in which they came.
    case mergeByArrival
    /// Readers of a calculator's intervals are not told of a change.
    case lostCascade
    /// A saved state is filed under the message before its last.
    case savedStateOneLate
    /// The feed's revision is told before it is durable.
    case feedBeforeDurable
    /// Settling clears what is pending although the job was restarted meanwhile.
    case settlingClearsNewerGeneration

    #if DEBUG
        /// The bug that is on in this task, and in what it calls synchronously.
        @TaskLocal package static var active: SeededBug?

        package var isOn: Bool { Self.active == self }

        /// Whether any is on: what cannot be otherwise may be then.
        package static var isAnyOn: Bool { active != nil }
    #else
        @inlinable package var isOn: Bool { false }

        @inlinable package static var isAnyOn: Bool { false }
    #endif
}
