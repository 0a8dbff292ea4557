import PostgresClient

/// Lets go of what the engine has put into the fleet schema, so that it is filled anew. It takes the connection of an
/// owner: writers must not.
package enum FleetRebuild {
    /// Emptying locks the tables; those who read them meanwhile are waited for as long.
    private static let timeoutMilliseconds = 600_000

    /// What becomes of what is there.
    package enum Extent: Sendable, Hashable {
        /// All intervals go, with all that was made of them; the feed is then read from its beginning, or by pages.
        case intervals
        /// The same after a restore of the engine: the messages too are read again, over the positions that are there.
        case intervalsAndMessages
        /// Nothing goes, but the database is nobody's, and its cursors stand ahead of every feed: the next delivery
        /// rebuilds every slot by pages, which write only what differs, while readers see whole rows.
        case cursors
    }

    /// Begins from nothing. The next store that opens a sink is the one whose database it is.
    package static func fromNothing(_ connection: PostgresConnection, _ extent: Extent) throws(SinkError) {
        let usual = connection.timeoutMilliseconds
        connection.timeoutMilliseconds = timeoutMilliseconds
        defer { connection.timeoutMilliseconds = usual }
        do {
            try connection.transaction {
                try connection.query(
                    """
                    SELECT set_config('role', pg_get_userbyid(nspowner), true) FROM pg_namespace
                    WHERE nspname = 'odograph' AND pg_has_role(nspowner, 'MEMBER')
                    """)
                try connection.query(
                    "SELECT odograph.begin_anew($1, $2)", extent != .cursors, extent != .intervals)
            }
        } catch { throw SinkError(PostgresError(any: error)) }
    }
}
