import PrimaryStore
import ReferenceEvaluator
import SeededRandom
import Telemetry

extension MessageBatch {
    /// The messages nearly in order, or not at all, in batches of random sizes, some of them twice.
    func shuffledBatches(_ random: inout SeededGenerator) -> [MessageBatch] {
        let reach = random.pick([1, 5, 50, 1_000])
        var order = (0..<count).map { ($0, $0 + Int.random(in: 0..<reach, using: &random)) }
        order.sort { ($0.1, $0.0) < ($1.1, $1.0) }
        var rows = order.map(\.0)
        for _ in 0..<rows.count / 10 {
            rows.insert(rows.randomElement(using: &random) ?? 0, at: Int.random(in: 0...rows.count, using: &random))
        }
        var batches: [MessageBatch] = []
        while !rows.isEmpty {
            let size = Swift.min(rows.count, random.pick([1, 2, 7, 40, 200]))
            batches.append(gather(Array(rows.prefix(size))))
            rows.removeFirst(size)
        }
        return batches
    }
}
