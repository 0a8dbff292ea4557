import PostgresClient
import Testing
import ThrowAwayPostgres

@Suite(.needsPostgres)
struct NotificationTests {
    @Test("what one session notifies another hears, in order, and after it stops listening no more")
    func notifications() throws {
        try ThrowAwayPostgres.shared().withDatabase { settings in
            let (sender, listener) = (try PostgresConnection(settings), try PostgresConnection(settings))
            let channel = try PostgresName("Feed \"rev\"")
            try listener.listen(channel)
            #expect(try listener.notification(withinMilliseconds: 0) == nil)
            for payload in ["", "o'clock"] { try sender.notify(channel, payload) }
            for payload in ["", "o'clock"] {
                let found = try listener.notification(withinMilliseconds: 10_000)
                let wanted = PostgresNotification(
                    channel: channel.text, payload: payload, processID: sender.processID)
                #expect(found == wanted)
            }
            try listener.unlisten(channel)
            try sender.notify(channel, "late")
            try listener.ping()
            #expect(try listener.notification(withinMilliseconds: 0) == nil)
        }
    }

    @Test("a session that is ended while it waits for notifications says so")
    func ended() throws {
        try ThrowAwayPostgres.shared().withDatabase { settings in
            let (other, listener) = (try PostgresConnection(settings), try PostgresConnection(settings))
            try listener.listen(try PostgresName("x"))
            try other.query("SELECT pg_terminate_backend($1)", listener.processID)
            let error = try PostgresTest.error { _ = try listener.notification(withinMilliseconds: 10_000) }
            #expect(error.isConnectionLost && error.isRetryable && !listener.isAlive)
        }
    }
}
