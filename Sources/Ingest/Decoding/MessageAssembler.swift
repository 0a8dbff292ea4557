import Telemetry

/// Assembles messages out of names and values, whatever text they come from: checks them, keeps out what cannot be,
/// and sorts them by ident into batches.
///
/// Every decoder of this module feeds one: `begin`, then `set…` for each value, then `finish`; `take` gives what has
/// been gathered and keeps the names.
struct MessageAssembler {
    private let table: ParameterTable
    private let limits: DecodingLimits
    private let acceptance: Acceptance
    private(set) var keys: KeyCache
    /// The ident of messages that name none.
    var defaultIdent: [UInt8]?
    private var streams = IdentStreams()
    private var result = DecodedMessages()

    // The message being assembled.
    private var index = 0
    private var cells: [MessageCell] = []
    private var texts: [UInt8] = []
    /// For each key the number of the message that last had it, and its cell there: a repeated name overrides.
    private var lastMessage: [Int] = []
    private var lastCell: [Int] = []
    private var messageNumber = 0
    private var timestamp: MessageTime = .missing
    /// The timestamp as it came, where it is no possible moment.
    private var impossibleTimestamp: MessageCell?
    private var ident: Range<Int>?
    private var droppedParameter = false
    private var hasWideCoordinate = false

    /// With `keys`, names met before with the same table are known from the start.
    init(table: ParameterTable, limits: DecodingLimits, acceptance: Acceptance, keys: KeyCache? = nil) {
        self.table = table
        self.limits = limits
        self.acceptance = acceptance
        self.keys = keys ?? KeyCache(nameLengthMax: limits.nameLengthMax)
    }

    /// Messages and problems since the last `take`.
    var count: Int { result.accepted }
    var refusedCount: Int { result.refused }

    /// Starts a message; one that was begun before and not finished is forgotten.
    mutating func begin(index: Int) {
        self.index = index
        messageNumber += 1
        cells.removeAll(keepingCapacity: true)
        texts.removeAll(keepingCapacity: true)
        timestamp = .missing
        impossibleTimestamp = nil
        ident = nil
        droppedParameter = false
        hasWideCoordinate = false
        keys.endMessage()
    }

    /// The name that a scanner comes to, taken from it, if it is the one that is expected.
    mutating func takeKey(from scanner: inout JSONScanner) -> Int? { keys.takeFollower(from: &scanner) }

    mutating func key(_ name: UnsafeBufferPointer<UInt8>) -> Int { keys.index(of: name) }
    mutating func key(_ name: String) -> Int { keys.index(of: name) }

    mutating func set(_ key: Int, number: Double) {
        set(MessageCell(key: key, kind: .number, number: number == 0 ? 0 : number))
    }

    mutating func set(_ key: Int, boolean: Bool) {
        set(MessageCell(key: key, kind: .boolean, number: boolean ? 1 : 0))
    }

    mutating func setNull(_ key: Int) { set(MessageCell(key: key, kind: .null)) }

    /// Gives a parameter a text: a string, or minimal JSON text of an object or an array.
    mutating func set(_ key: Int, text: some Collection<UInt8>, kind: ValueKind = .string) {
        guard text.count <= limits.textLengthMax else {
            return refuse(key, "a text of \(text.count) bytes is over the limit of \(limits.textLengthMax)")
        }
        let start = texts.count
        texts.append(contentsOf: text)
        set(MessageCell(key: key, kind: kind, text: start..<texts.count))
    }

    /// The moment of the message where the text that gives it is not a number of seconds.
    mutating func set(timestamp moment: Timestamp) { timestamp = MessageTime(seconds: moment.seconds) }

    /// Ends the message: it goes to its batch, or is refused.
    mutating func finish() {
        guard case .moment(let moment) = timestamp else {
            keepImpossible()
            return refuseMessage("timestamp", timestamp.reason)
        }
        if let reason = identProblem { return refuseMessage("ident", reason) }
        if hasWideCoordinate { refusePosition() }
        for place in cells.indices where cells[place].kind != .absent && !keys.resolve(cells[place].key, in: table) {
            cells[place].kind = .absent
            report(keys.names[cells[place].key], "the table of parameter names is full")
        }
        result.accepted += 1
        streams.select(ident.map { texts[$0] } ?? defaultIdent?[...])
        switch acceptance {
        case .history: append(moment, accepted: moment, isFuture: false)
        case .now(let now):
            let ahead = moment.microseconds - now.microseconds
            append(moment, accepted: now, isFuture: ahead > Int64(limits.futureSecondsMax) * 1_000_000)
        }
    }

    /// Refuses the message being assembled, or something that is none.
    mutating func refuseMessage(_ parameter: String?, _ reason: String) {
        result.refused += 1
        report(
            MessageProblem(index: index, parameter: parameter, reason: reason, refusesMessage: true))
    }

    /// What has been gathered since the last time.
    mutating func take() -> DecodedMessages {
        var taken = result
        streams.take(into: &taken, keys: keys)
        result = DecodedMessages()
        return taken
    }
}

extension MessageAssembler {
    private mutating func append(_ moment: Timestamp, accepted: Timestamp, isFuture: Bool) {
        streams.append(
            cells, texts: texts, keys: keys, timestamp: moment.microseconds, acceptance: accepted.microseconds,
            index: index, isFuture: isFuture)
    }

    /// Gives a message without a possible timestamp whole, if its device can be told and it is not too long.
    private mutating func keepImpossible() {
        guard identProblem == nil, result.impossible.count < limits.impossibleCountMax else { return }
        let json = impossibleJSON
        guard json.utf8.count <= limits.impossibleByteCountMax else { return }
        let ident = ident.map { texts[$0] } ?? defaultIdent?[...]
        result.impossible.append(
            ImpossibleMessage(
                index: index, ident: ident.map { String(decoding: $0, as: UTF8.self) },
                reason: "timestamp \(timestamp.reason)", json: json))
    }

    private var impossibleJSON: String {
        var writer = JSONWriter(capacity: 256)
        writer.write(literal: "{")
        if let cell = impossibleTimestamp {
            write(cell, "timestamp", to: &writer)
        } else if case .outside(let seconds) = timestamp {
            write(MessageCell(key: 0, kind: .number, number: seconds), "timestamp", to: &writer)
        }
        if let ident {
            writer.write(key: "ident")
            writer.write(string: String(decoding: texts[ident], as: UTF8.self))
        }
        for cell in cells where cell.kind != .absent { write(cell, keys.names[cell.key], to: &writer) }
        writer.write(literal: "}")
        return writer.text
    }

    private func write(_ cell: MessageCell, _ name: String, to writer: inout JSONWriter) {
        writer.write(key: name)
        switch cell.kind {
        case .number: writer.write(number: cell.number)
        case .boolean: writer.write(JSONValue.boolean(cell.number != 0).value)
        case .string: writer.write(string: String(decoding: texts[cell.text], as: UTF8.self))
        case .json: writer.write(raw: texts[cell.text])
        case .null, .absent, .error: writer.write(literal: "null")
        }
    }

    private mutating func set(_ cell: MessageCell) {
        switch keys.keys[cell.key].role {
        case .timestamp: setTimestamp(cell)
        case .ident: setIdent(cell)
        case .engine: break
        case .refused: refuseName(cell.key)
        case .column: setColumn(cell)
        case .latitude, .longitude:
            if abs(cell.number) > 90 { hasWideCoordinate = true }
            setColumn(cell)
        }
    }

    private mutating func setTimestamp(_ cell: MessageCell) {
        timestamp = cell.kind == .number ? MessageTime(seconds: cell.number) : .notNumber(cell.kind)
        if case .moment = timestamp { impossibleTimestamp = nil } else { impossibleTimestamp = cell }
    }

    private mutating func setColumn(_ cell: MessageCell) {
        if let type = keys.keys[cell.key].type, !accepts(type, cell) {
            return refuse(cell.key, "must be \(type.noun), is \(cell.kind.noun)")
        }
        if let place = place(cell.key) {
            cells[place] = cell
        } else if cells.count < limits.parameterCountMax {
            cells.append(cell)
            remember(cell.key)
        } else if !droppedParameter {
            droppedParameter = true
            report(
                keys.names[cell.key],
                "a message holds at most \(limits.parameterCountMax) parameters; this one and those after it were dropped"
            )
        }
    }

    private mutating func setIdent(_ cell: MessageCell) {
        switch cell.kind {
        case .string: ident = cell.text
        case .null: ident = nil
        default: refuse(cell.key, "must be a string, is \(cell.kind.noun)")
        }
    }

    /// The cell of a key in this message.
    private func place(_ key: Int) -> Int? {
        key < lastMessage.count && lastMessage[key] == messageNumber ? lastCell[key] : nil
    }

    private mutating func remember(_ key: Int) {
        if key >= lastMessage.count {
            lastMessage.append(contentsOf: repeatElement(0, count: key + 1 - lastMessage.count))
            lastCell.append(contentsOf: repeatElement(0, count: key + 1 - lastCell.count))
        }
        lastMessage[key] = messageNumber
        lastCell[key] = cells.count - 1
    }

    private func accepts(_ type: ParameterDictionary.ValueType, _ cell: MessageCell) -> Bool {
        switch (type, cell.kind) {
        case (_, .null), (.number, .number), (.boolean, .boolean), (.string, .string): true
        case (.array, .json): texts[cell.text].first == UInt8(ascii: "[")
        default: false
        }
    }

    /// An ident names a topic of its own, so it holds none of the characters that such names reserve.
    private var identProblem: String? {
        guard let ident else { return nil }
        guard !ident.isEmpty else { return "is empty" }
        let isRefused = { (byte: UInt8) in
            byte < 0x20 || byte == 0x7f || byte == UInt8(ascii: "#") || byte == UInt8(ascii: "+")
                || byte == UInt8(ascii: "/")
        }
        return texts[ident].contains(where: isRefused) ? "holds '#', '+', '/' or a control character" : nil
    }

    /// Drops both coordinates if one of them lies outside the globe. (Called where one is beyond 90 degrees at all.)
    private mutating func refusePosition() {
        var culprit: (key: Int, reason: String)?
        for cell in cells where cell.kind == .number {
            switch keys.keys[cell.key].role {
            case .latitude where abs(cell.number) > 90:
                culprit = culprit ?? (cell.key, "\(cell.number.text) is outside -90 to 90; the position was dropped")
            case .longitude where abs(cell.number) > 180:
                culprit = culprit ?? (cell.key, "\(cell.number.text) is outside -180 to 180; the position was dropped")
            default: break
            }
        }
        guard let culprit else { return }
        for place in cells.indices where keys.keys[cells[place].key].role.isCoordinate {
            cells[place].kind = .absent
        }
        report(keys.names[culprit.key], culprit.reason)
    }

    /// Refuses one value; an earlier one of the same name in the message is dropped with it.
    mutating func refuse(_ key: Int, _ reason: String) {
        if let place = place(key) { cells[place].kind = .absent }
        report(keys.names[key], reason)
    }

    private mutating func refuseName(_ key: Int) {
        let name = keys.names[key]
        let length = name.utf8.count
        report(
            String(name.prefix(40)),
            length == 0 ? "the name is empty" : "a name of \(length) bytes is over the limit of \(limits.nameLengthMax)"
        )
    }

    private mutating func report(_ parameter: String, _ reason: String) {
        report(MessageProblem(index: index, parameter: parameter, reason: reason, refusesMessage: false))
    }

    private mutating func report(_ problem: MessageProblem) {
        guard result.problems.count < limits.problemCountMax else {
            result.problemsOmitted += 1
            return
        }
        result.problems.append(problem)
    }
}

extension KeyCache.Role {
    fileprivate var isCoordinate: Bool { self == .latitude || self == .longitude }
}

extension ParameterDictionary.ValueType {
    fileprivate var noun: String {
        switch self {
        case .number: "a number"
        case .boolean: "a boolean"
        case .string: "a string"
        case .array: "an array"
        }
    }
}

extension ValueKind {
    var noun: String {
        switch self {
        case .number: "a number"
        case .boolean: "a boolean"
        case .string: "a string"
        case .json: "an object or an array"
        case .null, .absent, .error: "null"
        }
    }
}

extension Double {
    /// The number as JSON has it.
    var text: String {
        var writer = JSONWriter()
        writer.write(number: self)
        return writer.text
    }
}
