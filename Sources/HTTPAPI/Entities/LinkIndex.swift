import PrimaryStore

/// The links of one kind, found from either end.
struct LinkIndex: Sendable, Equatable {
    /// For each `from` the links by their `to`.
    private var links: [Int64: [Int64: LinkRecord]] = [:]
    private var froms: [Int64: Set<Int64>] = [:]

    func link(from: Int64, to: Int64) -> LinkRecord? { links[from]?[to] }

    func links(from: Int64) -> some Collection<LinkRecord> { (links[from] ?? [:]).values }

    /// The other ends of what leads to an entity, and of what leads away from one.
    func froms(to: Int64) -> Set<Int64> { froms[to] ?? [] }
    func tos(from: Int64) -> Set<Int64> { Set((links[from] ?? [:]).keys) }

    mutating func set(_ link: LinkRecord) {
        links[link.from, default: [:]][link.to] = link
        froms[link.to, default: []].insert(link.from)
    }

    mutating func remove(from: Int64, to: Int64) {
        guard links[from]?.removeValue(forKey: to) != nil else { return }
        if links[from]?.isEmpty ?? false { links[from] = nil }
        froms[to]?.remove(from)
        if froms[to]?.isEmpty ?? false { froms[to] = nil }
    }

    mutating func removeAll(from: Int64) {
        for to in tos(from: from) { remove(from: from, to: to) }
    }

    mutating func removeAll(to: Int64) {
        for from in froms(to: to) { remove(from: from, to: to) }
    }
}
