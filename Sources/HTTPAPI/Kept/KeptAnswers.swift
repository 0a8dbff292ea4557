import NIOCore
import Synchronization

/// Finished answers in memory, found by the text of the request; bounded in bytes.
///
/// Whether one still holds is for the finder to ask. When there is no room, those go that nobody has asked for since
/// the last time round.
final class KeptAnswers: Sendable {
    struct Found: Sendable {
        var answer: KeptAnswer
        /// Its body as gzip, once somebody has asked for that.
        var compressed: ByteBuffer?
    }

    fileprivate struct Entry {
        var found: Found
        var byteCount: Int
        var wasUsed = false
    }

    fileprivate struct State {
        var entries: [String: Entry] = [:]
        /// The targets in the order in which they are looked at for room; the first ones are done with.
        var order: [String] = []
        var doneCount = 0
        var byteCount = 0
    }

    /// An answer may take this part of all the room, and no more.
    private static let largestPart = 4

    let byteCountMax: Int
    private let state = Mutex(State())

    init(byteCountMax: Int) { self.byteCountMax = byteCountMax }

    var byteCount: Int { state.withLock { $0.byteCount } }
    var count: Int { state.withLock { $0.entries.count } }

    func find(_ target: String) -> Found? {
        state.withLock { state in
            guard let index = state.entries.index(forKey: target) else { return nil }
            state.entries.values[index].wasUsed = true
            return state.entries.values[index].found
        }
    }

    func keep(_ answer: KeptAnswer, for target: String) {
        let byteCount = answer.body.readableBytes + target.utf8.count * 2 + answer.overheadCount
        guard byteCount <= byteCountMax / Self.largestPart else { return }
        state.withLock { state in
            if let old = state.entries.removeValue(forKey: target) {
                state.byteCount -= old.byteCount
            } else {
                state.order.append(target)
            }
            state.makeRoom(byteCountMax - byteCount)
            state.entries[target] = Entry(found: Found(answer: answer), byteCount: byteCount)
            state.byteCount += byteCount
        }
    }

    /// Keeps the compressed body beside an answer, if that is still kept.
    func keep(compressed: ByteBuffer, of answer: KeptAnswer, for target: String) {
        state.withLock { state in
            guard let entry = state.entries[target], entry.found.answer === answer, entry.found.compressed == nil
            else { return }
            state.entries[target]?.found.compressed = compressed
            state.entries[target]?.byteCount += compressed.readableBytes
            state.byteCount += compressed.readableBytes
            state.makeRoom(byteCountMax)
        }
    }
}

extension KeptAnswers.State {
    /// Lets go of answers until the rest takes no more than so many bytes.
    fileprivate mutating func makeRoom(_ byteCountMax: Int) {
        while byteCount > byteCountMax, doneCount < order.count {
            let target = order[doneCount]
            doneCount += 1
            // What is being replaced has its place already, and no entry.
            guard let entry = entries[target] else {
                order.append(target)
                continue
            }
            if entry.wasUsed {
                entries[target]?.wasUsed = false
                order.append(target)
            } else {
                entries[target] = nil
                byteCount -= entry.byteCount
            }
        }
        if doneCount > 64, doneCount * 2 > order.count {
            order.removeFirst(doneCount)
            doneCount = 0
        }
    }
}
