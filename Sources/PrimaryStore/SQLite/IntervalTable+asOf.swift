import SQLiteClient
import Telemetry

extension IntervalTable {
    /// A row that answers for an interval at a moment: the present one, or a version.
    private struct Answer {
        var held: HeldInterval
        /// Nil for the present row.
        var place: VersionTable.Place?

        /// Two can answer for one moment only where the clock was put back: then the present row does, else the version
        /// that was made last.
        func isBetter(than other: Answer) -> Bool {
            guard let place, let otherPlace = other.place else { return place == nil }
            return (place.since, place.until) > (otherPlace.since, otherPlace.until)
        }
    }

    /// Calls the body at each interval of a query as it was known at a moment.
    ///
    /// A version costs nothing before its time has come: only those replaced after the moment are looked at.
    static func forEach(
        _ connection: Connection, _ key: AssignmentKey, _ query: IntervalQuery, asOf moment: Timestamp,
        _ body: (HeldInterval, Statement) throws -> Void
    ) throws {
        let isDescending = query.isReversed || query.isLastOnly
        let found = try answers(connection, key, query, moment)
            .sorted { isDescending ? $1.held.precedes($0.held) : $0.held.precedes($1.held) }
        for answer in found.prefix(query.isLastOnly ? min(1, query.countMax ?? 1) : query.countMax ?? .max) {
            if let place = answer.place {
                try VersionTable.find(connection, key, place, body)
            } else {
                _ = try find(connection, key, id: answer.held.id, body)
            }
        }
    }

    private static func answers(
        _ connection: Connection, _ key: AssignmentKey, _ query: IntervalQuery, _ moment: Timestamp
    ) throws -> [Answer] {
        var answers: [Int64: Answer] = [:]
        func add(_ answer: Answer) {
            if answers[answer.held.id].map({ answer.isBetter(than: $0) }) ?? true { answers[answer.held.id] = answer }
        }
        let ids = query.ids.map(Set.init)
        for (held, place) in try VersionTable.valid(connection, key, at: moment) {
            guard ids?.contains(held.id) ?? true, query.range.map({ held.overlaps($0) }) ?? true else { continue }
            add(Answer(held: held, place: place))
        }
        try forEach(connection, key, IntervalQuery(range: query.range, ids: query.ids)) { held, row in
            if details(row).since <= moment { add(Answer(held: held)) }
        }
        return Array(answers.values)
    }
}
