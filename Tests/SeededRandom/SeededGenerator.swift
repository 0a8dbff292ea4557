/// A random number generator (SplitMix64) whose whole sequence follows from its seed, on every machine: a failing test
/// prints the seed that repeats it.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

extension SeededGenerator {
    /// True with a probability from 0 to 1.
    public mutating func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &self) < probability }

    /// A number from 0 up to a bound.
    public mutating func below<Bound: FixedWidthInteger>(_ bound: Bound) -> Bound {
        Bound(truncatingIfNeeded: next() % UInt64(Swift.max(1, bound)))
    }

    public mutating func pick<Item>(_ items: [Item]) -> Item {
        items[Int.random(in: 0...items.count - 1, using: &self)]
    }
}
