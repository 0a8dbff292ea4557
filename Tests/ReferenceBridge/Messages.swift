import ReferenceEvaluator
import Telemetry

extension MessageBatch {
    /// A case's messages as the log takes them.
    public init(_ messages: [RefMessage], _ table: ParameterTable) {
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
}
