/// An interval as the store holds it, without its text: what a worker compares with.
public struct HeldInterval: Sendable, Hashable {
    public var id: Int64
    public var firstOn: Timestamp
    public var begin: Timestamp
    public var end: Timestamp
    public var isActive: Bool
    public var digest: UInt64

    public init(id: Int64, firstOn: Timestamp, begin: Timestamp, end: Timestamp, isActive: Bool, digest: UInt64) {
        self.id = id
        self.firstOn = firstOn
        self.begin = begin
        self.end = end
        self.isActive = isActive
        self.digest = digest
    }
}
