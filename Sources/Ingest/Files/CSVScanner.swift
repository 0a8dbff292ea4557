/// Splits CSV text (RFC 4180) into fields, one row at a time.
struct CSVScanner {
    /// A row that grows beyond this is refused: mostly a quote that nothing closes.
    static let rowLengthMax = 131_072
    static let fieldCountMax = 4_096

    /// The bytes of the row's fields, one after another, without their quotes.
    private(set) var bytes: [UInt8] = []
    private var ends: [Int] = []
    /// The number of the line in which the row begins.
    private(set) var line = 1
    private let delimiter: UInt8

    init(delimiter: UInt8) { self.delimiter = delimiter }

    enum Outcome: Equatable {
        case row, tooLong, end
    }

    var fieldCount: Int { ends.count }

    /// Where a field lies in `bytes`, without white space around it; empty for a field that the row lacks.
    func field(_ index: Int) -> Range<Int> {
        guard index < ends.count else { return 0..<0 }
        var range = (index == 0 ? 0 : ends[index - 1])..<ends[index]
        while let first = range.first, Self.isSpace(bytes[first]) { range = first + 1..<range.upperBound }
        while let last = range.last, Self.isSpace(bytes[last]) { range = range.lowerBound..<last }
        return range
    }

    func text(_ index: Int) -> String { String(decoding: bytes[field(index)], as: UTF8.self) }

    /// The delimiter of a header: the one of comma, semicolon and tab that occurs most outside quotes.
    static func delimiter(ofHeader header: [UInt8]) -> UInt8 {
        var counts: [UInt8: Int] = [:]
        var isQuoted = false
        for byte in header {
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if !isQuoted { counts[byte, default: 0] += 1 }
        }
        let candidates = [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\t")]
        return candidates.max { counts[$0, default: 0] < counts[$1, default: 0] } ?? UInt8(ascii: ",")
    }

    /// Reads the next row that is not empty.
    mutating func readRow(_ source: inout ByteSource) throws(ImportError) -> Outcome {
        repeat {
            line = source.line
            guard try source.peek() != nil else { return .end }
            if try !readFields(&source) {
                try source.skipLine()
                return .tooLong
            }
        } while ends.count == 1 && field(0).isEmpty
        return .row
    }

    /// Reads the fields up to the end of the row; false if there are too many bytes.
    private mutating func readFields(_ source: inout ByteSource) throws(ImportError) -> Bool {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        var isQuoted = false
        var fieldStart = 0
        while let byte = try source.next() {
            guard bytes.count < Self.rowLengthMax, ends.count < Self.fieldCountMax else { return false }
            if isQuoted {
                if byte != UInt8(ascii: "\"") {
                    bytes.append(byte)
                } else if try source.take(UInt8(ascii: "\"")) {
                    bytes.append(byte)
                } else {
                    isQuoted = false
                }
            } else if byte == delimiter {
                ends.append(bytes.count)
                fieldStart = bytes.count
            } else if byte == 0x0a {
                break
            } else if byte == 0x0d {
                if try source.peek() != 0x0a { break }
            } else if byte == UInt8(ascii: "\""), bytes.count == fieldStart {
                isQuoted = true
            } else {
                bytes.append(byte)
            }
        }
        ends.append(bytes.count)
        return true
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
