import Fleet
import Glibc
import MessageChunks
import Telemetry

/// Measures how large chunks are, and what writing and reading them costs, in each of their forms.
@main
struct ChunkBenchmark {
    static func main() {
        do {
            try run()
        } catch {
            print(error)
            exit(1)
        }
    }

    private static func run() throws {
        let fleet = FleetColumns(devices: 10, days: 30)
        let table = ParameterTable()
        let days = (0..<fleet.deviceCount).flatMap { device in
            fleet.days(of: device).map { fleet.batch($0, table: table) }.flatMap { MessageChunk.split($0) }
        }
        print(fleet.count, "messages in", days.count, "chunks")
        let forms = ChunkForm.all(table)
        let named = [
            "position.latitude", "position.longitude", "position.speed", "position.valid",
            "engine.ignition.status", "can.fuel.volume",
        ].compactMap { table.existing($0) }
        for form in forms { try form.measure(days, named: named, count: fleet.count) }
        printColumns(days, table, forms, fleet.count)
    }

    /// What each column takes, as what a chunk without it takes less.
    private static func printColumns(
        _ days: [MessageBatch], _ table: ParameterTable, _ forms: [ChunkForm], _ count: Int
    ) {
        for index in FleetColumns.parameters.indices {
            var sizes: [String] = []
            for form in forms {
                var size = 0
                for day in days {
                    var without = day
                    without.columns.remove(at: index)
                    without.hashes = [UInt64](repeating: 0, count: day.count)
                    var with = day
                    with.hashes = without.hashes
                    size += form.encode(with).count - form.encode(without).count
                }
                sizes.append((Double(size) / Double(count)).text(3))
            }
            let name = days.first.map { table.name($0.columns[index].parameter) } ?? ""
            print(name, sizes.joined(separator: " "))
        }
    }
}

/// A way to encode a chunk.
struct ChunkForm {
    var name: String
    var encode: (MessageBatch) -> [UInt8]

    static func all(_ table: ParameterTable) -> [ChunkForm] {
        [
            ChunkForm(name: "with hashes") { MessageChunk.encode($0) },
            ChunkForm(name: "sealed") { MessageChunk.encodeSealed($0, names: table) },
            ChunkForm(name: "cold") { MessageChunk.encodeSealed($0, names: table, isCold: true) },
        ]
    }

    func measure(_ days: [MessageBatch], named: [ParameterID], count: Int) throws {
        var encoded: [MessageChunk] = []
        let writing = time(count) { encoded = days.compactMap { try? MessageChunk(encode($0)) } }
        let size = encoded.reduce(0) { $0 + $1.bytes.count }
        let opening = time(count) { for chunk in encoded { _ = try? MessageChunk(chunk.bytes) } }
        let some = time(count) { for chunk in encoded { _ = try? chunk.batch(parameters: named, hashes: false) } }
        let all = time(count) {
            for chunk in encoded { _ = try? chunk.batch(parameters: chunk.parameters, hashes: false) }
        }
        let whole = time(count) { for chunk in encoded { _ = try? chunk.batch() } }
        for (chunk, day) in zip(encoded, days) {
            guard try chunk.batch() == day else { throw FleetError(description: "a chunk is not what was encoded") }
        }
        print(
            name, "–", (Double(size) / Double(count)).text(2), "bytes a message; ns a message: writing",
            writing.text(1) + ", checksum and header", opening.text(1) + ", 6 columns", some.text(1) + ", all",
            all.text(1) + ", all with hashes", whole.text(1))
    }

    /// The least of some rounds, nanoseconds a message.
    private func time(_ count: Int, _ body: () -> Void) -> Double {
        (0..<7).map { _ in
            let start = CPUClock.process
            body()
            return (CPUClock.process - start) / Double(count) * 1e9
        }.min() ?? 0
    }
}
