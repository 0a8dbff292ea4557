import Telemetry

/// The checksum of a row: CRC-32C over its bytes, begun with a mix of its other fields, so that bytes that stand in
/// the wrong row are noticed too.
package struct RowChecksum {
    private var state: UInt64 = 0x9e37_79b9_7f4a_7c15

    package init() {}

    package init(_ key: AssignmentKey) {
        add(key.calculator.rawValue)
        add(key.device.rawValue)
    }

    package mutating func add(_ field: Int64) { state = mix64(state &+ UInt64(bitPattern: field)) &+ 1 }

    package mutating func add(_ moment: Timestamp) { add(moment.microseconds) }

    package mutating func add(_ text: String) {
        var text = text
        add(Int64(text.withUTF8 { crc32c(UnsafeRawBufferPointer($0)) }))
    }

    /// The checksum with these bytes, as a column holds it.
    package func value(_ bytes: UnsafeRawBufferPointer) -> Int64 {
        Int64(crc32c(bytes, seed: UInt32(truncatingIfNeeded: state)))
    }

    package func value(_ bytes: [UInt8]) -> Int64 { bytes.withUnsafeBytes(value) }

    /// The checksum of a row without bytes.
    package var valueWithoutBytes: Int64 { Int64(UInt32(truncatingIfNeeded: state)) }
}
