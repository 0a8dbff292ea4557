/// Decides when free memory goes back to the system: once more is held than soon after it went back last.
///
/// The allocator keeps what was freed between what is still in use. After a change of many devices that is a third of
/// the memory of the process. So memory that really grows is gone through once for each step that it grows by.
package struct MemoryGrowth {
    /// Bytes that may come to be held before free ones go back.
    package static let step = 24 << 20

    private var least: Int?

    package init() {}

    /// Whether free memory is to go back now; then the next call tells what was left.
    package mutating func isDue(held: Int) -> Bool {
        guard let known = least, held < known + Self.step else {
            let isFirst = least == nil
            least = isFirst ? held : nil
            return !isFirst
        }
        least = min(known, held)
        return false
    }
}
