import Foundation
import SeededRandom

extension WholeGenerator {
    /// How far a device may come in a few messages, in kilometres.
    private var reach: Double { 6 * Double(min(stepSeconds, 60)) / 60 }

    /// Geofences around the origin, with borders that no coordinate of six decimals meets.
    mutating func geofences(_ count: Int, areAssigned: Bool) -> [JSONTree] {
        (1...count).map { index in
            let name = random.pick(["yard", "town", "gate", "south", "depot"]) + " \(areAssigned ? "" : "i")\(index)"
            var members = [member("name", .string(name))]
            if areAssigned { members.insert(member("id", .number(Double(index * 3))), at: 0) }
            if random.chance(65) { members.append(member("priority", .number(Double(random.pick([0, 1, 1, 5, 50]))))) }
            let geometry = geometry()
            // Inline ones may have their geometry in themselves.
            if areAssigned || random.chance(40) {
                members.append(member("geometry", .object(geometry)))
            } else {
                members += geometry
            }
            if random.chance(70) {
                let kind = random.pick(["load", "dump", "city"])
                members.append(member("metadata", .object([member("kind", .string(kind))])))
            }
            return .object(members)
        }
    }

    private mutating func geometry() -> [JSONTree.Member] {
        switch random.integer(0...9) {
        case 0..<5:
            let radius = reach * random.pick([0.05, 0.15, 0.5, 1, 2]) * random.number(0.7...1.3)
            return [
                member("type", .string("circle")), member("center", corner(place(within: 1.5))),
                member("radius", .number(rounded(radius, 1e8))),
            ]
        case 5..<8: return [member("type", .string("polygon")), member("path", polygon())]
        default:
            let width = reach * random.pick([0.1, 0.4, 1]) * random.number(0.7...1.3)
            let path = (0...random.integer(1...3)).map { _ in corner(place(within: 2)) }
            return [
                member("type", .string("corridor")), member("path", .array(path)),
                member("width", .number(rounded(width, 1e8))),
            ]
        }
    }

    /// A star around a center, so that its sides do not meet.
    private mutating func polygon() -> JSONTree {
        let center = place(within: 1.5)
        let count = random.integer(3...7)
        let size = random.pick([0.2, 0.6, 1.5])
        return .array(
            (0..<count).map { index in
                let angle = 2 * Double.pi * Double(index) / Double(count)
                let length = size * random.number(0.4...1)
                return corner(moved(center, east: length * cos(angle), north: length * sin(angle)))
            })
    }

    /// A place near the origin, in parts of the reach.
    private mutating func place(within parts: Double) -> Position {
        moved(origin, east: random.number(-parts...parts), north: random.number(-parts...parts))
    }

    private func moved(_ place: Position, east: Double, north: Double) -> Position {
        let degrees = reach / 111
        let shrink = cos(origin.latitude * Double.pi / 180)
        return Position(
            latitude: rounded(place.latitude + north * degrees, 1e8),
            longitude: rounded(place.longitude + east * degrees / shrink, 1e8))
    }

    private func corner(_ place: Position) -> JSONTree {
        .object([member("lat", .number(place.latitude)), member("lon", .number(place.longitude))])
    }

    func rounded(_ number: Double, _ scale: Double) -> Double { (number * scale).rounded() / scale }

    /// Takes the position out of messages whose leg only grazes a geofence of a crossing selector.
    func steerClear(of calculator: GeneratedCalculator, _ messages: inout [RefMessage]) {
        guard calculator.json.contains("\"crossing\""), let zone = TimeZone(identifier: calculator.timeZoneIdentifier)
        else { return }
        for _ in 0..<20 {
            guard
                let reference = try? Reference(
                    calculatorJSON: calculator.json, timeZone: zone, constants: Self.constants,
                    metadataJSON: Self.metadata, geofencesJSON: calculator.geofencesJSON)
            else { return }
            let doubtful = reference.doubtfulCrossings(in: messages)
            if doubtful.isEmpty { return }
            for index in messages.indices where doubtful.contains(messages[index].timestampMicroseconds) {
                messages[index].values["position.latitude"] = nil
                messages[index].values["position.longitude"] = nil
            }
        }
    }
}
