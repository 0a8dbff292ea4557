/// What the dashboard's answers depend on beside the data; the same as `reporting.settings` in PostgreSQL.
package struct FleetOptions: Sendable, Hashable {
    /// The time zone of the business: a trip belongs to the day on which it begins there.
    package var timeZone = "Africa/Nairobi"
    /// Pages of these origins, such as `https://map.example.org`, may ask from a browser; `*` lets all of them.
    package var origins: [String] = []
    /// A fix older than this is not moving.
    package var movingSecondsMax = 600.0
    /// A vehicle not heard of for longer is offline.
    package var contactSecondsMax = 1_800.0
    /// Slower is not moving.
    package var movingSpeedMin = 5.0
    /// Messages further ahead of the clock say nothing of where a vehicle is.
    package var futureSecondsMax = 600.0
    /// Trips that are held in memory, some 200 bytes each; the rest is read anew for each answer.
    package var tripsHeldMax = 250_000
    /// Chunks that are looked through for what a device said last, when it is looked at for the first time.
    package var liveChunksMax = 62
    /// Threads that work out answers, and requests that may wait for one.
    package var threadsMax = 4
    package var queueMax = 64
    /// Shorter answers are not compressed.
    package var gzipBytesMin = 1_024

    package init() {}
}
