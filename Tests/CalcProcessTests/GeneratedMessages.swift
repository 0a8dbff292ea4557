import PrimaryStore
import ReferenceEvaluator
import Telemetry

extension MessageBatch {
    /// A case's messages as the log takes them.
    init(_ messages: [RefMessage], _ table: ParameterTable) {
        var builder = MessageBatchBuilder(table: table)
        for message in messages {
            for (name, value) in message.values.sorted(by: { $0.key < $1.key }) {
                if let parameter = table.id(for: name) { builder.set(parameter, Value(value)) }
            }
            builder.finishMessage(
                timestamp: Timestamp(microseconds: message.timestampMicroseconds),
                acceptance: Timestamp(microseconds: message.acceptanceMicroseconds))
        }
        self = builder.build()
    }

    /// The messages nearly in order, or not at all, in batches of random sizes, some of them twice.
    func shuffledBatches(_ random: inout SplitMix64) -> [MessageBatch] {
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

extension Value {
    init(_ value: RefValue) {
        self =
            switch value {
            case .null: .null
            case .boolean(let flag): .boolean(flag)
            case .number(let number): .number(number)
            case .string(let text): .string(text)
            case .json(let text): .json(text)
            }
    }
}
