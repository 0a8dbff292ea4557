/// How large files, lines and functions may be.
enum SizeRules {
    static let fileLinesMax = 500
    static let columnsMax = 120
    static let functionLinesMax = 70

    static func fileLength(_ file: SourceFile) -> [Violation] {
        let count = file.lines.last?.isEmpty ?? false ? file.lines.count - 1 : file.lines.count
        guard count > fileLinesMax else { return [] }
        return [
            file.violation(
                line: fileLinesMax,
                "the file has \(count) lines, over \(fileLinesMax): a file is one type, split it by facets")
        ]
    }

    /// A line with a string in it may be longer: a text reads worse in pieces.
    static func lineLength(_ file: SourceFile) -> [Violation] {
        file.lines.indices.compactMap { index in
            let line = file.lines[index]
            let count = line.utf8.count > columnsMax && !line.contains("\"") ? line.count : 0
            guard count > columnsMax else { return nil }
            return file.violation(
                line: index, "\(count) columns, over \(columnsMax): break it, so that it reads without scrolling")
        }
    }

    static func functionLength(_ file: SourceFile) -> [Violation] {
        FunctionScanner.functions(in: file).filter { $0.lineCount > functionLinesMax }.map { function in
            file.violation(
                line: function.firstLine,
                "\(function.name) has \(function.lineCount) lines, over \(functionLinesMax): "
                    + "it does more than one thing, put the leaves into functions of their own")
        }
    }
}
