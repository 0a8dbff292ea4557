import ReferenceEvaluator
import SeededRandom
import Telemetry
import Testing

@testable import CalcProcess

@Suite("What a batch has that is not known")
struct UnknownRowsTests {
    /// Random messages without parameters, sorted.
    private static func batch(_ count: Int, _ random: inout SeededGenerator) -> MessageBatch {
        let moments = (0..<count).map { _ in Int64.random(in: 0...6, using: &random) }
        let stamps = (0..<count).map { _ in Int64.random(in: 10...14, using: &random) }
        let hashes = (0..<count).map { _ in UInt64.random(in: 0...2, using: &random) }
        return MessageBatch(timestamps: moments, acceptances: stamps, hashes: hashes, columns: []).sorted()
    }

    @Test("a message is taken unless one alike is known that came no later", arguments: 0..<200)
    func slowWay(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let batch = Self.batch(Int.random(in: 0...8, using: &random), &random)
        let others = (0..<3).map { _ in Self.batch(Int.random(in: 0...20, using: &random), &random) }
        var unknown = UnknownRows(of: batch)
        for other in others { unknown.note(other) }
        func isKnown(_ row: Int, _ other: MessageBatch) -> Bool {
            other.timestamps.indices.contains { place in
                other.timestamps[place] == batch.timestamps[row] && other.hashes[place] == batch.hashes[row]
                    && other.acceptances[place] <= batch.acceptances[row]
            }
        }
        let expected = batch.timestamps.indices.filter { row in !others.contains { isKnown(row, $0) } }
        #expect(unknown.rows == expected, "seed \(seed)")
    }
}
