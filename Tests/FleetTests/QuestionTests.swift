import PostgresClient
import Testing
import ThrowAwayPostgres

/// What operators ask, as the documents show it and as the dashboards do.
@Suite(
    "Questions in SQL", .serialized,
    .enabled(if: ThrowAwayPostgres.isAvailable, Comment(rawValue: ThrowAwayPostgres.reason)))
struct QuestionTests {
    /// Questions whose right answer for a fleet that drives every day is that there is nothing.
    private static let mayBeEmpty = ["not moved", "at night"]

    @Test("every statement of docs/sql.md runs as a reader and finds something")
    func documented() async throws {
        let fleet = try await PublishedFleet.common()
        let examples = try SQLExamples.documented()
        #expect(examples.count >= 10)
        try fleet.asReader { connection in
            for example in examples {
                let rows = try connection.query(example.sql)
                let mayBeEmpty = Self.mayBeEmpty.contains { example.title.contains($0) }
                #expect(rows.rowCount > 0 || mayBeEmpty, "\(example.title): nothing")
            }
        }
    }

    @Test("every panel and variable of the dashboards runs as a reader within five seconds")
    func panels() async throws {
        let fleet = try await PublishedFleet.common()
        let panels = try SQLExamples.panels()
        #expect(panels.count >= 14)
        try fleet.asReader { connection in
            var variables: [String: [String]] = [:]
            for panel in panels {
                let sql = try SQLExamples.expanded(
                    panel.sql, from: fleet.isoMoment(daysAgo: 7), to: fleet.isoMoment(daysAgo: 0), variables: variables)
                let start = ContinuousClock.now
                let rows = try connection.query(sql)
                #expect(ContinuousClock.now - start < .seconds(5), "\(panel.dashboard): \(panel.title)")
                guard panel.title.hasPrefix("$") else { continue }
                let values = try rows.rows.map { try $0.get(0, as: String.self) }
                #expect(!values.isEmpty, "\(panel.dashboard): \(panel.title)")
                variables[String(panel.title.dropFirst())] = Array(values.prefix(3))
            }
        }
    }
}
