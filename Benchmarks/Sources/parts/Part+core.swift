import Fleet
import MessageChunks
import Telemetry

extension Part {
    /// What is pure: chunks, selectors, counters, the whole replay.
    static func core() throws -> [Part] {
        let fleet = FleetColumns(devices: 3, days: 5)
        let input = try ReplayInput(fleet)
        let count = fleet.count
        var parts = chunks(input, count)
        for (name, definition) in calculators {
            let replay = try Replay(name, input, definition, isDecoding: false)
            parts.append(Part(name: "evaluate, \(name)", item: "message") { try replay.run().isSound(count) })
        }
        for (route, byDay) in [(false, false), (true, false), (false, true), (true, true)] {
            let replay = try Replay(input, route: route, byDay: byDay, isDecoding: true)
            parts.append(Part(name: "replay, \(replay.name)", item: "message") { try replay.run().isSound(count) })
        }
        return parts
    }

    private static func chunks(_ input: ReplayInput, _ count: Int) -> [Part] {
        let named = ["position.latitude", "position.longitude", "position.speed", "engine.ignition.status"]
        let parameters = named.compactMap { input.table.id(for: $0) }.sorted()
        return [
            Part(name: "chunk, write", item: "message") {
                for batch in input.days.joined() { _ = MessageChunk.encode(batch) }
                return count
            },
            Part(name: "chunk, read all columns", item: "message") {
                for chunk in input.chunks.joined() { _ = try chunk.batch() }
                return count
            },
            Part(name: "chunk, read four columns", item: "message") {
                for chunk in input.chunks.joined() { _ = try chunk.batch(parameters: parameters, hashes: false) }
                return count
            },
        ]
    }

    private static let calculators: [(name: String, definition: String)] = [
        ("one selector, no counter", one(nil)),
        (
            "an expression of ten steps",
            one(nil, "$position.speed * 3.6 + 2 > 30 && $position.valid && can.engine.rpm / 2 < 4000")
        ),
        ("mileage", one(#""expression":"mileage()","method":"summary""#)),
        ("maximum", one(#""expression":"position.speed","method":"maximum""#)),
        ("average", one(#""expression":"position.speed","method":"average""#)),
        ("duration", one(#""expression":"$position.speed<=3","method":"duration""#)),
        ("difference", one(#""expression":"can.fuel.volume","method":"difference""#)),
    ]

    private static func one(_ counter: String?, _ selector: String = "$engine.ignition.status || $position.speed>3")
        -> String
    {
        let counters = counter.map { #"{"type":"expression","name":"counter",\#($0)}"# } ?? ""
        return
            #"{"name":"one","selectors":[{"type":"expression","expression":"\#(selector)"}],"counters":[\#(counters)]}"#
    }
}

extension ReplayResult {
    /// The count, once it is clear that something came out.
    fileprivate func isSound(_ count: Int) throws(FleetError) -> Int {
        guard intervals > 0 else { throw FleetError(description: "no intervals came out") }
        return count
    }
}
