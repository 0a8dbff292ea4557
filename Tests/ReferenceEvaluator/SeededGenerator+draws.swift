import SeededRandom

extension SeededGenerator {
    mutating func integer(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    mutating func number(_ range: ClosedRange<Double>) -> Double { Double.random(in: range, using: &self) }

    mutating func chance(_ percent: Int) -> Bool { integer(0...99) < percent }
}
