import Telemetry

/// Assignments by the moment at which something is to be done for them, then by key: a binary heap.
///
/// An assignment may stand in it several times; whoever takes one out looks whether it is really due.
struct DueQueue {
    private var heap: [(moment: Timestamp, key: AssignmentKey)] = []

    var first: Timestamp? { heap.first?.moment }

    mutating func add(_ key: AssignmentKey, at moment: Timestamp) {
        heap.append((moment, key))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard (heap[child].moment, heap[child].key) < (heap[parent].moment, heap[parent].key) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// The next assignment that is due by a moment.
    mutating func take(dueBy now: Timestamp) -> AssignmentKey? {
        guard let top = heap.first, top.moment <= now, let last = heap.popLast() else { return nil }
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        return top.key
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if (heap[child].moment, heap[child].key) < (heap[least].moment, heap[least].key) { least = child }
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
