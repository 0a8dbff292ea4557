import Telemetry

/// The formats of files with messages.
package enum ImportFormat: String, CaseIterable, Sendable {
    case csv, gpx, jsonl

    /// The format that a file's name tells.
    package init?(file: String) {
        switch file.lowercased().split(separator: ".").last {
        case "csv", "tsv", "txt": self = .csv
        case "gpx": self = .gpx
        case "jsonl", "ndjson", "json": self = .jsonl
        default: return nil
        }
    }
}

/// How a file is to be read.
package struct ImportOptions: Sendable {
    /// The device of messages that name none. A column that only looks like an ident is left alone where it is set.
    package var ident: String?
    /// What the columns of a CSV file mean beyond what their names say.
    package var mappings: [ColumnMapping]
    /// The zone of local times that do not name theirs.
    package var timeZone: TimeZoneTable
    /// A block holds at most so many messages.
    package var messagesPerBlockMax = 4_096
    package var limits = DecodingLimits()

    package init(ident: String? = nil, mappings: [ColumnMapping] = [], timeZone: TimeZoneTable = .utc) {
        self.ident = ident
        self.mappings = mappings
        self.timeZone = timeZone
    }
}

/// A stretch of a file, decoded.
package struct ImportedBlock: Sendable {
    /// The messages of each ident, stamped as accepted at their own timestamps.
    package var messages: [IdentMessages]
    /// What could be read but for its timestamp; counted and listed as refused, too.
    package var impossible: [ImpossibleMessage]
    /// How many messages the block has, and how many messages or lines of it were refused.
    package var accepted: Int
    package var refused: Int
    /// What was refused; the index of a problem is the number of its line.
    package var problems: [MessageProblem]
    package var problemsOmitted: Int
    /// How far the file has been read.
    package var linesRead: Int
    package var bytesRead: Int
}
