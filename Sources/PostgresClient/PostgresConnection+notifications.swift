import CPostgres
import Glibc

/// What another session sent with NOTIFY.
package struct PostgresNotification: Sendable, Hashable {
    package var channel: String
    package var payload: String
    /// The server process of the session that sent it.
    package var processID: Int32

    package init(channel: String, payload: String, processID: Int32) {
        self.channel = channel
        self.payload = payload
        self.processID = processID
    }
}

extension PostgresConnection {
    package func listen(_ channel: PostgresName) throws(PostgresError) { try execute("LISTEN \(channel)") }

    package func unlisten(_ channel: PostgresName) throws(PostgresError) { try execute("UNLISTEN \(channel)") }

    /// Sends to all that listen, at the commit if a transaction is open.
    package func notify(_ channel: PostgresName, _ payload: String = "") throws(PostgresError) {
        try query("SELECT pg_notify($1, $2)", channel.text, payload)
    }

    /// The next notification, waited for so long; nil if none came. None comes while a transaction is open.
    package func notification(withinMilliseconds limit: Int) throws(PostgresError) -> PostgresNotification? {
        let handle = try idle()
        let deadline = Deadline(milliseconds: limit)
        while true {
            guard PQconsumeInput(handle) == 1 else { throw ended(.lost, nil) }
            if let found = PQnotifies(handle) { return taken(found) }
            guard let ready = deadline.wait(for: Int16(POLLIN), on: PQsocket(handle)) else { throw ended(.lost, nil) }
            if ready == 0 { return nil }
        }
    }

    private func taken(_ found: UnsafeMutablePointer<PGnotify>) -> PostgresNotification {
        defer { PQfreemem(found) }
        return PostgresNotification(
            channel: found.pointee.relname.map { String(cString: $0) } ?? "",
            payload: found.pointee.extra.map { String(cString: $0) } ?? "", processID: found.pointee.be_pid)
    }
}
