import Counting
import Fleet
import Glibc

/// Measures the parts of the engine one by one, each on a small input that is always the same.
///
/// Under callgrind each part runs twice and the second run is counted, to be held against thresholds.
@main
struct PartsBenchmark {
    static func main() {
        do {
            let options = try PartsOptions(Array(CommandLine.arguments.dropFirst()))
            let measures = Measures()
            // The pipeline has threads of its own: it is made when all that is pure has been measured.
            for make in [Part.core, { try Part.pipeline(in: options.folder) }] {
                for part in try make() where options.only.isEmpty || part.name.contains(options.only) {
                    counting_is_on() != 0 ? try count(part) : try measure(part, options.rounds, measures)
                }
            }
            if let path = options.out { try measures.write(to: path) }
        } catch {
            print(error)
            exit(2)
        }
    }

    private static func measure(_ part: Part, _ rounds: Int, _ measures: Measures) throws {
        var nanoseconds: [Double] = []
        for _ in 0..<rounds {
            let start = CPUClock.process
            let count = try part.run()
            nanoseconds.append((CPUClock.process - start) * 1e9 / Double(count))
        }
        measures.add(part.name, "ns a \(part.item)", nanoseconds)
    }

    /// The first run fills what is filled once; the second is counted.
    private static func count(_ part: Part) throws {
        _ = try part.run()
        counting_begin()
        let items = try part.run()
        counting_end("\(items) \(part.item) \(part.name)")
    }
}

/// One thing that is measured.
struct Part {
    var name: String
    /// What its cost is told for one of.
    var item: String
    /// Does it once; gives the number of items.
    var run: () throws -> Int
}

/// What the command line asks for.
struct PartsOptions {
    static let usage = "usage: parts --folder SCRATCH [--only TEXT] [--rounds N] [--out FILE]"

    var folder = ""
    var only = ""
    var rounds = 7
    var out: String?

    init(_ arguments: [String]) throws(FleetError) {
        var rest = arguments[...]
        while let flag = rest.popFirst() {
            guard let value = rest.popFirst() else { throw FleetError(description: Self.usage) }
            switch flag {
            case "--folder": folder = value
            case "--only": only = value
            case "--rounds": rounds = max(1, Int(value) ?? rounds)
            case "--out": out = value
            default: throw FleetError(description: Self.usage)
            }
        }
        guard !folder.isEmpty else { throw FleetError(description: Self.usage) }
    }
}
