/// The sixth step of the schema: the index of the log by device is kept in memory (`LogIndex`).
enum SchemaSix {
    static let migration = Schema.Migration(sql: "DROP INDEX log_by_device;")
}
