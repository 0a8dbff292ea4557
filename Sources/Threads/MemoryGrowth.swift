/// Decides when free memory goes back to the system.
///
/// The allocator keeps what was freed between what is still in use. After a change of many devices that is a third of
/// the memory of the process.
package struct MemoryGrowth {
    /// Bytes that may come to be held before free ones go back, so that memory that really grows is gone through once
    /// for each step that it grows by.
    static let step = 24 << 20
    /// The same where the process does not grow any more: what its last work has left behind.
    static let stepAtRest = 4 << 20
    /// A process that holds so many bytes more or less than at the last look is at rest.
    private static let restBytes = 1 << 20
    /// Looks from one time to the next at rest: what is given back and taken again would go to and fro for ever.
    static let restLooks = 30

    /// What was held when free memory had gone back, or less since.
    private var least: Int?
    private var last = 0
    /// Looks since free memory went back.
    private var looks = MemoryGrowth.restLooks

    package init() {}

    /// Whether free memory is to go back now; then the next call tells what was left.
    package mutating func isDue(held: Int) -> Bool {
        let isAtRest = abs(held - last) < Self.restBytes
        last = held
        looks += 1
        guard let known = least else {
            least = held
            return false
        }
        least = min(known, held)
        let bound = isAtRest && looks >= Self.restLooks ? Self.stepAtRest : Self.step
        guard held >= known + bound else { return false }
        least = nil
        looks = 0
        return true
    }
}
