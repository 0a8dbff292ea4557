import Telemetry
import Testing

@testable import Ingest

@Suite struct FleetSimulatorTests {
    static let day = 86_400_000_000 as Int64
    /// Monday, 5 January 2026, 00:00 in Nairobi.
    static let monday = Timestamp(microseconds: 20_458 * day - 10_800_000_000)

    static func range(_ days: Range<Int>) -> TimeRange {
        TimeRange(
            lower: Timestamp(microseconds: monday.microseconds + Int64(days.lowerBound) * day),
            upper: Timestamp(microseconds: monday.microseconds + Int64(days.upperBound) * day))
    }

    /// Stretches of messages with the ignition on.
    static func trips(_ messages: [SimulatedMessage]) -> [[SimulatedMessage]] {
        var trips: [[SimulatedMessage]] = []
        var open: [SimulatedMessage] = []
        for message in messages.sorted(by: { $0.timestamp < $1.timestamp }) {
            if message.isIgnitionOn || !open.isEmpty { open.append(message) }
            if !message.isIgnitionOn, !open.isEmpty {
                trips.append(open)
                open = []
            }
        }
        return trips
    }

    static func kilometers(_ messages: [SimulatedMessage]) -> Double {
        zip(messages, messages.dropFirst()).reduce(0) { sum, pair in
            let north = (pair.1.latitude - pair.0.latitude) * 111.195
            let east = (pair.1.longitude - pair.0.longitude) * 111.195
            return sum + (north * north + east * east).squareRoot()
        }
    }

    @Test("the same seed gives the same messages, however the time is cut", arguments: [1, 2, 3] as [UInt64])
    func deterministic(seed: UInt64) {
        var random = SplitMix64(seed)
        let fleet = FleetSimulator(seed: seed, vehicleCount: 50)
        var whole = fleet.vehicle(17)
        let all = whole.messages(in: Self.range(0..<7))
        var parts: [SimulatedMessage] = []
        var vehicle = FleetSimulator(seed: seed, vehicleCount: 18).vehicle(17)
        var lower = Self.range(0..<7).lower
        while lower < Self.range(0..<7).upper {
            let next = min(lower.advanced(bySeconds: random.number(0.3, 9_000)), Self.range(0..<7).upper)
            parts += vehicle.messages(in: TimeRange(lower: lower, upper: next))
            lower = next
        }
        #expect(parts == all, "seed \(seed)")
        var another = FleetSimulator(seed: seed + 100, vehicleCount: 50).vehicle(17)
        #expect(another.messages(in: Self.range(0..<1)) != fleet.vehicle(17).messagesOnce(Self.range(0..<1)))
    }

    @Test("trips look like trips: 2 to 8 a day, 5 to 40 minutes, 20 to 110 km/h", arguments: 0..<12)
    func trips(index: Int) {
        var vehicle = FleetSimulator(seed: 42, vehicleCount: 12).vehicle(index)
        for day in 0..<14 {
            let messages = vehicle.messages(in: Self.range(day..<day + 1))
            let trips = Self.trips(messages)
            let isWeekend = day % 7 >= 5
            if isWeekend && trips.isEmpty { continue }
            #expect(2...8 ~= trips.count, "vehicle \(index), day \(day)")
            for trip in trips {
                guard let first = trip.first, let last = trip.last else { continue }
                let minutes = (last.timestamp.seconds - first.timestamp.seconds) / 60
                let distance = last.mileage - first.mileage
                #expect(5...50 ~= minutes, "vehicle \(index), day \(day): \(minutes) minutes")
                let fastest = trip.map(\.speed).max() ?? 0
                #expect(20...120 ~= fastest, "vehicle \(index), day \(day): \(fastest) km/h")
                #expect(15...90 ~= distance / minutes * 60, "vehicle \(index), day \(day): \(distance) km")
            }
        }
    }

    @Test("the way along the positions is the way on the odometer, and both go on over days", arguments: 0..<12)
    func mileage(index: Int) {
        var vehicle = FleetSimulator(seed: 5, vehicleCount: 12).vehicle(index)
        let messages = vehicle.messages(in: Self.range(0..<21)).sorted { $0.timestamp < $1.timestamp }
        let odometer = (messages.last?.mileage ?? 0) - (messages.first?.mileage ?? 0)
        let driven = Self.kilometers(messages)
        #expect(odometer > 300)
        #expect(abs(driven / odometer - 1) < 0.02, "vehicle \(index): \(driven) of \(odometer) km")
        for (before, after) in zip(messages, messages.dropFirst()) {
            #expect(after.mileage >= before.mileage - 0.001)
            let seconds = after.timestamp.seconds - before.timestamp.seconds
            #expect(after.mileage - before.mileage <= 0.034 * seconds + 0.01, "at \(after.timestamp.seconds)")
        }
    }

    @Test("parked vehicles report every five minutes, driving ones every ten seconds, with a few gaps and late ones")
    func rhythm() {
        let fleet = FleetSimulator(seed: 9, vehicleCount: 40)
        var late = 0
        var gaps = 0
        var harsh = 0
        var total = 0
        for index in 0..<40 {
            var vehicle = fleet.vehicle(index)
            let messages = vehicle.messages(in: Self.range(0..<7))
            #expect(zip(messages, messages.dropFirst()).allSatisfy { $0.arrival <= $1.arrival })
            #expect(Set(messages.map(\.timestamp)).count == messages.count)
            late += messages.count(where: \.isBuffered)
            harsh += messages.count(where: \.isHarshBraking)
            total += messages.count
            let sorted = messages.sorted { $0.timestamp < $1.timestamp }
            for (before, after) in zip(sorted, sorted.dropFirst()) {
                let seconds = after.timestamp.seconds - before.timestamp.seconds
                #expect(seconds <= 660, "vehicle \(index) at \(before.timestamp.seconds)")
                if before.isIgnitionOn, seconds > 10 { gaps += 1 }
            }
        }
        #expect(late > 0 && late * 20 < total)
        #expect(gaps > 0 && gaps < 200)
        #expect(harsh > 5)
    }

    @Test("fuel falls while driving and rises at stops; values stay in their ranges")
    func ranges() {
        var refuels = 0
        for index in 0..<10 {
            var vehicle = FleetSimulator(seed: 3, vehicleCount: 10).vehicle(index)
            let messages = vehicle.messages(in: Self.range(0..<42)).sorted { $0.timestamp < $1.timestamp }
            for (before, after) in zip(messages, messages.dropFirst()) {
                #expect(10...100 ~= after.fuelLevel && 0...360 ~= after.direction && 10...15 ~= after.powerVoltage)
                if after.fuelVolume > before.fuelVolume + 1 {
                    refuels += 1
                    #expect(!after.isIgnitionOn && after.speed == 0)
                }
            }
        }
        #expect(refuels >= 10)
    }

    @Test("rows and JSON lines say the same")
    func forms() throws {
        let table = ParameterTable()
        var vehicle = FleetSimulator(seed: 1, vehicleCount: 1).vehicle(0)
        let messages = vehicle.messages(in: Self.range(0..<1))
        var writer = JSONWriter()
        for message in messages { message.write(ident: vehicle.ident, to: &writer) }
        let decoded = try MessageDecoder(table: table).decode(writer.bytes, acceptance: .history)
        let batch = MessageBatch(messages, table: table, acceptance: .history)
        #expect(decoded.problems.isEmpty)
        #expect(decoded.byIdent.first?.ident == vehicle.ident)
        #expect(decoded.byIdent.first?.messages == batch)
        #expect(batch.columns.count >= 17)
    }
}

extension FleetVehicle {
    fileprivate func messagesOnce(_ range: TimeRange) -> [SimulatedMessage] {
        var copy = self
        return copy.messages(in: range)
    }
}
