extension [Int64] {
    /// The index of the first moment after another, in moments that ascend; their count if there is none.
    public func firstIndex(after moment: Int64) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle] <= moment { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
