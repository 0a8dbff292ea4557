import PostgresClient
import Testing
import ThrowAwayPostgres

/// What the tests of the client share.
enum PostgresTest {
    /// Lends a connection to an empty database of the shared server.
    static func connected(_ body: (PostgresConnection) throws -> Void) throws {
        try ThrowAwayPostgres.shared().withDatabase { settings in
            let connection = try PostgresConnection(settings)
            defer { connection.close() }
            try body(connection)
        }
    }

    /// The error of PostgreSQL that the body throws; a failure of the test if it throws none.
    static func error(
        sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
    ) throws -> PostgresError {
        try throwing(PostgresError.self, sourceLocation: sourceLocation, body)
    }

    /// The error of a kind that the body throws. It stands in for `#expect(throws:)`, whose closure the compiler
    /// mistakes for another one of the closure around it.
    @discardableResult
    static func throwing<Failure: Error>(
        _ kind: Failure.Type, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
    ) throws -> Failure {
        try #require(throws: kind, sourceLocation: sourceLocation) { try body() }
    }
}

/// A test that needs a server, and says why it is skipped where there is none.
extension Trait where Self == ConditionTrait {
    static var needsPostgres: Self {
        .enabled(if: ThrowAwayPostgres.isAvailable, Comment(rawValue: ThrowAwayPostgres.reason))
    }
}
