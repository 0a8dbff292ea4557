import ReferenceEvaluator
import SeededRandom
import Telemetry

/// Makes the messages of a device: a vehicle that stands, drives, is silent; some moments have two payloads.
struct MessageMaker {
    /// The names of everything that messages hold, in an order that stays.
    static let names = [
        "engine.ignition.status", "position.speed", "position.latitude", "position.longitude", "din", "custom.code",
        "fuel.level", "driver.id",
    ]

    var step: Int
    /// Seconds that pass at times between two messages.
    var gap: Int

    /// Messages from a moment on, in order, without stamps of acceptance.
    func batch(_ count: Int, from start: Timestamp, _ table: ParameterTable, _ random: inout SeededGenerator)
        -> MessageBatch
    {
        let ids = Self.names.compactMap { table.id(for: $0) }
        var builder = MessageBatchBuilder(table: table)
        var moment = start.microseconds
        var isDriving = false
        var (latitude, fuel, code) = (48.85, 60.0, "north")
        for index in 0..<count {
            if random.among(6) { isDriving.toggle() }
            if random.among(8) { code = random.pick(["north", "south", "depot"]) }
            if isDriving { latitude += Double(random.below(9) - 4) / 1_000 }
            fuel = random.among(20) ? 60 : fuel - (isDriving ? 0.5 : 0)
            let speed = isDriving ? Double(random.below(90)) : 0
            let values: [Value] = [
                .boolean(isDriving), .number(speed), .number(latitude), .number(2.35),
                .number(Double(random.below(32))), .string(code), .number(fuel), .string("d\(index / 9)"),
            ]
            for (id, value) in zip(ids, values) where !random.among(12) { builder.set(id, value) }
            builder.finishMessage(timestamp: Timestamp(microseconds: moment), acceptance: .distantPast)
            if random.among(15) { continue }
            let seconds =
                random.among(12) ? gap + random.below(step) : random.pick([step, step, step / 2 + 1, step * 2])
            moment += Int64(seconds) * 1_000_000 + (random.among(5) ? Int64(random.below(999_999)) : 0)
        }
        return builder.build()
    }
}
