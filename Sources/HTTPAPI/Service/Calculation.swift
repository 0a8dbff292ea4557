import CalcProcess
import PrimaryStore
import Telemetry

/// What the API asks of the part that calculates.
package protocol Calculation: Sendable {
    func status(of device: DeviceID) -> DeviceStatus
    func status(of key: AssignmentKey) -> AssignmentStatus
    func statuses(of keys: [AssignmentKey]) -> [AssignmentStatus]
    func recalculate(_ key: AssignmentKey, range: TimeRange?) throws(StoreError)
    /// Sets custom fields of an interval, beside its counters; null takes one away. Returns once that is durable.
    func setIntervalFields(_ key: AssignmentKey, id: Int64, fields: [JSONValue.Member]) async throws(StoreError)
    var metrics: CalcMetrics { get }
    /// How many batches of the log are durable and not yet taken by those that calculate.
    var logRowsWaiting: Int64 { get }
    /// Says what becomes of a held job: its differences are applied, or dropped. Returns once that is durable.
    func decide(job id: Int64, isReleased: Bool) async throws(StoreError) -> JobRecord
    /// How far the recalculation of whole histories is.
    func replays() -> ReplayStatus
    /// Pauses or resumes it, or gives it another share of the processor; nil leaves it as it is. Blocks.
    func setReplays(isPaused: Bool?, share: Double?) throws(StoreError)
    /// What is wrong with the data, as far as the scrub has come.
    var findings: [HealthFinding] { get }
}

extension CalcProcess: Calculation {}
