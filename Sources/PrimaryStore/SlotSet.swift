import Telemetry

/// A set of slots: 256 bits.
package struct SlotSet: Hashable, Sendable, ExpressibleByArrayLiteral {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    package init() {}

    package init(_ slots: some Sequence<Slot>) {
        for slot in slots { insert(slot) }
    }

    package init(arrayLiteral slots: Slot...) { self.init(slots) }

    /// Every slot.
    package static let all = SlotSet((0..<Slot.count).map { Slot(rawValue: UInt8($0)) })

    package func contains(_ slot: Slot) -> Bool { word(slot) & bit(slot) != 0 }

    package mutating func insert(_ slot: Slot) { set(word(slot) | bit(slot), at: slot) }

    package mutating func remove(_ slot: Slot) { set(word(slot) & ~bit(slot), at: slot) }

    package mutating func formUnion(_ other: SlotSet) {
        words.0 |= other.words.0
        words.1 |= other.words.1
        words.2 |= other.words.2
        words.3 |= other.words.3
    }

    package func isDisjoint(with other: SlotSet) -> Bool {
        words.0 & other.words.0 | words.1 & other.words.1 | words.2 & other.words.2 | words.3 & other.words.3 == 0
    }

    package var isEmpty: Bool { words.0 | words.1 | words.2 | words.3 == 0 }

    package var count: Int {
        words.0.nonzeroBitCount + words.1.nonzeroBitCount + words.2.nonzeroBitCount + words.3.nonzeroBitCount
    }

    /// The slots in ascending order.
    package var slots: [Slot] { (0..<Slot.count).map { Slot(rawValue: UInt8($0)) }.filter(contains) }

    package static func == (left: SlotSet, right: SlotSet) -> Bool { left.words == right.words }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }

    private func bit(_ slot: Slot) -> UInt64 { 1 << UInt64(slot.rawValue & 63) }

    private func word(_ slot: Slot) -> UInt64 {
        switch slot.rawValue >> 6 {
        case 0: words.0
        case 1: words.1
        case 2: words.2
        default: words.3
        }
    }

    private mutating func set(_ word: UInt64, at slot: Slot) {
        switch slot.rawValue >> 6 {
        case 0: words.0 = word
        case 1: words.1 = word
        case 2: words.2 = word
        default: words.3 = word
        }
    }
}
