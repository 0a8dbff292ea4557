import Evaluation
import Expressions
import PrimaryStore
import Telemetry

extension API {
    func deleteMessages(_ call: Call) async throws(APIFailure) -> Answer {
        throw APIFailure(
            .notImplemented, "this version deletes no single messages: they are the source of the intervals",
            hint: "set messages_ttl on the device, or delete the device")
    }

    func readMessages(_ call: Call) async throws(APIFailure) -> Answer {
        let selection = try devices(call.segment("selector"))
        let query = try MessageQuery(call, limits: limits)
        let devices = selection.items
        let bytesMax = limits.answerBytesMax
        let read = try await pool.run { [store] () throws(APIFailure) in
            var reading = MessageReading(query: query, store: store, bytesMax: bytesMax)
            for device in devices where !reading.isDone {
                do throws(StoreError) { try reading.readWhatCanBe(device) } catch { throw APIFailure(error) }
            }
            if reading.isTooLarge {
                throw APIFailure(
                    .tooLarge, "the answer would be over \(bytesMax) bytes",
                    hint: "narrow the range, or name the fields")
            }
            return reading
        }
        return Answer.messages(
            read.writer.bytes, errors: selection.errors + read.errors, isTruncated: read.isTruncated)
    }

    func readTelemetry(_ call: Call) async throws(APIFailure) -> Answer {
        let selection = try devices(call.segment("selector"))
        guard selection.items.count <= limits.telemetryDevicesMax else {
            throw APIFailure(.tooLarge, "at most \(limits.telemetryDevicesMax) devices at once")
        }
        let names = call.segment("parameters").commaList
        let patterns = names == ["all"] ? nil : names
        let ids = selection.items.map(\.id)
        let (result, errors) = try await stored { store throws(StoreError) in
            let history = MessageHistory(store: store)
            var (result, errors) = ([JSONValue](), [ErrorItem]())
            for id in ids {
                let latest = try history.telemetry(device: id)
                result.append(Self.telemetry(id, latest, store.parameters, patterns))
                errors += try DamageTolerance.notices(id, latest: latest.values.map(\.moment), from: store)
            }
            return (result, errors)
        }
        return Answer(result: result, errors: selection.errors + errors)
    }

    private static func telemetry(
        _ id: DeviceID, _ latest: [ParameterID: (moment: Timestamp, value: Value)], _ table: ParameterTable,
        _ patterns: [String]?
    ) -> JSONValue {
        let members = latest.map { parameter, cell in
            JSONValue.Member(
                table.name(parameter),
                .object([.init("ts", .number(cell.moment.seconds)), .init("value", JSONValue(cell.value))]))
        }
        let wanted = members.filter { member in
            patterns.map { $0.contains { Wildcard.matches(member.key, $0) } } ?? true
        }
        return .object([
            .init("id", JSONValue(id.rawValue)), .init("telemetry", .object(wanted.sorted { $0.key < $1.key })),
        ])
    }
}

/// What `GET …/messages` asks for.
struct MessageQuery: Sendable {
    let range: TimeRange
    let countMax: Int
    /// Whether the client said how many; if not, an answer that was cut says so.
    let isCounted: Bool
    let isReversed: Bool
    let fields: [String]?
    let filter: RowFilter?
    /// Whether the messages of so many seconds each become one.
    let generalization: Generalization?

    init(_ call: Call, limits: APILimits) throws(APIFailure) {
        var input = try call.dataFields()
        let from = input.moment("from") ?? .distantPast
        let to = input.moment("to") ?? .distantFuture
        let count = input.integer("count", 1...Int64(limits.messagesMax))
        let list = input.string("fields")
        isReversed = input.boolean("reverse") ?? false
        let source = input.string("filter")
        generalization = Generalization(&input, limits: limits.onDemand)
        input.refuseUnknown("a query of messages")
        if from > to { input.fail("from", "is after to") }
        try input.check()
        range = TimeRange(inclusive: from, to)
        countMax = count.map(Int.init) ?? limits.messagesDefault
        isCounted = count != nil
        fields = list.map(\.commaList).flatMap { $0.isEmpty ? nil : $0 }
        filter = try RowFilter.given(source, limits: limits)
    }
}

/// Reads the messages of one device after the other, and writes them until there are enough.
struct MessageReading: Sendable {
    let query: MessageQuery
    let store: any PrimaryStore
    let bytesMax: Int
    private(set) var writer = JSONWriter()
    private(set) var count = 0
    /// Whether there was more than the count that holds where the client gave none.
    private(set) var isTruncated = false
    /// What could not be read.
    private(set) var errors: [ErrorItem] = []

    init(query: MessageQuery, store: any PrimaryStore, bytesMax: Int) {
        self.query = query
        self.store = store
        self.bytesMax = bytesMax
    }

    var isTooLarge: Bool { writer.bytes.count > bytesMax }

    /// One more than is wanted is looked for where it must be told that there is more.
    var isDone: Bool { isTooLarge || isTruncated || (query.isCounted && count >= query.countMax) }

    /// Reads a device; where messages of it are damaged, the others, and notes which are missing.
    mutating func readWhatCanBe(_ device: DeviceEntity) throws(StoreError) {
        let start = self
        let (reading, errors) = try DamageTolerance.read(device.id, query.range, from: store) {
            passesOver throws(StoreError) in
            var reading = start
            try reading.read(device, passesOver: passesOver)
            return reading
        }
        self = reading
        self.errors += errors
    }

    private mutating func read(_ device: DeviceEntity, passesOver: Bool) throws(StoreError) {
        let facts = device.facts
        let table = store.parameters
        let renderer = MessageRenderer(table: table, constants: facts.constants, fields: query.fields)
        let binding = query.filter.map { ColumnBinding($0.layout, table: table, facts: facts) }
        let (latitude, longitude) = (table.existing("position.latitude"), table.existing("position.longitude"))
        var generalizer = query.generalization.map { MessageGeneralizer($0, isReversed: query.isReversed) }
        var reading = self
        try MessageHistory(store: store).forEachBlock(
            device: device.id, range: query.range, isReversed: query.isReversed, passesOverDamage: passesOver
        ) { block in
            let merged = block.coalesced(latitude: latitude, longitude: longitude)
            let rows = reading.rows(of: block, merged, binding)
            if let finished = generalizer?.take(merged, rows: rows) {
                reading.write(finished, rows: Array(0..<finished.count), renderer)
            } else {
                reading.write(merged, rows: rows, renderer)
            }
            return !reading.isDone
        }
        if !reading.isDone, let rest = generalizer?.finish() {
            reading.write(rest, rows: Array(0..<rest.count), renderer)
        }
        self = reading
    }

    /// The rows that the filter keeps, in the order of time.
    private func rows(of block: MessageBatch, _ merged: MessageBatch, _ binding: ColumnBinding?) -> [Int] {
        var rows = Array(0..<merged.count)
        if let binding, let filter = query.filter {
            let truth = filter.truth(of: binding.block(block).content)
            rows = rows.filter { truth[$0] }
        }
        return rows
    }

    /// Writes rows of a block, in the order they are wanted.
    private mutating func write(_ batch: MessageBatch, rows: [Int], _ renderer: MessageRenderer) {
        for row in query.isReversed ? rows.reversed() : rows {
            guard count < query.countMax else {
                isTruncated = !query.isCounted
                return
            }
            if isTooLarge { return }
            if count > 0 { writer.write(literal: ",") }
            renderer.write(batch, row: row, to: &writer)
            count += 1
        }
    }
}

extension DeviceEntity {
    /// What its messages carry of the device itself.
    var facts: DeviceFacts {
        DeviceFacts(id: id, ident: ident, name: name, typeID: settings["device_type_id"]?.numberValue ?? 0)
    }
}

extension Answer {
    static func messages(_ bytes: [UInt8], errors: [ErrorItem], isTruncated: Bool) -> Answer {
        guard bytes.isEmpty, !errors.isEmpty else {
            return Answer(resultBytes: [bytes], errors: errors, isTruncated: isTruncated)
        }
        return Answer(result: [], errors: errors)
    }
}
