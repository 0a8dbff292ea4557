import PrimaryStore
import Telemetry

/// Where a catch-up stood some time ago.
///
/// A catch-up moves the sink's position at its end only. After a lost connection it goes on from where it stood a while
/// before, and not from its beginning: what was committed just before the connection was lost may be gone with the
/// server, if another one took over that lagged behind.
struct CatchUpTrail {
    private typealias Mark = (cursor: MessageCursor, at: Timestamp)

    private let seconds: Double
    private var older: Mark?
    private var newer: Mark?
    /// When the sink was last known to have what was marked: how long it was away since says nothing.
    private var last: Timestamp?

    /// Marks are made so far apart.
    init(seconds: Double) { self.seconds = seconds }

    mutating func note(_ cursor: MessageCursor, at now: Timestamp) {
        last = now
        let isOther = (newer ?? older).map { $0.cursor.position != cursor.position } ?? false
        if isOther || !cursor.isCatchingUp { (older, newer) = (nil, nil) }
        guard cursor.isCatchingUp else { return }
        if let newer, now.seconds(after: newer.at) < seconds { return }
        (older, newer) = (newer ?? older, (cursor, now))
    }

    /// The latest mark that is old enough, if it belongs to a position.
    mutating func cursor(at position: Int64) -> MessageCursor {
        let mark = [newer, older].compactMap(\.self).first { mark in
            mark.cursor.position == position && last.map { $0.seconds(after: mark.at) >= seconds } ?? false
        }
        (older, newer) = (mark, nil)
        return mark?.cursor ?? MessageCursor(position: position)
    }
}
