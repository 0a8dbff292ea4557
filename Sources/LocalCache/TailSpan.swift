/// Where the batches of a tail lie in time: at least what they span, so that most readers need not look at them.
struct TailSpan {
    /// The first and the last message of any of them.
    private(set) var first: Int64
    private(set) var last: Int64
    /// Whether each ends no earlier than those before it, in the order of positions: from the last one back the first
    /// that ends too early ends the search.
    private(set) var isAscending = true
    /// The greatest position.
    private(set) var position: Int64

    init(position: Int64, first: Int64, last: Int64) {
        (self.position, self.first, self.last) = (position, first, last)
    }

    mutating func add(position: Int64, first: Int64, last: Int64) {
        isAscending = isAscending && position > self.position && last >= self.last
        self.position = max(self.position, position)
        self.first = min(self.first, first)
        self.last = max(self.last, last)
    }
}
