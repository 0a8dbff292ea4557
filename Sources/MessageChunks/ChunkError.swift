import Telemetry

/// Why bytes are not a chunk that can be read.
public enum ChunkError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes do not begin as a chunk does.
    case notAChunk
    /// A newer program wrote the chunk.
    case unsupportedVersion(UInt8)
    /// The bytes are not those that were written.
    case checksumMismatch(stored: UInt32, computed: UInt32)
    /// A column is compressed in a way that this version cannot undo.
    case unsupportedCodec(UInt8, parameter: ParameterID)
    /// The checksum holds, but the contents contradict themselves.
    case malformed(String)

    public var description: String {
        switch self {
        case .notAChunk: "not a chunk of messages"
        case .unsupportedVersion(let version):
            "chunk of version \(version): versions up to \(ChunkFormat.version) can be read, a newer odograph is needed"
        case .checksumMismatch(let stored, let computed):
            "damaged chunk: checksum \(hexadecimal(computed)), stored \(hexadecimal(stored))"
        case .unsupportedCodec(let codec, let parameter):
            "chunk with codec \(codec) in the column of parameter \(parameter.rawValue): not one of this version"
        case .malformed(let reason): "malformed chunk: \(reason)"
        }
    }

    private func hexadecimal(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
    }
}
