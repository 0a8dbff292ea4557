/// How many rows there are of a kind, and the sum of their checksums: what is missing or too many is told by it.
struct RunningTotal: Hashable, Sendable {
    var count: Int64 = 0
    var sum: Int64 = 0

    mutating func add(_ checksum: Int64) {
        count &+= 1
        sum &+= checksum
    }

    mutating func remove(_ checksum: Int64) {
        count &-= 1
        sum &-= checksum
    }

    /// What is wrong with rows of which there should be others; nil if nothing is.
    func difference(from noted: RunningTotal, _ what: String) -> String? {
        if count < noted.count { return "\(noted.count - count) of \(noted.count) \(what) are missing" }
        if count > noted.count { return "\(count - noted.count) \(what) are there beyond the \(noted.count) noted" }
        return sum == noted.sum ? nil : "the \(count) \(what) are not those that were noted"
    }

    /// Throws if the rows are not those that were noted.
    func check(against noted: RunningTotal, _ what: @autoclosure () -> String) throws {
        guard self != noted, let difference = difference(from: noted, what()) else { return }
        throw StoreError.corrupt(difference)
    }
}
