import PostgresClient

/// Where a sink's database is, and how long it may take.
package struct SinkSettings: Sendable, Hashable {
    /// The way to the database, as a member of the writer's role.
    package var postgres: PostgresSettings
    package var roles = RoleNames()
    /// The time zone in which days begin in reports; nil leaves the one that the database has.
    package var timeZone: String?
    /// How long the server may take for what opens a connection.
    package var openingMilliseconds = 15_000
    /// How long it may take for a delivery at first. One that takes longer is tried again with twice the time, so that
    /// a table that is filled anew gets done and a server that hangs is noticed soon.
    package var deliveryMilliseconds = 60_000
    package var deliveryMillisecondsMax = 3_600_000
    /// How long a statement may wait for a lock that others hold.
    package var lockMilliseconds = 30_000
    /// More rows of one call that PostgreSQL cannot take are not the fault of rows: then the call is refused.
    package var refusedRowCountMax = 100

    package init(_ postgres: PostgresSettings) { self.postgres = postgres }
}
