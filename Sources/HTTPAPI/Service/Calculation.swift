import CalcProcess
import PrimaryStore
import Telemetry

/// What the API asks of the part that calculates.
package protocol Calculation: Sendable {
    func status(of device: DeviceID) -> DeviceStatus
    func status(of key: AssignmentKey) -> AssignmentStatus
    func recalculate(_ key: AssignmentKey, range: TimeRange?) throws(StoreError)
    /// Sets custom fields of an interval, beside its counters; null takes one away. Returns once that is durable.
    func setIntervalFields(_ key: AssignmentKey, id: Int64, fields: [JSONValue.Member]) async throws(StoreError)
    var metrics: CalcMetrics { get }
}

extension CalcProcess: Calculation {}
