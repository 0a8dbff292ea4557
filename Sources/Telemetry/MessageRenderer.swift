/// Writes messages as JSON objects: `timestamp`, `server.timestamp`, what stands for the device, then the parameters in
/// the order of their ids.
public struct MessageRenderer: Sendable {
    private let table: ParameterTable
    private let constants: [(name: String, value: Value)]
    private let fields: [String]?

    /// A renderer of all fields, or of the given ones in their order.
    public init(table: ParameterTable, constants: [(name: String, value: Value)] = [], fields: [String]? = nil) {
        self.table = table
        self.constants = constants
        self.fields = fields
    }

    /// One message as JSON text.
    public func text(_ batch: MessageBatch, row: Int) -> String {
        var writer = JSONWriter(capacity: 256)
        write(batch, row: row, to: &writer)
        return writer.text
    }

    /// Writes one message of a batch.
    public func write(_ batch: MessageBatch, row: Int, to writer: inout JSONWriter) {
        writer.write(literal: "{")
        if let fields {
            for name in fields { write(field: name, of: batch, row: row, to: &writer) }
        } else {
            writeAll(batch, row, &writer)
        }
        writer.write(literal: "}")
    }

    private func writeAll(_ batch: MessageBatch, _ row: Int, _ writer: inout JSONWriter) {
        writer.write(key: "timestamp")
        writer.write(Timestamp(microseconds: batch.timestamps[row]))
        writer.write(key: "server.timestamp")
        writer.write(Timestamp(microseconds: batch.acceptances[row]))
        for constant in constants {
            writer.write(key: constant.name)
            writer.write(constant.value)
        }
        for column in batch.columns {
            guard let value = column.values[row] else { continue }
            writer.write(key: table.name(column.parameter))
            writer.write(value)
        }
    }

    private func write(field: String, of batch: MessageBatch, row: Int, to writer: inout JSONWriter) {
        switch field {
        case "timestamp", "server.timestamp":
            writer.write(key: field)
            let moments = field == "timestamp" ? batch.timestamps : batch.acceptances
            writer.write(Timestamp(microseconds: moments[row]))
        default:
            let constant = constants.first { $0.name == field }?.value
            guard let value = constant ?? table.existing(field).flatMap({ batch.values($0)?[row] }) else { return }
            writer.write(key: field)
            writer.write(value)
        }
    }
}
