import MessageChunks
import PrimaryStore
@testable import Publishing
import Telemetry
import Testing

@Suite struct MessageRowTests {
    private let parameters = ParameterTable()

    /// The row of one message.
    private func row(_ values: KeyValuePairs<String, Value>) throws -> MessageRow {
        try #require(try rows([values]).first)
    }

    private func batch(_ messages: [KeyValuePairs<String, Value>]) -> MessageBatch {
        var builder = MessageBatchBuilder(table: parameters)
        for (index, values) in messages.enumerated() {
            for (name, value) in values { if let id = parameters.id(for: name) { builder.set(id, value) } }
            let at = Timestamp(seconds: MadeFleet.start + Double(index))
            builder.finishMessage(timestamp: at, acceptance: at.advanced(bySeconds: 3))
        }
        return builder.build()
    }

    private func rows(_ messages: [KeyValuePairs<String, Value>]) throws -> [MessageRow] {
        let batch = batch(messages)
        let entry = LogEntry(
            position: 7, device: DeviceID(5), count: batch.count, bytes: MessageChunk.encode(batch))
        return try MessageRowReader(parameters: parameters).rows(of: entry)
    }

    @Test("each column comes from its parameter")
    func columns() throws {
        let row = try row([
            "position.latitude": .number(1.5), "position.longitude": .number(2.5), "position.speed": .number(60),
            "position.direction": .number(90), "position.altitude": .number(1600), "position.satellites": .number(11),
            "position.hdop": .number(0.9), "position.type": .string("LBS"), "position.address": .string("O'Hara's"),
            "engine.ignition.status": .boolean(true), "vehicle.mileage": .number(10),
            "can.vehicle.mileage": .number(12),
            "message.buffered.status": .boolean(true), "gsm.signal.level": .number(4), "battery.level": .number(80),
            "battery.voltage": .number(4.1), "external.powersource.voltage": .number(13.8), "temperature": .number(20),
            "sensor.temperature": .number(-18), "fuel.volume": .number(30), "can.fuel.volume": .number(31),
            "alarm.code": .number(5), "alarm.event": .string("sos"), "alarm.name": .string("SOS"),
            "alarm.severity": .string("critical"), "other": .string("unread"),
        ])
        #expect(row.position == 7 && row.number == 0 && row.device == DeviceID(5))
        #expect(row.timestamp.seconds == MadeFleet.start && row.acceptance.seconds == MadeFleet.start + 3)
        #expect(row.latitude == 1.5 && row.longitude == 2.5 && row.speed == 60 && row.direction == 90)
        #expect(row.altitude == 1600 && row.satellites == 11 && row.hdop == 0.9)
        #expect(row.positionType == "LBS" && row.address == "O'Hara's" && row.ignition == true && row.isBuffered)
        #expect(row.mileage == 12 && row.gsmSignal == 4 && row.batteryPercent == 80 && row.batteryVoltage == 4.1)
        #expect(row.powerVoltage == 13.8 && row.temperature == -18 && row.fuel == 31)
        #expect(row.alarmType == "5" && row.alarmName == "SOS" && row.alarmSeverity == "critical")
    }

    @Test("a message without these parameters is a sign of life")
    func empty() throws {
        let row = try row(["other": .number(1)])
        #expect(
            row.latitude == nil && row.ignition == nil && row.alarmType == nil && !row.isBuffered && row.mileage == nil)
        #expect(try rows([]).isEmpty)
    }

    @Test("a position is both coordinates or none, and none where it is not valid")
    func position() throws {
        #expect(try row(["position.latitude": .number(1)]).latitude == nil)
        #expect(try row(["position.longitude": .number(1)]).longitude == nil)
        let north = ("position.latitude", Value.number(1))
        let east = ("position.longitude", Value.number(2))
        #expect(try row([north.0: north.1, east.0: east.1, "position.valid": .boolean(false)]).latitude == nil)
        #expect(try row([north.0: north.1, east.0: east.1, "position.valid": .boolean(true)]).latitude == 1)
        #expect(try row([north.0: north.1, east.0: east.1, "position.valid": .null]).longitude == 2)
        #expect(try row([north.0: north.1, east.0: .number(.nan)]).latitude == nil)
        #expect(try row([north.0: north.1, east.0: .string("2")]).latitude == nil)
    }

    @Test("an alarm is a code or else an event; true is one without a name, false none")
    func alarms() throws {
        let cases: [(KeyValuePairs<String, Value>, String?)] = [
            (["alarm.event": .boolean(true)], "alarm"), (["alarm.event": .boolean(false)], nil),
            (["alarm.event": .string("tow")], "tow"), (["alarm.event": .number(3)], "3"), (["alarm.event": .null], nil),
            (["alarm.event": .string("")], nil), (["alarm.code": .string("x"), "alarm.event": .boolean(true)], "x"),
            (["alarm.code": .number(1.5)], "1.5"), (["alarm.code": .null, "alarm.event": .string("y")], "y"),
            (["alarm.name": .string("only a name")], nil),
        ]
        for (values, type) in cases {
            #expect(try row(values).alarmType == type, "\(values)")
        }
        let long = try row(["alarm.code": .string(String(repeating: "a", count: 10_000))])
        #expect(long.alarmType?.count == MessageRow.textCountMax)
    }

    @Test("ranks order messages of one time as merging them does")
    func ranks() throws {
        #expect(
            MessageRow.rank(of: 0) == .min && MessageRow.rank(of: .max) == .max && MessageRow.rank(of: 1 << 63) == 0)
        let messages: [KeyValuePairs<String, Value>] = (0..<50).map { ["position.speed": .number(Double($0))] }
        let batch = batch(messages)
        let rows = try rows(messages)
        #expect(rows.map(\.rank) == batch.hashes.map(MessageRow.rank))
        let byRank = rows.indices.sorted { rows[$0].rank < rows[$1].rank }
        let byHash = rows.indices.sorted { batch.hashes[$0] < batch.hashes[$1] }
        #expect(byRank == byHash)
    }

    @Test("a chunk of the archive gives the same rows as its batch, at position 0")
    func archived() throws {
        let messages: [KeyValuePairs<String, Value>] = (0..<9).map {
            ["position.speed": .number(Double($0)), "x": .string("y")]
        }
        let batch = batch(messages).sorted()
        let chunk = ArchivedChunk(
            first: Timestamp(microseconds: batch.timestamps[0]), last: Timestamp(microseconds: batch.timestamps[8]),
            count: 9, upTo: 3, bytes: MessageChunk.encode(batch))
        var wanted = try rows(messages)
        for index in wanted.indices { wanted[index].position = 0 }
        #expect(try MessageRowReader(parameters: parameters).rows(of: chunk, device: DeviceID(5)) == wanted)
    }

    @Test("bytes that are no batch are an error that names where they are")
    func damaged() throws {
        var bytes = MessageChunk.encode(batch([["position.speed": .number(1)]]))
        bytes[bytes.count / 2] ^= 0xFF
        let entry = LogEntry(position: 7, device: DeviceID(5), count: 1, bytes: bytes)
        let error = try thrown(StoreError.self) { _ = try MessageRowReader(parameters: parameters).rows(of: entry) }
        #expect("\(error)".contains("position 7 of device 5"))
    }
}
