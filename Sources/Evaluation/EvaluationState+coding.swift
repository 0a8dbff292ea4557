import Calculators
import Expressions
import Telemetry

extension EvaluationState {
    private static let version: UInt8 = 3
    /// Set in the first byte of a state that holds the lists of messages themselves.
    private static let listsFlag: UInt8 = 0x80

    /// The state as bytes: equal bytes mean equal states. `withLists` saves the lists of messages whatever the
    /// calculator, so that an evaluation that goes on from there gives complete intervals; for that none of them may
    /// be incomplete.
    public func encoded(withLists: Bool = false) -> [UInt8] {
        let withLists = withLists || savesLists
        var writer = ByteWriter(capacity: 512)
        writer.write(byte: withLists ? Self.version | Self.listsFlag : Self.version)
        writer.write(position)
        writer.write(cut.map { Timestamp(microseconds: $0) })
        validateMemory?.write(to: &writer)
        write(carry, to: &writer)
        for track in tracks { track.write(to: &writer) }
        writer.write(varint: UInt64(pieces.count))
        for piece in pieces { piece.write(to: &writer, withLists: withLists) }
        writer.write(byte: previousFields == nil ? 0 : 1)
        let fields = (previousFields ?? [:]).sorted { $0.key < $1.key }
        writer.write(varint: UInt64(fields.count))
        for (name, value) in fields {
            writer.write(name)
            writer.write(value)
        }
        return writer.bytes
    }

    /// The state of a calculator that `encoded` gave; lists of messages that were not saved are marked as incomplete.
    public init(_ calculator: Calculator, decoding bytes: [UInt8]) throws(MalformedBytes) {
        try self.init(calculator, CounterPlans(calculator, ExpressionEnvironment()), decoding: bytes)
    }

    /// The same for an evaluation by a plan that was made before.
    public init(_ plan: EvaluationPlan, decoding bytes: [UInt8]) throws(MalformedBytes) {
        try self.init(plan.calculator, plan.counting, decoding: bytes)
    }

    private init(_ calculator: Calculator, _ plans: CounterPlans, decoding bytes: [UInt8]) throws(MalformedBytes) {
        self.init(calculator)
        var reader = ByteReader(bytes)
        let format = try reader.readByte()
        guard format & ~Self.listsFlag == Self.version else { throw MalformedBytes(offset: 0, reason: "other version") }
        let withLists = format & Self.listsFlag != 0
        position = try reader.readTimestamp()
        cut = try reader.readTimestamp()?.microseconds
        if let validate = calculator.validateMessage {
            validateMemory = try ProgramMemory(for: validate, from: &reader)
        }
        carry = try Self.readCarry(&reader)
        for (index, selector) in calculator.selectors.enumerated() {
            tracks[index] = try SelectorTrack(selector, from: &reader)
        }
        for _ in 0..<(try reader.readCount()) {
            pieces.append(try Piece(calculator, plans, from: &reader, withLists: withLists))
        }
        let hasPrevious = try reader.readByte() != 0
        var fields: [String: Value] = [:]
        for _ in 0..<(try reader.readCount()) {
            let name = try reader.readString()
            fields[name] = try reader.readValue()
        }
        previousFields = hasPrevious ? fields : nil
        guard reader.isAtEnd else { throw MalformedBytes(offset: reader.offset, reason: "bytes left over") }
    }

    private func write(_ carry: ExpressionBlock?, to writer: inout ByteWriter) {
        writer.write(carry?.timestamps.first.map { Timestamp(microseconds: $0) })
        guard let carry else { return }
        writer.write(varint: UInt64(carry.columns.count))
        for column in carry.columns { writer.write(column.count > 0 ? column[0] : nil) }
    }

    private static func readCarry(_ reader: inout ByteReader) throws(MalformedBytes) -> ExpressionBlock? {
        guard let moment = try reader.readTimestamp() else { return nil }
        var columns: [ValueColumn] = []
        for _ in 0..<(try reader.readCount()) {
            columns.append(ValueColumn(repeating: try reader.readValue(), count: 1))
        }
        return ExpressionBlock(timestamps: [moment.microseconds], columns: columns)
    }
}

extension SelectorTrack {
    fileprivate func write(to writer: inout ByteWriter) {
        memory?.write(to: &writer)
        validateMemory?.write(to: &writer)
        writer.write(lastValue)
        writer.write(lastPoint.map { .number($0.latitude) })
        writer.write(lastPoint.map { .number($0.longitude) })
        writer.write(geofenceHere.map { .string($0) })
        writer.write(bucket.map { Timestamp(microseconds: $0) })
        writer.write(byte: (run == nil ? 0 : 1) | (run?.isWaiting == true ? 2 : 0) | (wasOn ? 4 : 0))
        if let run {
            for moment in [run.first, run.partFirst, run.mergedBegin, run.lastOn] { writer.write(fixed: moment) }
        }
        writer.write(after.map { Timestamp(microseconds: $0) })
        writer.write(lastSeen.map { Timestamp(microseconds: $0) })
    }

    fileprivate init(_ selector: Selector, from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(selector)
        switch selector.kind {
        case .boolean(let program), .change(let program): memory = try ProgramMemory(for: program, from: &reader)
        case .datetime, .geofence, .inactive, .source: break
        }
        if let validate = selector.validateMessage { validateMemory = try ProgramMemory(for: validate, from: &reader) }
        lastValue = try reader.readValue()
        let (latitude, longitude) = (try reader.readValue(), try reader.readValue())
        if case .number(let latitude)? = latitude, case .number(let longitude)? = longitude {
            lastPoint = GeoPoint(latitude: latitude, longitude: longitude)
        }
        if case .string(let name)? = try reader.readValue() { geofenceHere = name }
        bucket = try reader.readTimestamp()?.microseconds
        let flags = try reader.readByte()
        if flags & 1 != 0 {
            run = OpenRun(
                first: try reader.readFixed(Int64.self), partFirst: try reader.readFixed(Int64.self),
                mergedBegin: try reader.readFixed(Int64.self), lastOn: try reader.readFixed(Int64.self),
                isWaiting: flags & 2 != 0)
        }
        wasOn = flags & 4 != 0
        after = try reader.readTimestamp()?.microseconds
        lastSeen = try reader.readTimestamp()?.microseconds
    }
}

extension Piece {
    fileprivate func write(to writer: inout ByteWriter, withLists: Bool) {
        writer.write(fixed: firstOn)
        writer.write(fixed: begin)
        writer.write(byte: isCut ? 1 : 0)
        writer.write(geofence.map { .string($0) })
        for end in ends { Self.write(end, to: &writer) }
        writer.write(varint: UInt64(marks.count))
        for mark in marks { mark.write(to: &writer, withLists: withLists) }
    }

    private static func write(_ end: RunEnd?, to writer: inout ByteWriter) {
        writer.write(byte: end == nil ? 0 : 1)
        guard let end else { return }
        writer.write(fixed: end.lastOn)
        writer.write(fixed: end.after)
        let verdict: UInt8 = end.isActiveEnough.map { $0 ? 2 : 4 } ?? 0
        writer.write(byte: (end.isLongEnough ? 1 : 0) | verdict)
    }

    fileprivate init(
        _ calculator: Calculator, _ plans: CounterPlans, from reader: inout ByteReader, withLists: Bool
    ) throws(MalformedBytes) {
        firstOn = try reader.readFixed(Int64.self)
        begin = try reader.readFixed(Int64.self)
        isCut = try reader.readByte() != 0
        if case .string(let name)? = try reader.readValue() { geofence = name }
        ends = []
        for _ in calculator.selectors { ends.append(try Self.readEnd(&reader)) }
        marks = []
        for _ in 0..<(try reader.readCount()) {
            marks.append(try Accumulators(plans, from: &reader, withLists: withLists))
        }
    }

    private static func readEnd(_ reader: inout ByteReader) throws(MalformedBytes) -> RunEnd? {
        guard try reader.readByte() != 0 else { return nil }
        let lastOn = try reader.readFixed(Int64.self)
        let after = try reader.readFixed(Int64.self)
        let flags = try reader.readByte()
        return RunEnd(
            lastOn: lastOn, after: after, isLongEnough: flags & 1 != 0,
            isActiveEnough: flags & 6 == 0 ? nil : flags & 2 != 0)
    }
}
