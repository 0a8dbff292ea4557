import MessageChunks
import PrimaryStore
import Telemetry

/// Makes rows of the messages in log batches and archived chunks; of their columns only those that a report needs are
/// decoded.
package struct MessageRowReader: Sendable {
    private let parameters: ParameterTable

    /// The table that the ids in chunks and batches are of.
    package init(parameters: ParameterTable) { self.parameters = parameters }

    /// The messages of a batch of the log, as they came.
    package func rows(of entry: LogEntry) throws(StoreError) -> [MessageRow] {
        try rows(
            entry.bytes, entry.device, position: entry.position,
            place: "log batch at position \(entry.position) of device \(entry.device)")
    }

    /// The messages of a chunk of the archive.
    package func rows(of chunk: ArchivedChunk, device: DeviceID) throws(StoreError) -> [MessageRow] {
        try rows(chunk.bytes, device, position: 0, place: "chunk of device \(device) at \(chunk.first.seconds)")
    }

    private func rows(
        _ bytes: [UInt8], _ device: DeviceID, position: Int64, place: @autoclosure () -> String
    ) throws(StoreError) -> [MessageRow] {
        let names = ReportParameters(parameters)
        do throws(ChunkError) {
            let batch = try MessageChunk(bytes).batch(parameters: names.all, hashes: true)
            return ReportColumns(batch, names).rows(device, position)
        } catch {
            throw .corrupt("\(place()): \(error)")
        }
    }
}

/// The ids of the parameters that are read; nil for one that no message ever had.
private struct ReportParameters {
    private let table: ParameterTable
    private(set) var all: [ParameterID] = []

    private static let names = [
        "position.latitude", "position.longitude", "position.valid", "position.speed", "position.direction",
        "position.altitude", "position.satellites", "position.hdop", "position.type", "position.address",
        "engine.ignition.status", "can.vehicle.mileage", "vehicle.mileage", "message.buffered.status",
        "gsm.signal.level", "battery.level", "battery.voltage", "external.powersource.voltage", "sensor.temperature",
        "temperature", "can.fuel.volume", "fuel.volume", "alarm.event", "alarm.code", "alarm.name", "alarm.severity",
    ]

    init(_ table: ParameterTable) {
        self.table = table
        all = Self.names.compactMap { table.existing($0) }
    }

    func id(_ name: String) -> ParameterID? { table.existing(name) }
}

/// The columns of a batch by what they mean.
private struct ReportColumns {
    private let batch: MessageBatch
    private let latitude, longitude, isValid, speed, direction, altitude, satellites, hdop: ValueColumn?
    private let positionType, address, ignition, buffered: ValueColumn?
    private let canMileage, mileage, gsmSignal, batteryPercent, batteryVoltage, powerVoltage: ValueColumn?
    private let sensorTemperature, temperature, canFuel, fuel: ValueColumn?
    private let alarmEvent, alarmCode, alarmName, alarmSeverity: ValueColumn?

    init(_ batch: MessageBatch, _ names: ReportParameters) {
        func column(_ name: String) -> ValueColumn? { names.id(name).flatMap(batch.values) }
        self.batch = batch
        latitude = column("position.latitude")
        longitude = column("position.longitude")
        isValid = column("position.valid")
        speed = column("position.speed")
        direction = column("position.direction")
        altitude = column("position.altitude")
        satellites = column("position.satellites")
        hdop = column("position.hdop")
        positionType = column("position.type")
        address = column("position.address")
        ignition = column("engine.ignition.status")
        buffered = column("message.buffered.status")
        canMileage = column("can.vehicle.mileage")
        mileage = column("vehicle.mileage")
        gsmSignal = column("gsm.signal.level")
        batteryPercent = column("battery.level")
        batteryVoltage = column("battery.voltage")
        powerVoltage = column("external.powersource.voltage")
        sensorTemperature = column("sensor.temperature")
        temperature = column("temperature")
        canFuel = column("can.fuel.volume")
        fuel = column("fuel.volume")
        alarmEvent = column("alarm.event")
        alarmCode = column("alarm.code")
        alarmName = column("alarm.name")
        alarmSeverity = column("alarm.severity")
    }

    func rows(_ device: DeviceID, _ position: Int64) -> [MessageRow] {
        (0..<batch.count).map { index in
            var row = MessageRow(
                position: position, number: Int32(truncatingIfNeeded: index), device: device,
                timestamp: Timestamp(microseconds: batch.timestamps[index]),
                acceptance: Timestamp(microseconds: batch.acceptances[index]), hash: batch.hashes[index])
            readPosition(&row, index)
            readState(&row, index)
            readAlarm(&row, index)
            return row
        }
    }

    private func readPosition(_ row: inout MessageRow, _ index: Int) {
        if isValid?.flag(index) != false, let north = latitude?.finite(index), let east = longitude?.finite(index) {
            (row.latitude, row.longitude) = (north, east)
        }
        row.speed = speed?.finite(index)
        row.direction = direction?.finite(index)
        row.altitude = altitude?.finite(index)
        row.satellites = satellites?.finite(index)
        row.hdop = hdop?.finite(index)
        row.positionType = positionType?.text(index)
        row.address = address?.text(index)
    }

    private func readState(_ row: inout MessageRow, _ index: Int) {
        row.ignition = ignition?.flag(index)
        row.isBuffered = buffered?.flag(index) == true
        row.mileage = canMileage?.finite(index) ?? mileage?.finite(index)
        row.gsmSignal = gsmSignal?.finite(index)
        row.batteryPercent = batteryPercent?.finite(index)
        row.batteryVoltage = batteryVoltage?.finite(index)
        row.powerVoltage = powerVoltage?.finite(index)
        row.temperature = sensorTemperature?.finite(index) ?? temperature?.finite(index)
        row.fuel = canFuel?.finite(index) ?? fuel?.finite(index)
    }

    private func readAlarm(_ row: inout MessageRow, _ index: Int) {
        guard let type = alarmCode?.text(index) ?? alarmEvent?.eventName(index) else { return }
        row.alarmType = type
        row.alarmName = alarmName?.text(index)
        row.alarmSeverity = alarmSeverity?.text(index)
    }
}

extension ValueColumn {
    /// A number in a row that is one.
    fileprivate func finite(_ row: Int) -> Double? {
        guard kind(row) == .number, numbers[row].isFinite else { return nil }
        return numbers[row]
    }

    /// A boolean, or a number that is not 0.
    fileprivate func flag(_ row: Int) -> Bool? {
        switch kind(row) {
        case .boolean, .number: numbers[row] != 0
        default: nil
        }
    }

    /// Any value but null as a text, as JSON would write it; none where it is empty.
    fileprivate func text(_ row: Int) -> String? {
        let text: String? =
            switch self[row] {
            case .string(let text), .json(let text): text
            case .number(let number): Value.number(number).jsonText
            case .boolean(let flag): flag ? "true" : "false"
            case .null, nil: nil
            }
        guard let text, !text.isEmpty else { return nil }
        return text.utf8.count <= MessageRow.textCountMax
            ? text : String(text.unicodeScalars.prefix(MessageRow.textCountMax))
    }

    /// What kind of alarm a message tells of: false is none, true one without a name.
    fileprivate func eventName(_ row: Int) -> String? {
        guard kind(row) == .boolean else { return text(row) }
        return numbers[row] != 0 ? "alarm" : nil
    }
}

extension Value {
    fileprivate var jsonText: String {
        var writer = JSONWriter(capacity: 32)
        writer.write(self)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
