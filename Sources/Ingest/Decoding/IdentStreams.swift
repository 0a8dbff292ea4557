import Telemetry

/// The messages of each ident, gathered until they become batches.
struct IdentStreams {
    private var messages = GatheredMessages()
    private var idents: [String?] = []
    /// The rows of each ident, and those that lie too far ahead.
    private var present: [[Int]] = []
    private var future: [[Int]] = []
    private var indexOfIdent: [[UInt8]: Int] = [:]
    private var indexWithoutIdent: Int?
    private var selected = 0
    /// Messages of one ident mostly follow one another: the ident is looked up only where it changes.
    private var selectedBytes: [UInt8]?

    /// Chooses the stream that the next message goes to.
    mutating func select(_ ident: ArraySlice<UInt8>?) {
        guard let ident else {
            let index = indexWithoutIdent ?? add(nil)
            indexWithoutIdent = index
            selected = index
            selectedBytes = nil
            return
        }
        if let selectedBytes, selectedBytes.elementsEqual(ident) { return }
        let bytes = Array(ident)
        if let known = indexOfIdent[bytes] {
            selected = known
        } else {
            selected = add(String(decoding: bytes, as: UTF8.self))
            indexOfIdent[bytes] = selected
        }
        selectedBytes = bytes
    }

    mutating func append(
        _ cells: [MessageCell], texts: [UInt8], keys: borrowing KeyCache, timestamp: Int64, acceptance: Int64,
        index: Int, isFuture: Bool
    ) {
        let row = messages.rows.count
        messages.append(cells, texts: texts, keys: keys, timestamp: timestamp, acceptance: acceptance, index: index)
        if isFuture { future[selected].append(row) } else { present[selected].append(row) }
    }

    /// Makes the batches of all streams.
    mutating func take(into result: inout DecodedMessages, keys: borrowing KeyCache) {
        var making = BatchMaking(messages, keys: keys)
        for (index, ident) in idents.enumerated() {
            result.byIdent += making.groups(of: present[index], ident)
            result.future += making.groups(of: future[index], ident)
        }
        self = IdentStreams()
    }

    private mutating func add(_ ident: String?) -> Int {
        idents.append(ident)
        present.append([])
        future.append([])
        return idents.count - 1
    }
}
