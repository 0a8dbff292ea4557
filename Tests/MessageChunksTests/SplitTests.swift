import MessageChunks
import SeededRandom
import Telemetry
import Testing

@Suite struct SplitTests {
    static let day: Int64 = 86_400_000_000

    private func batch(_ timestamps: [Int64]) -> MessageBatch {
        MessageBatch(
            timestamps: timestamps, acceptances: timestamps, hashes: timestamps.indices.map { UInt64($0) },
            columns: [
                MessageColumn(
                    parameter: ParameterID(rawValue: 1), values: ValueColumn(numbers: timestamps.map { Double($0) }))
            ])
    }

    @Test("a chunk lies within one UTC day, before 1970 too")
    func days() {
        let times = [-Self.day - 1, -Self.day, -1, 0, 1, Self.day - 1, Self.day, 5 * Self.day]
        let parts = MessageChunk.split(batch(times)).map(\.timestamps)
        #expect(parts == [[-Self.day - 1], [-Self.day, -1], [0, 1, Self.day - 1], [Self.day], [5 * Self.day]])
    }

    @Test("a day of more than 4,096 messages is cut into equal chunks", arguments: [4096, 4097, 8192, 8193, 86_400])
    func counts(count: Int) {
        let whole = batch((0..<count).map { Int64($0) * 1_000_000 })
        let parts = MessageChunk.split(whole)
        #expect(parts.count == (count + 4095) / 4096)
        #expect(parts.allSatisfy { $0.count <= 4096 && $0.count >= count / parts.count - 1 })
        #expect(parts.dropFirst().reduce(parts[0]) { $0.concatenated($1) } == whole)
    }

    @Test("the messages of one timestamp stay in one chunk")
    func equalTimestamps() {
        var random = SeededGenerator(seed: 7)
        for round in 0..<20 {
            var times: [Int64] = []
            var now: Int64 = 0
            while times.count < 20_000 {
                let repeats = Int.random(in: 0...9, using: &random) == 0 ? Int.random(in: 1...3000, using: &random) : 1
                times += [Int64](repeating: now, count: repeats)
                now += Int64.random(in: 1...9_000_000, using: &random)
            }
            let parts = MessageChunk.split(batch(times))
            #expect(parts.allSatisfy { $0.count <= 4096 && !$0.isEmpty }, "round \(round)")
            #expect(parts.flatMap(\.timestamps) == times)
            for (left, right) in zip(parts, parts.dropFirst()) {
                #expect(left.timestamps.last ?? 0 < right.timestamps.first ?? 0)
            }
        }
    }

    @Test("a timestamp with more messages than a chunk holds has a chunk of its own")
    func crowd() {
        let times = [Int64](repeating: 5, count: 6000)
        #expect(MessageChunk.split(batch([1] + times + [9])).map(\.count) == [1, 6000, 1])
        #expect(MessageChunk.split(batch(times)).map(\.count) == [6000])
        #expect(MessageChunk.split(batch(times + [Self.day])).map(\.count) == [6000, 1])
        #expect(MessageChunk.split(MessageBatch()).isEmpty)
    }

    @Test("a parameter without a value in a chunk has no column in it")
    func columns() {
        var whole = batch([0, Self.day])
        let values = ValueColumn([.number(1), nil])
        whole.columns.append(MessageColumn(parameter: ParameterID(rawValue: 2), values: values))
        #expect(MessageChunk.split(whole).map(\.columns.count) == [2, 1])
    }
}
