import PrimaryStore
import Telemetry

/// The slots that are to be delivered anew from the intervals as they are, and how far the one at hand is.
struct RebuildQueue {
    /// A slot whose intervals are being read.
    struct Slice {
        var slot: Slot
        /// The slot's revision before its intervals were read: the feed goes on after it.
        var revision: Int64
        /// Its assignments in order, those done first.
        var assignments: [AssignmentKey]
        var doneCount = 0
        /// Of the assignment at hand: the intervals up to this id are delivered.
        var afterID: Int64 = 0

        var present: AssignmentKey? { doneCount < assignments.count ? assignments[doneCount] : nil }

        mutating func finishAssignment() {
            doneCount += 1
            afterID = 0
        }
    }

    private var waiting = SlotSet()
    /// The feed of these is of no use before they are rebuilt.
    private var required = SlotSet()
    private(set) var doneCount = 0
    private(set) var totalCount = 0
    var slice: Slice?

    var isEmpty: Bool { waiting.isEmpty }

    /// What somebody wants: once it is asked for again, it begins again.
    mutating func ask(_ slots: SlotSet) {
        if isEmpty { (doneCount, totalCount) = (0, 0) }
        for slot in slots.slots where !waiting.contains(slot) {
            waiting.insert(slot)
            totalCount += 1
        }
        if let slot = slice?.slot, slots.contains(slot) { slice = nil }
    }

    /// What the feed cannot give any more.
    mutating func require(_ slot: Slot) {
        if !waiting.contains(slot) { ask([slot]) }
        required.insert(slot)
    }

    /// Whether the feed of a slot must not be read.
    func isHeld(_ slot: Slot) -> Bool { slice?.slot == slot || required.contains(slot) }

    func hasReadable(except damaged: SlotSet) -> Bool { next(except: damaged) != nil }

    func next(except damaged: SlotSet) -> Slot? { waiting.slots.first { !damaged.contains($0) } }

    mutating func finish(_ slot: Slot) {
        waiting.remove(slot)
        required.remove(slot)
        slice = nil
        doneCount += 1
    }

    mutating func beginAgain() { slice = nil }
}
