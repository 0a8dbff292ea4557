import PrimaryStore

/// How much is delivered at once, and how often what is done from time to time.
package struct DeliveryLimits: Sendable, Hashable {
    /// Rows of the feed, or intervals of a rebuild, in one delivery.
    package var rowCountMax = 5_000
    /// Bytes of text in one delivery; one row is given, even if it is larger.
    package var byteCountMax = 16 << 20
    /// One delivery of messages.
    package var messages = MessageLimit()
    /// Under load a delivery begins no sooner than this after the last one ended, so that commits share one.
    package var gatherSeconds = 0.05
    /// A sink of messages hears something at least this often.
    package var heartbeatSeconds = 30.0
    package var mileageSeconds = 10.0
    package var tripsSeconds = 300.0
    package var maintainSeconds = 86_400.0
    /// Horizons move without a change of the registry: they are compared this often.
    package var horizonSeconds = 60.0
    /// The pause after a failure: the first, doubled each time, and the longest.
    package var retrySecondsMin = 0.2
    package var retrySecondsMax = 30.0
    /// The pause after a refusal.
    package var refusedSeconds = 60.0
    /// The pause before a slot whose rows cannot be read is read again.
    package var damagedSeconds = 30.0
    /// After a lost connection a catch-up goes on from where it stood this long before, at least: a server that took
    /// over from another may lack the last of what that one had.
    package var catchUpBackSeconds = 60.0

    package init() {}
}
