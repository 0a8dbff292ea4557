import NIOCore
import PrimaryStore
import Synchronization
import Telemetry

/// The finished body of a report, with what tells whether it would come out the same now.
final class KeptAnswer: Sendable {
    /// The assignments that it is of.
    let keys: [AssignmentKey]
    let body: ByteBuffer
    let tag: BodyTag
    /// The template of its route, for the counts of requests.
    let route: String
    /// The numbers of the assignments before their intervals were read; nil where one was being changed then.
    private let numbers: [UInt64?]
    /// The catalog's before the assignments were looked for.
    private let generation: UInt64
    /// Where the text of each assignment stands in the body; empty where it cannot be taken from there.
    private let places: [Range<Int>]
    /// The number of all assignments together when these were last found unchanged.
    private let checkedTotal = Atomic<UInt64>(.max)

    init(_ sources: Sources, _ pages: JoinedPages, isTruncated: Bool, route: String) {
        keys = sources.keys
        generation = sources.generation
        numbers = sources.numbers
        body = pages.body
        // Whose text was cut is not known any more, and nobody else changes the text of a single assignment.
        places = isTruncated || keys.count < 2 ? [] : pages.places
        self.route = route
        tag = body.withUnsafeReadableBytes(BodyTag.init)
    }

    /// What an answer is made from, noted before any of it is read.
    struct Sources: Sendable {
        let keys: [AssignmentKey]
        let generation: UInt64
        let numbers: [UInt64?]

        init(_ keys: [AssignmentKey], generation: UInt64, _ revisions: IntervalRevisions) {
            self.keys = keys
            self.generation = generation
            numbers = keys.map { revisions[$0] }
        }
    }

    /// Whether the same request would now be answered with the same bytes.
    func holds(_ revisions: IntervalRevisions, generation: UInt64) -> Bool {
        guard generation == self.generation else { return false }
        // Taken before the others: what is committed in between is then looked at once more, never passed over.
        let total = revisions.total
        if let total, total == checkedTotal.load(ordering: .relaxed) { return true }
        for (key, number) in zip(keys, numbers) {
            guard let number, revisions[key] == number else { return false }
        }
        if let total { checkedTotal.store(total, ordering: .relaxed) }
        return true
    }

    /// Whether it is of the same assignments in the same order, and each one's text can be taken from it.
    func hasParts(for sources: Sources) -> Bool {
        places.count == keys.count && generation == sources.generation && keys == sources.keys
    }

    /// The text of an assignment, if it would now be read the same; nil if it must be read.
    func part(_ index: Int, asOf sources: Sources) -> [UInt8]? {
        guard let number = numbers[index], number == sources.numbers[index] else { return nil }
        let place = places[index]
        return body.getBytes(at: body.readerIndex + place.lowerBound, length: place.count)
    }

    /// Whether it can be told when it no longer holds.
    var isKeepable: Bool { !numbers.contains(nil) }

    /// About what it takes in memory, without its body.
    var overheadCount: Int {
        512 + keys.count * (MemoryLayout<AssignmentKey>.stride + MemoryLayout<UInt64?>.stride)
            + places.count * MemoryLayout<Range<Int>>.stride
    }
}
