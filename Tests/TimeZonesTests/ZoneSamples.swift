import Telemetry
import TimeZones

/// The zones that the tests look at, and what they look at them with.
enum ZoneSamples {
    static let database = TimeZoneDatabase()

    static func table(_ name: String) throws -> TimeZoneTable { try database.table(name) }

    /// Zones whose rules differ in kind: none, both hemispheres, half an hour, half hours from UTC, a skipped day,
    /// changes a minute after midnight, changes at midnight, saving that is negative or falls into another day.
    static let names = [
        "Africa/Nairobi", "America/New_York", "Europe/Paris", "Australia/Lord_Howe", "America/Lima", "Asia/Kathmandu",
        "Pacific/Apia", "America/St_Johns", "America/Sao_Paulo", "Pacific/Chatham", "Europe/Dublin", "Asia/Gaza",
        "Africa/Casablanca", "America/Nuuk", "America/Havana", "Atlantic/Azores", "Antarctica/Troll", "Asia/Tehran",
        "Pacific/Kwajalein", "America/Juneau", "Asia/Manila", "Africa/Cairo", "UTC",
    ]

    /// 1970-01-01 to 2099-12-31, in seconds.
    static let era = 0...4_102_444_799
    /// 1850 to 2150, in seconds.
    static let wideEra = -3_786_825_600...5_680_281_600
}

extension Timestamp {
    /// A moment in whole seconds.
    init(_ seconds: Int) { self.init(microseconds: Int64(seconds) * 1_000_000) }

    /// Seconds, rounded down.
    var second: Int { Int((Double(microseconds) / 1e6).rounded(.down)) }
}
