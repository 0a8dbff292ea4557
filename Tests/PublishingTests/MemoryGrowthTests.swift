import Testing
import Threads

@Suite("When free memory goes back to the system")
struct MemoryGrowthTests {
    private static let megabyte = 1 << 20

    /// The looks, counted from 0, at which memory goes back when a process is seen to hold so many megabytes.
    private static func returns(_ held: [Int]) -> [Int] {
        var growth = MemoryGrowth()
        return held.indices.filter { growth.isDue(held: held[$0] * megabyte) }
    }

    @Test("a process that grows gives back once for each step")
    func growing() {
        #expect(Self.returns([40, 50, 60, 63]) == [])
        #expect(Self.returns([40, 50, 64, 70]) == [2])
        #expect(Self.returns([40, 64, 60, 70, 80, 84]) == [1, 5])
    }

    @Test("what is counted from is the least since it went back last")
    func least() {
        #expect(Self.returns([100, 50, 60, 74]) == [3])
        #expect(Self.returns([100, 50, 60, 70]) == [])
    }

    @Test("a process that has come to rest gives back what its last work has left")
    func rest() {
        #expect(Self.returns([40, 50, 50]) == [2])
        #expect(Self.returns([40, 43, 43, 43]) == [])
        #expect(Self.returns([40, 50, 50, 44, 44, 44]) == [2])
    }

    @Test("what is taken again after it was given back goes back once a minute, not at every rest")
    func sawtooth() {
        let held = [96] + (0..<40).flatMap { _ in [100, 100, 96] }
        #expect(Self.returns(held) == [2, 32, 62, 92])
    }

    @Test("nothing is given back at the first look")
    func first() { #expect(Self.returns([900]) == []) }
}
