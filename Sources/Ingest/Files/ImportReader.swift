import Telemetry

/// Reads the messages of a file block by block, in memory that does not grow with the file.
///
/// A line that cannot be understood is counted and listed with its number; it never stops the file.
package final class ImportReader {
    private var source: ByteSource
    private var assembler: MessageAssembler
    private var format: any FileFormatReader
    private let messagesPerBlockMax: Int
    private var isAtEnd = false
    private var failure: ImportError?

    /// Opens a file; `-` is standard input.
    package convenience init(
        file: String, format: ImportFormat, options: ImportOptions, table: ParameterTable
    ) throws(ImportError) {
        try self.init(ByteSource(file: file), format: format, options: options, table: table)
    }

    /// Reads text that is in memory already.
    package convenience init(
        memory bytes: [UInt8], format: ImportFormat, options: ImportOptions, table: ParameterTable
    ) throws(ImportError) {
        try self.init(ByteSource(memory: bytes), format: format, options: options, table: table)
    }

    private init(
        _ source: consuming ByteSource, format: ImportFormat, options: ImportOptions, table: ParameterTable
    ) throws(ImportError) {
        var assembler = MessageAssembler(table: table, limits: options.limits, acceptance: .history)
        assembler.defaultIdent = options.ident.map { Array($0.utf8) }
        var source = source
        try source.skipByteOrderMark()
        switch format {
        case .csv: self.format = try CSVReader(&source, &assembler, options)
        case .gpx: self.format = GPXReader(&assembler, options)
        case .jsonl: self.format = JSONLinesReader()
        }
        self.source = source
        self.assembler = assembler
        messagesPerBlockMax = options.messagesPerBlockMax
    }

    /// The file's size in bytes; nil for a pipe.
    package var size: Int? { source.size }
    /// What each column became, for showing before the work begins.
    package var columns: [ImportedColumn] { format.columns }

    /// The next block; nil at the end. An error comes after the blocks before it.
    package func next() throws(ImportError) -> ImportedBlock? {
        if let failure { throw failure }
        guard !isAtEnd else { return nil }
        do throws(ImportError) {
            isAtEnd = try !format.read(&source, &assembler, countMax: messagesPerBlockMax)
        } catch {
            failure = error
        }
        let taken = assembler.take()
        if taken.accepted == 0, taken.refused == 0, taken.problems.isEmpty {
            if let failure { throw failure }
            return isAtEnd ? nil : try next()
        }
        return ImportedBlock(
            messages: taken.byIdent, impossible: taken.impossible, accepted: taken.accepted, refused: taken.refused,
            problems: taken.problems, problemsOmitted: taken.problemsOmitted, linesRead: source.line - 1,
            bytesRead: source.bytesRead)
    }
}

/// A column of a file and what it became.
package struct ImportedColumn: Sendable, Equatable {
    package var column: String
    /// The parameter; nil for a column that is ignored.
    package var parameter: String?

    package init(column: String, parameter: String?) {
        self.column = column
        self.parameter = parameter
    }
}

/// One of the formats: reads items and feeds the assembler.
protocol FileFormatReader {
    /// What each column became; empty for formats without columns.
    var columns: [ImportedColumn] { get }

    /// Reads until about so many messages or problems have been gathered; false once the file ends.
    mutating func read(
        _ source: inout ByteSource, _ assembler: inout MessageAssembler, countMax: Int
    ) throws(ImportError) -> Bool
}

extension FileFormatReader {
    var columns: [ImportedColumn] { [] }
}
