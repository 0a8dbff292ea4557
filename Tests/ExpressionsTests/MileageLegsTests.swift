import Expressions
import SeededRandom
import Telemetry
import Testing

@Suite("Legs of a way")
struct MileageLegsTests {
    /// Messages of which some repeat a position, some have none or an invalid one, and some are far away.
    private static func messages(_ random: inout SeededGenerator) -> [JSONValue] {
        var (latitude, longitude) = (Double.random(in: -80...80, using: &random), 36.8)
        let isTidy = random.chance(0.3)
        return (0..<Int.random(in: 1...60, using: &random)).map { _ in
            let scale = random.chance(0.03) ? 10.0 : random.chance(0.2) ? 0 : 0.002
            latitude = min(90, max(-90, latitude + scale * Double.random(in: -1...1, using: &random)))
            longitude += scale * Double.random(in: -1...1, using: &random)
            var members = [
                JSONValue.Member("position.latitude", .number(latitude)),
                JSONValue.Member("position.longitude", .number(longitude)),
            ]
            if !isTidy, random.chance(0.1) { members.removeLast() }
            if !isTidy, random.chance(0.1) { members[0].value = .string("none") }
            if random.chance(0.5) {
                members.append(JSONValue.Member("position.valid", .boolean(random.chance(0.7))))
            } else if isTidy {
                members.append(JSONValue.Member("position.valid", .boolean(true)))
            }
            return .object(members)
        }
    }

    @Test("legs measured at once have the bits of mileage(), and leave the same memory", arguments: 0..<200)
    func sameAsProgram(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let trial = try Trial("mileage()", Self.messages(&random))
        let mileage = try #require(trial.program.mileage(trial.environment))
        var expected = ProgramMemory(for: trial.program)
        var found = expected
        var row = 0
        while row < trial.block.count {
            let rows = row..<Int.random(in: row + 1...trial.block.count, using: &random)
            let column = trial.program.evaluate(
                trial.block, rows: rows, memory: &expected, environment: trial.environment)
            let legs = MileageLegs(mileage, trial.block, rows)
            let all = [legs.advance(&found)].compactMap { $0 } + legs.kilometres
            let numbers = (0..<column.count).compactMap { column[$0] }
            #expect(numbers == all.map { .number($0) }, "seed \(seed), rows \(rows)")
            #expect(found == expected, "seed \(seed), rows \(rows)")
            row = rows.upperBound
        }
    }

    @Test("a program that is more than mileage(), outliers and the ellipsoid are not measured at once")
    func refused() throws {
        #expect(try Self.isMeasured(Trial("mileage()")))
        #expect(try !Self.isMeasured(Trial("mileage()*2")))
        #expect(try !Self.isMeasured(Trial("mileage()", outlierSpeed: 200)))
        #expect(try !Self.isMeasured(Trial("mileage()", formula: .geodesic)))
    }

    private static func isMeasured(_ trial: Trial) -> Bool { trial.program.mileage(trial.environment) != nil }
}
