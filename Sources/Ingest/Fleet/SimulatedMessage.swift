import Telemetry

/// A message of a made-up vehicle.
package struct SimulatedMessage: Sendable, Equatable {
    package var timestamp: Timestamp
    /// When it arrives: later than its timestamp if the tracker had to keep it.
    package var arrival: Timestamp
    package var latitude = 0.0
    package var longitude = 0.0
    package var altitude = 0.0
    /// Kilometres per hour.
    package var speed = 0.0
    package var direction = 0.0
    package var satellites = 0.0
    package var hdop = 0.0
    package var isPositionValid = true
    package var isIgnitionOn = false
    package var isMoving = false
    package var mileage = 0.0
    package var fuelLevel = 0.0
    package var fuelVolume = 0.0
    package var powerVoltage = 0.0
    package var signalLevel = 0.0
    /// Nil while the engine's bus sleeps.
    package var engineSpeed: Double?
    package var coolantTemperature: Double?
    package var isHarshBraking = false

    init(timestamp: Timestamp) {
        self.timestamp = timestamp
        arrival = timestamp
    }

    package var isBuffered: Bool { arrival > timestamp }

    /// The parameters in the order in which they are written.
    func forEachParameter(_ body: (String, Value) -> Void) {
        body("position.latitude", .number(latitude))
        body("position.longitude", .number(longitude))
        body("position.altitude", .number(altitude))
        body("position.speed", .number(speed))
        body("position.direction", .number(direction))
        body("position.satellites", .number(satellites))
        body("position.hdop", .number(hdop))
        body("position.valid", .boolean(isPositionValid))
        body("engine.ignition.status", .boolean(isIgnitionOn))
        body("movement.status", .boolean(isMoving))
        body("vehicle.mileage", .number(mileage))
        body("can.fuel.level", .number(fuelLevel))
        body("can.fuel.volume", .number(fuelVolume))
        body("external.powersource.voltage", .number(powerVoltage))
        body("gsm.signal.level", .number(signalLevel))
        if let engineSpeed { body("can.engine.rpm", .number(engineSpeed)) }
        if let coolantTemperature { body("can.engine.coolant.temperature", .number(coolantTemperature)) }
        if isHarshBraking { body("harsh.braking.event", .boolean(true)) }
        if isBuffered { body("message.buffered.status", .boolean(true)) }
    }

    /// Writes the message as one line of JSON.
    package func write(ident: String, to writer: inout JSONWriter) {
        writer.write(literal: "{\"ident\":")
        writer.write(string: ident)
        writer.write(literal: ",\"timestamp\":")
        writer.write(timestamp)
        forEachParameter { name, value in
            writer.write(literal: ",\"")
            writer.write(raw: name.utf8)
            writer.write(literal: "\":")
            writer.write(value)
        }
        writer.write(literal: "}\n")
    }
}

extension MessageBatch {
    /// Messages of one vehicle as columns.
    package init(_ messages: [SimulatedMessage], table: ParameterTable, acceptance: Acceptance) {
        var assembler = MessageAssembler(table: table, limits: DecodingLimits(), acceptance: .history)
        for message in messages {
            assembler.begin(index: 0)
            assembler.set(timestamp: message.timestamp)
            message.forEachParameter { name, value in
                let key = assembler.key(name)
                switch value {
                case .number(let number): assembler.set(key, number: number)
                case .boolean(let flag): assembler.set(key, boolean: flag)
                default: break
                }
            }
            assembler.finish()
        }
        self = assembler.take().byIdent.first?.messages ?? MessageBatch()
        if case .now(let now) = acceptance {
            acceptances = [Int64](repeating: now.microseconds, count: count)
        }
    }
}
