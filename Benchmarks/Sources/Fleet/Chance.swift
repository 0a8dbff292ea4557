import Telemetry

/// Random numbers of a made-up vehicle, the same for the same seed.
public struct Chance: Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = mix64(seed) }

    public mutating func uniform(_ low: Double, _ high: Double) -> Double {
        state &+= 0x9e37_79b9_7f4a_7c15
        return low + (high - low) * Double(mix64(state) >> 11) / Double(1 << 53)
    }
}
