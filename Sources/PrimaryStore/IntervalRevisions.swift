import Synchronization
import Telemetry

/// Counts the changes of each assignment's intervals, so that whoever keeps what was read can tell whether it holds.
///
/// A counter is odd while a commit that changes it is made: what is read meanwhile may be from before or after it. So a
/// reader notes the number first and reads then; as long as the counter has that number, what was read is what
/// would be read now. Assignments share counters, a fixed number of them: a neighbour's change costs a read, no more.
///
/// `@unchecked Sendable`: the pointer never changes, and what it points to are atomics.
package final class IntervalRevisions: @unchecked Sendable {
    /// Half a megabyte of counters.
    package static let counterCount = 1 << 16

    private let counters: UnsafeMutablePointer<Atomic<UInt64>>
    /// Counts as all of them together.
    private let all = Atomic<UInt64>(0)

    package init() {
        counters = .allocate(capacity: Self.counterCount)
        for index in 0..<Self.counterCount { (counters + index).initialize(to: Atomic(0)) }
    }

    deinit {
        counters.deinitialize(count: Self.counterCount)
        counters.deallocate()
    }

    /// The present number of an assignment; nil while a change of it is being committed.
    package subscript(key: AssignmentKey) -> UInt64? {
        let number = counters[Self.index(of: key)].load(ordering: .acquiring)
        return number & 1 == 0 ? number : nil
    }

    /// The number of all assignments together; nil while any change is being committed.
    package var total: UInt64? {
        let number = all.load(ordering: .acquiring)
        return number & 1 == 0 ? number : nil
    }

    /// A commit that changes these assignments is about to be made. Called by the one writer, `end` with the same keys
    /// behind it.
    func begin(_ keys: Set<AssignmentKey>) { step(keys) }

    /// The commit was made, or was not: what is read from now on holds.
    func end(_ keys: Set<AssignmentKey>) { step(keys) }

    private func step(_ keys: Set<AssignmentKey>) {
        guard !keys.isEmpty else { return }
        all.add(1, ordering: .sequentiallyConsistent)
        for index in Set(keys.map(Self.index(of:))) { counters[index].add(1, ordering: .sequentiallyConsistent) }
    }

    private static func index(of key: AssignmentKey) -> Int {
        let mixed = mix64(UInt64(bitPattern: key.device.rawValue) &+ mix64(UInt64(bitPattern: key.calculator.rawValue)))
        return Int(truncatingIfNeeded: mixed & UInt64(counterCount - 1))
    }
}
