import PostgresClient
import Telemetry

extension PostgresTimestamp {
    /// The first of January of the year 1, and of the year 10000: what every reader of a report can show.
    private static let first: Int64 = -62_135_596_800_000_000
    private static let end: Int64 = 253_402_300_800_000_000

    /// The moment, or an infinity where it lies outside of the years that are four digits long.
    init(_ moment: Timestamp) {
        let microseconds = moment.microseconds
        self =
            microseconds < Self.first ? .negativeInfinity : microseconds >= Self.end ? .infinity : .init(exact: moment)
    }

    private init(exact moment: Timestamp) { self.init(microseconds: moment.microseconds) }

    var isFinite: Bool { self != .infinity && self != .negativeInfinity }
}
