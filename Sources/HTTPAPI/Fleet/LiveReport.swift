import Publishing
import Telemetry

/// A vehicle that has been heard of.
struct LiveVehicle {
    let labels: VehicleLabels
    let driver: String
    let position: LivePosition
    let contact: Timestamp

    var isIgnitionOn: Bool? { position.ignition?.value }

    /// When it was last heard of.
    private var last: Timestamp { max(contact, position.fix?.moment ?? contact) }

    func isOnline(at now: Timestamp, _ options: FleetOptions) -> Bool {
        now.microseconds - last.microseconds <= Int64(options.contactSecondsMax * 1e6)
    }

    /// The first of these that holds: no fix, offline, moving, idle; else parked.
    func state(at now: Timestamp, _ options: FleetOptions) -> LiveState {
        guard let fix = position.fix else { return .nofix }
        if !isOnline(at: now, options) { return .offline }
        let isRecent = now.microseconds - fix.moment.microseconds <= Int64(options.movingSecondsMax * 1e6)
        if let speed = fix.speed, speed >= options.movingSpeedMin, isRecent { return .moving }
        return isIgnitionOn == true ? .idle : .parked
    }
}

enum LiveState: String, CaseIterable { case moving, idle, parked, offline, nofix }

/// Gathers vehicles and writes the answer.
struct LiveReport {
    private let moment: Timestamp
    private let options: FleetOptions
    private var vehicles: [LiveVehicle] = []
    private var counts: [LiveState: Int64] = [:]
    private var ignitionCount: Int64 = 0
    private var newest: Timestamp?

    init(moment: Timestamp, options: FleetOptions) {
        self.moment = moment
        self.options = options
    }

    mutating func add(_ vehicle: LiveVehicle) {
        vehicles.append(vehicle)
        counts[vehicle.state(at: moment, options), default: 0] += 1
        if vehicle.isIgnitionOn == true { ignitionCount += 1 }
        if let fix = vehicle.position.fix { newest = max(newest ?? fix.moment, fix.moment) }
    }

    func json(costCentres: Set<String>) -> [UInt8] {
        var writer = JSONWriter(capacity: 512 + 700 * vehicles.count)
        writer.write(literal: "{\"summary\":{\"total\":")
        writer.write(integer: Int64(vehicles.count))
        for state in LiveState.allCases {
            writer.write(key: state.rawValue)
            writer.write(integer: counts[state] ?? 0)
        }
        writer.write(literal: ",\"acc_on\":")
        writer.write(integer: ignitionCount)
        writer.write(literal: ",\"newest_fix\":")
        writer.write(report: newest)
        writer.write(literal: ",\"generated_at\":")
        writer.write(report: moment)
        writer.write(literal: ",\"cost_centres\":[")
        for name in costCentres.sorted(by: { $0.comesBefore($1) }) {
            writer.separate()
            writer.write(string: name)
        }
        writer.write(literal: "]},\"geojson\":{\"type\":\"FeatureCollection\",\"features\":[")
        for vehicle in vehicles.sorted(by: Self.isInOrder) {
            writer.separate()
            write(vehicle, to: &writer)
        }
        writer.write(literal: "]}}")
        return writer.bytes
    }

    private static func isInOrder(_ left: LiveVehicle, _ right: LiveVehicle) -> Bool {
        if left.labels.number.comesBefore(right.labels.number) { return true }
        if right.labels.number.comesBefore(left.labels.number) { return false }
        return left.labels.imei.comesBefore(right.labels.imei)
    }

    private func write(_ vehicle: LiveVehicle, to writer: inout JSONWriter) {
        let fix = vehicle.position.fix
        writer.write(literal: "{\"type\":\"Feature\",\"id\":")
        writer.write(string: vehicle.labels.imei)
        writer.write(literal: ",\"geometry\":")
        if let place = fix?.place {
            writer.write(literal: "{\"type\":\"Point\",\"coordinates\":[")
            writer.write(number: place.longitude)
            writer.write(literal: ",")
            writer.write(number: place.latitude)
            writer.write(literal: "]}")
        } else {
            writer.write(literal: "null")
        }
        writer.write(literal: ",\"properties\":{")
        vehicle.labels.write(driver: vehicle.driver, to: &writer)
        writer.write(literal: ",\"icon\":")
        writer.write(report: vehicle.labels.icon)
        writeMotion(of: vehicle, fix, to: &writer)
        writer.write(literal: ",\"gps_time\":")
        writer.write(report: fix?.moment)
        writer.write(literal: ",\"hb_time\":")
        writer.write(report: vehicle.contact)
        writer.write(literal: ",\"fix_age_s\":")
        writer.write(report: fix.map { ReportSeconds.between($0.moment, moment) })
        writer.write(literal: "}}")
    }

    private func writeMotion(of vehicle: LiveVehicle, _ fix: LivePosition.Fix?, to writer: inout JSONWriter) {
        writer.write(literal: ",\"speed_kmh\":")
        writer.write(report: fix?.speed)
        writer.write(literal: ",\"direction\":")
        writer.write(report: fix?.direction)
        writer.write(literal: ",\"acc_status\":")
        writer.write(report: vehicle.isIgnitionOn.map { $0 ? Int64(1) : 0 })
        writer.write(literal: ",\"online\":")
        writer.write(integer: vehicle.isOnline(at: moment, options) ? 1 : 0)
        writer.write(literal: ",\"state\":")
        writer.write(string: vehicle.state(at: moment, options).rawValue)
        writer.write(literal: ",\"pos_type\":")
        writer.write(report: fix?.kind)
        writer.write(literal: ",\"satellites\":")
        writer.write(report: fix?.satellites)
        writer.write(literal: ",\"mileage_km\":")
        writer.write(report: vehicle.position.mileage?.value)
        writer.write(literal: ",\"address\":")
        writer.write(report: vehicle.position.address?.value)
    }
}
