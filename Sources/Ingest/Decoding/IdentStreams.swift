import Telemetry

/// The batches under construction, one for each ident.
struct IdentStreams {
    private var idents: [String?] = []
    private var batches: [BatchAssembly] = []
    private var futures: [(batch: BatchAssembly, firstIndex: Int)?] = []
    private var firstIndices: [Int] = []
    private var indexOfIdent: [[UInt8]: Int] = [:]
    private var indexWithoutIdent: Int?
    private var selected = 0
    /// Messages of one ident mostly follow one another: the ident is looked up only where it changes.
    private var selectedBytes: [UInt8]?

    /// Chooses the batch that the next message goes to.
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
        selected = indexOfIdent[bytes] ?? add(String(decoding: bytes, as: UTF8.self))
        indexOfIdent[bytes] = selected
        selectedBytes = bytes
    }

    mutating func append(
        _ cells: [MessageCell], texts: [UInt8], keys: borrowing KeyCache, timestamp: Int64, acceptance: Int64,
        index: Int, isFuture: Bool
    ) {
        guard isFuture else {
            if batches[selected].count == 0 { firstIndices[selected] = index }
            return batches[selected].append(
                cells, texts: texts, keys: keys, timestamp: timestamp, acceptance: acceptance)
        }
        var future = futures[selected] ?? (BatchAssembly(), index)
        futures[selected] = nil
        future.batch.append(cells, texts: texts, keys: keys, timestamp: timestamp, acceptance: acceptance)
        futures[selected] = future
    }

    /// Finishes all batches.
    mutating func take(into result: inout DecodedMessages) {
        for (index, ident) in idents.enumerated() {
            if batches[index].count > 0 {
                result.byIdent.append(
                    IdentMessages(ident: ident, messages: batches[index].build(), firstIndex: firstIndices[index]))
            }
            if let future = futures[index] {
                result.future.append(
                    IdentMessages(ident: ident, messages: future.batch.build(), firstIndex: future.firstIndex))
            }
        }
        self = IdentStreams()
    }

    private mutating func add(_ ident: String?) -> Int {
        idents.append(ident)
        batches.append(BatchAssembly())
        futures.append(nil)
        firstIndices.append(0)
        return idents.count - 1
    }
}
