import Telemetry

/// A small random number generator whose whole sequence follows from its seed, on every machine and for ever.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    /// A generator for one purpose among many that share a seed.
    init(_ seed: UInt64, _ purpose: UInt64, _ index: UInt64 = 0) {
        state = mix64(seed &+ mix64(purpose &+ mix64(index &+ 0x9e37_79b9_7f4a_7c15)))
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }

    /// A number from 0 up to 1.
    mutating func fraction() -> Double { Double(next() >> 11) / 9_007_199_254_740_992 }

    mutating func number(_ low: Double, _ high: Double) -> Double { low + (high - low) * fraction() }

    mutating func integer(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.count))
    }

    mutating func happens(_ probability: Double) -> Bool { fraction() < probability }
}
