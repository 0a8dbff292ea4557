/// The values of one statement in their binary form, as libpq takes them; it is used again for the next statement.
final class ParameterList {
    private let buffer = PostgresBuffer()
    private var ends: [Int] = []
    private(set) var types: [UInt32] = []
    private var formats: [Int32] = []
    private var lengths: [Int32] = []
    private var pointers: [UnsafePointer<CChar>?] = []

    var count: Int { types.count }

    func set(_ values: [any PostgresParameter]) throws(PostgresError) {
        guard values.count <= PostgresConnection.parametersMax else {
            throw PostgresError(.client, "\(values.count) values, over \(PostgresConnection.parametersMax)")
        }
        removeAll()
        for value in values { try add(value) }
    }

    private func removeAll() {
        buffer.removeAll()
        ends.removeAll(keepingCapacity: true)
        types.removeAll(keepingCapacity: true)
        formats.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
    }

    private func add<Value: PostgresParameter>(_ value: Value) throws(PostgresError) {
        types.append(Value.postgresType.oid)
        formats.append(Value.postgresFormat)
        if value.isNull {
            lengths.append(-1)
        } else {
            let place = buffer.count
            try value.encode(into: buffer)
            guard buffer.count - place <= Int(Int32.max) else { throw PostgresError(.client, "a value is too large") }
            lengths.append(Int32(buffer.count - place))
            // What is sent as text ends with a NUL.
            if Value.postgresFormat == 0 { buffer.append(UInt8(0)) }
        }
        ends.append(buffer.count)
    }

    /// Lends the pointers, lengths and formats. An empty value has a pointer too, since none means null.
    func withPointers<Result>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> Result
    ) -> Result {
        pointers.removeAll(keepingCapacity: true)
        let start = UnsafePointer(buffer.start.assumingMemoryBound(to: CChar.self))
        for index in types.indices {
            pointers.append(lengths[index] < 0 ? nil : start + (index == 0 ? 0 : ends[index - 1]))
        }
        return pointers.withUnsafeBufferPointer { pointers in
            lengths.withUnsafeBufferPointer { lengths in
                formats.withUnsafeBufferPointer { formats in
                    body(pointers.baseAddress, lengths.baseAddress, formats.baseAddress)
                }
            }
        }
    }
}
