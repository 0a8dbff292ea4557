/// The fifth step of the schema: which chunks are stored for the long run, and an index of those that are not.
enum SchemaFive {
    static let migration = Schema.Migration(
        sql: """
            ALTER TABLE chunks ADD COLUMN is_cold INTEGER NOT NULL DEFAULT 0;
            CREATE INDEX chunks_warm ON chunks (last, device, first) WHERE is_cold = 0;
            """)
}
