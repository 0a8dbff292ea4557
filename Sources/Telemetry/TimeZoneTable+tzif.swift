extension TimeZoneTable {
    /// Reads a compiled zone file (TZif, RFC 8536) of version 1, 2, 3 or 4.
    ///
    /// From version 2 on the first block, with its 32-bit moments, is passed over. Files that count leap seconds are
    /// refused, since a timestamp does not.
    public init(name: String, tzif bytes: [UInt8]) throws(TimeZoneError) {
        do throws(MalformedBytes) {
            var reader = ByteReader(bytes)
            var header = try TZifHeader(&reader)
            guard header.version >= 2 else {
                try self.init(name: name, header: header, isWide: false, &reader)
                return
            }
            _ = try reader.readRaw(header.blockSize(momentWidth: 4))
            header = try TZifHeader(&reader)
            try self.init(name: name, header: header, isWide: true, &reader)
        } catch {
            throw .malformed(name: name, reason: error.description)
        }
    }

    private init(
        name: String, header: TZifHeader, isWide: Bool, _ reader: inout ByteReader
    ) throws(MalformedBytes) {
        let transitions = try Self.readTransitions(header, isWide: isWide, &reader)
        let typeIndices = Array(try reader.readRaw(header.transitionCount))
        guard typeIndices.allSatisfy({ Int($0) < header.typeCount }) else {
            throw MalformedBytes(offset: reader.offset, reason: "a transition to a type that is not there")
        }
        let types = try Self.readTypes(header, &reader)
        _ = try reader.readRaw(header.standardCount + header.universalCount)
        let rule = isWide ? try Self.readRule(&reader) : nil
        self.init(
            name: name, transitions: transitions, typeIndices: typeIndices, types: types,
            firstType: types.first { !$0.isDaylightSaving } ?? types[0], rule: rule)
    }

    private static func readTransitions(
        _ header: TZifHeader, isWide: Bool, _ reader: inout ByteReader
    ) throws(MalformedBytes) -> [Int] {
        var transitions: [Int] = []
        transitions.reserveCapacity(header.transitionCount)
        for _ in 0..<header.transitionCount {
            let second =
                isWide
                ? Int(try reader.readFixed(Int64.self).byteSwapped)
                : Int(try reader.readFixed(Int32.self).byteSwapped)
            guard second > transitions.last ?? OffsetPeriod.secondMin, second < OffsetPeriod.secondMax else {
                throw MalformedBytes(offset: reader.offset, reason: "transitions are not ascending")
            }
            transitions.append(second)
        }
        return transitions
    }

    private static func readTypes(
        _ header: TZifHeader, _ reader: inout ByteReader
    ) throws(MalformedBytes) -> [LocalTimeType] {
        var rows: [(offset: Int, isDaylightSaving: Bool, nameIndex: Int)] = []
        for _ in 0..<header.typeCount {
            let offset = Int(try reader.readFixed(Int32.self).byteSwapped)
            guard abs(offset) <= LocalTimeType.offsetMagnitudeMax else {
                throw MalformedBytes(offset: reader.offset, reason: "an offset of \(offset) s")
            }
            rows.append((offset, try reader.readByte() != 0, Int(try reader.readByte())))
        }
        let names = Array(try reader.readRaw(header.nameByteCount))
        return rows.map { row in
            let name = names.dropFirst(row.nameIndex).prefix { $0 != 0 }
            return LocalTimeType(
                secondsEastOfUTC: row.offset, isDaylightSaving: row.isDaylightSaving,
                abbreviation: String(decoding: name, as: UTF8.self))
        }
    }

    /// The rule in the last line; an empty line is no rule.
    private static func readRule(_ reader: inout ByteReader) throws(MalformedBytes) -> TimeZoneRule? {
        let offset = reader.offset
        let footer = try reader.readRaw(reader.remaining)
        guard footer.first == 10, let end = footer.dropFirst().firstIndex(of: 10) else {
            throw MalformedBytes(offset: offset, reason: "the rule for the future is not ended")
        }
        let text = footer[footer.startIndex + 1..<end]
        if text.isEmpty { return nil }
        guard let rule = TimeZoneRule(text) else {
            let shown = String(decoding: text.prefix(64), as: UTF8.self)
            throw MalformedBytes(offset: offset, reason: "\"\(shown)\" is not a rule")
        }
        return rule
    }
}

/// The 44 bytes before each block of a zone file.
private struct TZifHeader {
    /// More than any zone has by far.
    static let countMax: UInt32 = 100_000

    var version: Int
    var universalCount: Int
    var standardCount: Int
    var leapCount: Int
    var transitionCount: Int
    var typeCount: Int
    var nameByteCount: Int

    init(_ reader: inout ByteReader) throws(MalformedBytes) {
        guard try reader.readRaw(4).elementsEqual("TZif".utf8) else {
            throw MalformedBytes(offset: 0, reason: "not a compiled zone file")
        }
        let mark = try reader.readByte()
        version = mark == 0 ? 1 : Int(mark) - 48
        guard (1...4).contains(version) else {
            throw MalformedBytes(offset: reader.offset, reason: "version \(mark) is not known")
        }
        _ = try reader.readRaw(15)
        universalCount = try Self.readCount(&reader)
        standardCount = try Self.readCount(&reader)
        leapCount = try Self.readCount(&reader)
        transitionCount = try Self.readCount(&reader)
        typeCount = try Self.readCount(&reader)
        nameByteCount = try Self.readCount(&reader)
        try check(at: reader.offset)
    }

    private static func readCount(_ reader: inout ByteReader) throws(MalformedBytes) -> Int {
        let count = try reader.readFixed(UInt32.self).byteSwapped
        guard count <= countMax else { throw MalformedBytes(offset: reader.offset, reason: "count \(count)") }
        return Int(count)
    }

    private func check(at offset: Int) throws(MalformedBytes) {
        guard (1...256).contains(typeCount) else {
            throw MalformedBytes(offset: offset, reason: "\(typeCount) types of local time")
        }
        guard leapCount == 0 else { throw MalformedBytes(offset: offset, reason: "it counts leap seconds") }
    }

    func blockSize(momentWidth: Int) -> Int {
        transitionCount * (momentWidth + 1) + typeCount * 6 + nameByteCount + leapCount * (momentWidth + 4)
            + standardCount + universalCount
    }
}
