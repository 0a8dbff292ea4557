/// How many rows there are and the sum of their checksums: a row that vanished, or came back, changes it.
struct RowTotal: Hashable {
    var count: Int64 = 0
    var sum: Int64 = 0

    var isEmpty: Bool { self == RowTotal() }

    mutating func add(_ checksum: Int64) {
        count += 1
        sum &+= checksum
    }

    mutating func remove(_ checksum: Int64) {
        count -= 1
        sum &-= checksum
    }
}
