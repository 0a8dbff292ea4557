/// The key of a row of a `PagedTable`: rows with neighbouring numbers share a page.
public protocol PagedKey: Comparable, Hashable, Sendable {
    /// The number by which keys are put into pages; a lesser key never has a greater one.
    var pagedNumber: Int64 { get }
}

extension DeviceID: PagedKey {
    public var pagedNumber: Int64 { rawValue }
}

extension AssignmentKey: PagedKey {
    public var pagedNumber: Int64 { device.rawValue }
}

/// A sorted table that is cheap to copy and to change after it was copied: a change copies the page it falls into, not
/// the table.
///
/// So pictures of the registry can be handed around as values while the next ones are made of them: a device costs the
/// same, however many there are.
public struct PagedTable<Key: PagedKey, Value: Sendable>: Sendable {
    @usableFromInline
    struct Page: Sendable {
        /// In ascending order.
        @usableFromInline var keys: [Key] = []
        @usableFromInline var values: [Value] = []

        @inlinable init() {}

        /// Where a key stands; nil where it does not.
        @inlinable
        func exactPlace(of key: Key) -> Int? {
            let place = place(of: key)
            return place < keys.count && keys[place] == key ? place : nil
        }

        /// Takes a value out for a while; the last one stands in its place.
        @inlinable
        mutating func lend(_ place: Int) -> Value {
            values.swapAt(place, values.count - 1)
            return values.removeLast()
        }

        @inlinable
        mutating func takeBack(_ value: Value, _ place: Int) {
            values.append(value)
            values.swapAt(place, values.count - 1)
        }

        /// Takes away the row whose value was lent and does not come back.
        @inlinable
        mutating func close(_ place: Int) {
            keys.remove(at: place)
            if place < values.count { values.append(values.remove(at: place)) }
        }

        /// Where a key stands, or would stand.
        @inlinable
        func place(of key: Key) -> Int {
            var (lower, upper) = (0, keys.count)
            // What is new stands behind everything else nearly always.
            if let last = keys.last, last < key { return upper }
            while lower < upper {
                let middle = (lower + upper) / 2
                if keys[middle] < key { lower = middle + 1 } else { upper = middle }
            }
            return lower
        }
    }

    @usableFromInline var pages: [Int64: Page] = [:]
    @usableFromInline var rowCount = 0

    @inlinable public init() {}

    @inlinable public var count: Int { rowCount }
    @inlinable public var isEmpty: Bool { rowCount == 0 }

    /// The page of a number: 32 of them share one.
    @inlinable
    static func page(of number: Int64) -> Int64 { number >> 5 }

    @inlinable
    public subscript(key: Key) -> Value? {
        get {
            guard let page = pages[Self.page(of: key.pagedNumber)], let place = page.exactPlace(of: key) else {
                return nil
            }
            return page.values[place]
        }
        _modify {
            let number = Self.page(of: key.pagedNumber)
            // Lent and not copied, so that what it holds can be changed in place.
            let place = pages[number]?.exactPlace(of: key)
            var value = place.flatMap { pages[number]?.lend($0) }
            defer {
                if let place, let value {
                    pages[number]?.takeBack(value, place)
                } else if let place {
                    pages[number]?.close(place)
                    rowCount -= 1
                    if pages[number]?.keys.isEmpty ?? false { pages[number] = nil }
                } else if let value {
                    updateValue(value, forKey: key)
                }
            }
            yield &value
        }
    }

    /// The rows of one number, in the order of their keys.
    public func rows(of number: Int64) -> [(key: Key, value: Value)] {
        guard let page = pages[Self.page(of: number)] else { return [] }
        return zip(page.keys, page.values).filter { $0.0.pagedNumber == number }.map { (key: $0.0, value: $0.1) }
    }

    /// Sets a row and returns what it was before.
    @inlinable
    @discardableResult
    public mutating func updateValue(_ value: Value, forKey key: Key) -> Value? {
        let old = pages[Self.page(of: key.pagedNumber), default: Page()].set(value, key)
        if old == nil { rowCount += 1 }
        return old
    }

    /// Takes a row away and returns it.
    @inlinable
    @discardableResult
    public mutating func removeValue(forKey key: Key) -> Value? {
        let number = Self.page(of: key.pagedNumber)
        guard let old = pages[number]?.remove(key) else { return nil }
        if pages[number]?.keys.isEmpty ?? false { pages[number] = nil }
        rowCount -= 1
        return old
    }
}

extension PagedTable: Equatable where Value: Equatable {}
extension PagedTable.Page: Equatable where Value: Equatable {}

extension PagedTable.Page {
    @inlinable
    mutating func set(_ value: Value, _ key: Key) -> Value? {
        let place = place(of: key)
        if place < keys.count, keys[place] == key {
            defer { takeBack(value, place) }
            return lend(place)
        }
        keys.insert(key, at: place)
        values.insert(value, at: place)
        return nil
    }

    @inlinable
    mutating func remove(_ key: Key) -> Value? {
        guard let place = exactPlace(of: key) else { return nil }
        keys.remove(at: place)
        return values.remove(at: place)
    }
}

extension PagedTable: Sequence {
    /// The rows in the order of their keys.
    public func makeIterator() -> Iterator { Iterator(pages) }

    public var keys: some Sequence<Key> { lazy.map(\.key) }
    public var values: some Sequence<Value> { lazy.map(\.value) }

    public struct Iterator: IteratorProtocol {
        private let pages: [Int64: Page]
        private var rest: ArraySlice<Int64>
        private var page = Page()
        private var place = 0

        init(_ pages: [Int64: Page]) {
            self.pages = pages
            rest = pages.keys.sorted()[...]
        }

        public mutating func next() -> (key: Key, value: Value)? {
            while place == page.keys.count {
                guard let number = rest.popFirst() else { return nil }
                page = pages[number] ?? Page()
                place = 0
            }
            defer { place += 1 }
            return (page.keys[place], page.values[place])
        }
    }
}
