import Expressions
import Telemetry
import Testing

@Suite("Outliers of mileage()")
struct MileageTests {
    /// The kilometres at each fix (seconds, degrees of latitude) with outliers above 200 km/h; nil is an error.
    private static func mileage(_ fixes: [(Double, Double)], outlierSpeed: Double = 200) throws -> [Double?] {
        let messages = fixes.map { time, latitude in
            JSONValue.object([
                .init("timestamp", .number(time)), .init("position.latitude", .number(latitude)),
                .init("position.longitude", .number(36)),
            ])
        }
        let trial = try Trial("mileage()", messages, outlierSpeed: outlierSpeed)
        let apart = try trial.resultsApart()
        #expect(apart == trial.results)
        return apart.map { if case .number(let number)? = $0 { number } else { nil } }
    }

    private static func leg(_ from: Double, _ to: Double) -> Double { Geodesy.distance(from, 36, to, 36) }

    @Test("a single outlier counts for nothing, and the way goes on from the position before it")
    func single() throws {
        let found = try Self.mileage([(0, 0), (10, 0.001), (20, 1), (30, 0.003)])
        #expect(found == [0, Self.leg(0, 0.001), nil, Self.leg(0.001, 0.003)])
    }

    @Test("a vehicle that was moved goes on from where it is: the jump does not count, the leg after it does")
    func relocation() throws {
        let found = try Self.mileage([(0, 0), (10, 1), (20, 1.001), (30, 1.002)])
        #expect(found == [0, nil, Self.leg(1, 1.001), Self.leg(1.001, 1.002)])
    }

    @Test("a wrong first position hides one message only")
    func wrongStart() throws {
        let found = try Self.mileage([(0, 50), (10, 0), (20, 0.001)])
        #expect(found == [0, nil, Self.leg(0, 0.001)])
    }

    @Test("outliers that do not agree with each other prove nothing")
    func scattered() throws {
        let found = try Self.mileage([(0, 0), (10, 1), (20, 2), (30, 0.003)])
        #expect(found == [0, nil, nil, Self.leg(0, 0.003)])
    }

    @Test("an outlier is forgotten once a position agrees with the one before it")
    func forgotten() throws {
        let found = try Self.mileage([(0, 0), (10, 1), (20, 0.001), (30, 1.0), (40, 0.002)])
        #expect(found == [0, nil, Self.leg(0, 0.001), nil, Self.leg(0.001, 0.002)])
    }

    @Test("a position repeated for a while and then caught up with is no outlier")
    func repetition() throws {
        // 2.2 km after a minute of one position: 133 km/h over the minute, 800 km/h over the last ten seconds.
        let standing = stride(from: 0.0, through: 50, by: 10).map { ($0, 0.0) }
        let found = try Self.mileage(standing + [(60, 0.02)])
        #expect(found == [0, 0, 0, 0, 0, 0, Self.leg(0, 0.02)])
        #expect(try Self.mileage([(50, 0), (60, 0.02)]) == [0, nil])
    }

    @Test("repetition excuses a minute at most")
    func longRepetition() throws {
        let standing = stride(from: 0.0, through: 600, by: 10).map { ($0, 0.0) }
        #expect(try Self.mileage(standing + [(610, 0.05)]).last == .some(nil))
        #expect(try Self.mileage([(0, 0), (610, 0.05)]).last == Self.leg(0, 0.05))
    }

    @Test("without an outlier speed every leg counts")
    func off() throws {
        let found = try Self.mileage([(0, 0), (10, 1), (20, 0)], outlierSpeed: 0)
        #expect(found == [0, Self.leg(0, 1), Self.leg(0, 1)])
    }

    @Test("two positions of one moment: the same one is fine, another one is an outlier")
    func sameMoment() throws {
        #expect(try Self.mileage([(0, 0), (0, 0)]) == [0, 0])
        #expect(try Self.mileage([(0, 0), (0, 0.001)]) == [0, nil])
    }
}
