import Publishing
import Telemetry

/// The days of a time zone for moments that mostly ascend: the offset is looked up again only where it changes.
struct LocalDays {
    private let zone: TimeZoneTable
    private var offset: TimeZoneTable.Offset
    private var since: Timestamp

    init(_ zone: TimeZoneTable) {
        self.zone = zone
        since = .distantPast
        offset = zone.offset(at: since)
    }

    mutating func day(of moment: Timestamp) -> ReportDay {
        if moment < since || moment >= offset.validUntil {
            since = moment
            offset = zone.offset(at: moment)
        }
        let seconds = moment.microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        let whole = Int(seconds.quotient) - (seconds.remainder < 0 ? 1 : 0) + offset.secondsEastOfUTC
        return ReportDay(days: whole >= 0 ? whole / 86_400 : (whole - 86_399) / 86_400)
    }
}
