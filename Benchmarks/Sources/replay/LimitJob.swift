import Fleet
import Limit

/// The same job by a program in C that can do nothing else.
struct LimitJob {
    private let fleet: FleetColumns
    private let latitude, longitude, speed, ignition, fuel: [Double]

    init(_ fleet: FleetColumns) {
        self.fleet = fleet
        latitude = fleet.values("position.latitude")
        longitude = fleet.values("position.longitude")
        speed = fleet.values("position.speed")
        ignition = fleet.values("engine.ignition.status")
        fuel = fleet.values("can.fuel.volume")
    }

    func run() -> ReplayResult {
        var result = LimitResult()
        var scratch = [Double](repeating: 0, count: fleet.count)
        for device in 0..<fleet.deviceCount { add(fleet.rows(of: device), &scratch, &result) }
        return ReplayResult(
            intervals: result.trips, messages: Double(result.messages), kilometres: result.kilometres,
            maximumSpeeds: result.maximumSpeeds)
    }

    private func add(_ rows: Range<Int>, _ scratch: inout [Double], _ result: inout LimitResult) {
        fleet.seconds[rows].withUnsafeBufferPointer { seconds in
            latitude[rows].withUnsafeBufferPointer { latitude in
                longitude[rows].withUnsafeBufferPointer { longitude in
                    speed[rows].withUnsafeBufferPointer { speed in
                        ignition[rows].withUnsafeBufferPointer { ignition in
                            fuel[rows].withUnsafeBufferPointer { fuel in
                                var columns = LimitColumns(
                                    seconds: seconds.baseAddress, latitude: latitude.baseAddress,
                                    longitude: longitude.baseAddress, speed: speed.baseAddress,
                                    ignition: ignition.baseAddress, fuel: fuel.baseAddress, count: rows.count)
                                limit_trips(&columns, &scratch, &result)
                            }
                        }
                    }
                }
            }
        }
    }
}
