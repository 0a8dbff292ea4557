import Foundation
import SeededRandom
import Telemetry

/// Made-up messages of a vehicle that drives and stands, each with a timestamp of its own.
struct Drives {
    /// Flat objects without an ident, by time.
    private(set) var messages: [String] = []

    private var generator: SeededGenerator
    private var time: Int64
    private var latitude = 48.85
    private var longitude = 2.35

    /// 2026-03-01T21:30:00Z: midnight is near, in Paris and in UTC.
    static let start: Int64 = 1_772_400_600

    init(seed: UInt64, count: Int, from start: Int64 = Self.start) {
        generator = SeededGenerator(seed: seed)
        time = start
        while messages.count < count {
            drive(Int.random(in: 5...40, using: &generator))
            stand(Int.random(in: 1...6, using: &generator))
        }
        messages.removeLast(messages.count - count)
    }

    private mutating func drive(_ count: Int) {
        for _ in 0..<count {
            let seconds = Int64.random(in: 5...40, using: &generator)
            let speed = Int.random(in: 8...90, using: &generator)
            time += seconds
            latitude += Double(speed) * Double(seconds) / 400_000 * Double.random(in: -0.4...1, using: &generator)
            longitude += Double(speed) * Double(seconds) / 300_000 * Double.random(in: -0.4...1, using: &generator)
            append(ignition: true, speed: speed)
        }
    }

    private mutating func stand(_ count: Int) {
        for index in 0..<count {
            time += index == 0 ? 10 : Int64.random(in: 60...900, using: &generator)
            append(ignition: false, speed: 0)
        }
    }

    private mutating func append(ignition: Bool, speed: Int) {
        let place = [latitude, longitude].map { JSONValue.number(($0 * 1e6).rounded() / 1e6).text }
        messages.append(
            #"{"timestamp":\#(time),"position.latitude":\#(place[0]),"position.longitude":\#(place[1]),"#
                + #""position.speed":\#(speed),"engine.ignition.status":\#(ignition)}"#)
    }

    /// A message with the ident of its device in front.
    static func named(_ message: String, _ ident: String) -> String { #"{"ident":"\#(ident)","# + message.dropFirst() }

    /// The timestamp of a message as it is written.
    static func timestamp(_ message: String) -> Int64? {
        guard let range = message.range(of: "\"timestamp\":") else { return nil }
        return Int64(message[range.upperBound...].prefix { $0.isNumber })
    }
}

/// The calculators that come with the project, changed for a test.
enum Shipped {
    static func calculator(_ name: String, _ changes: [String: JSONValue] = [:]) throws -> String {
        let path = "\(Program.root)/calculators/\(name).json"
        guard let bytes = FileManager.default.contents(atPath: path) else { throw Obstacle("\(path) is missing") }
        var definition = try JSONValue(parsing: bytes)
        for (key, value) in changes { definition[key] = value }
        return definition.text
    }

    /// The calculator of trips that is due at once.
    static func trips() throws -> String { try calculator("trips", ["update_interval": .number(0)]) }

    static func daily() throws -> String {
        try calculator("daily-mileage", ["update_interval": .number(0), "timezone": .string("Europe/Paris")])
    }
}
