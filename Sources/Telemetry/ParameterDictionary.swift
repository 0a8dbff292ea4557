/// The unified names of common parameters with their types and units, as flespi's dictionary has them.
///
/// A parameter that is not listed may hold anything. Source: the public flespi message parameter dictionary.
public enum ParameterDictionary {
    /// The type that a listed parameter's values must have.
    public enum ValueType: String, Sendable {
        case number, boolean, string, array

        /// Whether a value fits; null fits every type.
        public func accepts(_ value: Value) -> Bool {
            switch (self, value) {
            case (_, .null), (.number, .number), (.boolean, .boolean), (.string, .string): true
            case (.array, .json(let text)): text.hasPrefix("[")
            default: false
            }
        }
    }

    public struct Entry: Sendable {
        public var type: ValueType
        /// The unit, `–` where there is none.
        public var unit: String
    }

    /// The entries by name.
    public static let entries: [String: Entry] = Dictionary(
        uniqueKeysWithValues: rows.map { ($0.0, Entry(type: $0.1, unit: $0.2)) })

    private static let rows: [(String, ValueType, String)] = [
        ("ident", .string, "–"),
        ("timestamp", .number, "seconds"),
        ("timestamp.key", .number, "–"),
        ("server.timestamp", .number, "seconds"),
        ("device.id", .number, "–"),
        ("device.name", .string, "–"),
        ("device.type.id", .number, "–"),
        ("channel.id", .number, "–"),
        ("protocol.id", .number, "–"),
        ("peer", .string, "–"),
        ("position.latitude", .number, "degrees"),
        ("position.longitude", .number, "degrees"),
        ("position.altitude", .number, "meters"),
        ("position.speed", .number, "km/h"),
        ("position.direction", .number, "degrees"),
        ("position.satellites", .number, "–"),
        ("position.valid", .boolean, "–"),
        ("position.hdop", .number, "–"),
        ("position.pdop", .number, "–"),
        ("position.vdop", .number, "–"),
        ("position.accuracy", .number, "meters"),
        ("position.timestamp", .number, "seconds"),
        ("movement.status", .boolean, "–"),
        ("movement.event", .boolean, "–"),
        ("engine.ignition.status", .boolean, "–"),
        ("engine.rpm", .number, "rpm"),
        ("engine.motorhours", .number, "hours"),
        ("engine.blocked.status", .boolean, "–"),
        ("idle.status", .boolean, "–"),
        ("trip.status", .boolean, "–"),
        ("trip.mileage", .number, "km"),
        ("trip.duration", .number, "seconds"),
        ("vehicle.mileage", .number, "km"),
        ("segment.vehicle.mileage", .number, "km"),
        ("vehicle.vin", .string, "–"),
        ("vehicle.plate.number", .string, "–"),
        ("vehicle.state", .string, "–"),
        ("can.vehicle.mileage", .number, "km"),
        ("can.vehicle.speed", .number, "km/h"),
        ("can.engine.rpm", .number, "rpm"),
        ("can.engine.ignition.status", .boolean, "–"),
        ("can.engine.motorhours", .number, "hours"),
        ("can.engine.load.level", .number, "percentage"),
        ("can.engine.coolant.temperature", .number, "celsius"),
        ("can.fuel.level", .number, "percentage"),
        ("can.fuel.volume", .number, "liters"),
        ("can.fuel.consumed", .number, "liters"),
        ("can.fuel.consumption", .number, "liters/h"),
        ("can.fuel.economy", .number, "km/liters"),
        ("can.tracker.counted.fuel.consumed", .number, "liters"),
        ("can.total.engine.idle.time", .number, "hours"),
        ("can.vehicle.battery.level", .number, "percentage"),
        ("can.dtc", .array, "–"),
        ("can.dtc.number", .number, "–"),
        ("can.mil.status", .boolean, "–"),
        ("can.adblue.level", .number, "percentage"),
        ("can.axle.weight", .number, "kg"),
        ("can.throttle.pedal.level", .number, "percentage"),
        ("can.pedal.brake.status", .boolean, "–"),
        ("fuel.level", .number, "percentage"),
        ("fuel.volume", .number, "liters"),
        ("fuel.consumed", .number, "liters"),
        ("battery.level", .number, "percentage"),
        ("battery.voltage", .number, "volts"),
        ("battery.charging.status", .boolean, "–"),
        ("external.powersource.voltage", .number, "volts"),
        ("external.powersource.status", .boolean, "–"),
        ("power.cut.alarm", .boolean, "–"),
        ("gsm.signal.level", .number, "percentage"),
        ("gsm.signal.dbm", .number, "dbm"),
        ("gsm.mcc", .number, "–"),
        ("gsm.mnc", .number, "–"),
        ("gsm.cellid", .number, "–"),
        ("gsm.lac", .number, "–"),
        ("gsm.operator.code", .string, "–"),
        ("gsm.jamming.event", .boolean, "–"),
        ("gnss.status", .boolean, "–"),
        ("din", .number, "–"),
        ("dout", .number, "–"),
        ("ain", .number, "volts"),
        ("ibutton.code", .string, "–"),
        ("rfid.code", .string, "–"),
        ("driver.id", .string, "–"),
        ("tacho.driver.card.code", .string, "–"),
        ("ble.beacons", .array, "–"),
        ("ble.sensor.temperature", .number, "celsius"),
        ("sensor.temperature", .number, "celsius"),
        ("sensor.humidity", .number, "percentage"),
        ("onewire.sensor.temperature", .number, "celsius"),
        ("harsh.acceleration.event", .boolean, "–"),
        ("harsh.braking.event", .boolean, "–"),
        ("harsh.cornering.event", .boolean, "–"),
        ("overspeeding.event", .boolean, "–"),
        ("overspeeding.status", .boolean, "–"),
        ("crash.event", .boolean, "–"),
        ("towing.event", .boolean, "–"),
        ("sos.alarm", .boolean, "–"),
        ("vibration.alarm", .boolean, "–"),
        ("geofence.id", .number, "–"),
        ("geofence.status", .boolean, "–"),
        ("alarm.event", .boolean, "–"),
        ("alarm.code", .number, "–"),
        ("event.enum", .number, "–"),
        ("event.code", .string, "–"),
        ("event.seqnum", .number, "–"),
        ("report.reason", .number, "–"),
        ("report.code", .string, "–"),
        ("message.type", .string, "–"),
        ("message.buffered.status", .boolean, "–"),
        ("door.open.status", .boolean, "–"),
        ("absolute.acceleration", .number, "g"),
        ("x.acceleration", .number, "g"),
        ("y.acceleration", .number, "g"),
        ("z.acceleration", .number, "g"),
    ]
}
