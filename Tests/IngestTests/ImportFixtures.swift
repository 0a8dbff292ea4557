import Telemetry

@testable import Ingest

/// A whole file, decoded.
struct Imported {
    var byIdent: [String?: MessageBatch] = [:]
    var accepted = 0
    var refused = 0
    var blocks = 0
    var problems: [MessageProblem] = []
    var columns: [ImportedColumn] = []
    var linesRead = 0
    var table = ParameterTable()

    init(_ reader: ImportReader, table: ParameterTable) throws(ImportError) {
        self.table = table
        columns = reader.columns
        while let block = try reader.next() {
            blocks += 1
            accepted += block.accepted
            refused += block.refused
            problems += block.problems
            linesRead = block.linesRead
            for part in block.messages {
                byIdent[part.ident] = (byIdent[part.ident] ?? MessageBatch()).concatenated(part.messages)
            }
        }
    }

    init(
        _ text: String, _ format: ImportFormat, ident: String? = "device", map: [String] = [],
        zone: TimeZoneTable = .utc, messagesPerBlockMax: Int = 4_096
    ) throws {
        var options = ImportOptions(ident: ident, mappings: try map.map { try ColumnMapping($0) }, timeZone: zone)
        options.messagesPerBlockMax = messagesPerBlockMax
        let table = ParameterTable()
        let reader = try ImportReader(memory: Array(text.utf8), format: format, options: options, table: table)
        try self.init(reader, table: table)
    }

    func values(_ name: String, ident: String? = "device") -> [Value?] {
        guard let batch = byIdent[ident] else { return [] }
        guard let column = table.existing(name).flatMap({ batch.values($0) }) else {
            return [Value?](repeating: nil, count: batch.count)
        }
        return (0..<batch.count).map { column[$0] }
    }

    func seconds(ident: String? = "device") -> [Double] {
        byIdent[ident]?.timestamps.map { Double($0) / 1e6 } ?? []
    }
}
