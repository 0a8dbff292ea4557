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

/// A sorted table that is cheap to copy and to change after it was copied: the first change copies the list of pages, a
/// 32nd of the table, and each the page it falls into.
///
/// So pictures of the registry can be handed around as values while the next ones are made of them.
public struct PagedTable<Key: PagedKey, Value: Sendable>: Sendable {
    @usableFromInline
    struct Row: Sendable {
        @usableFromInline let key: Key
        /// Nil only while it is being changed.
        @usableFromInline var value: Value?

        @inlinable
        init(_ key: Key, _ value: Value) { (self.key, self.value) = (key, value) }
    }

    @usableFromInline
    struct Page: Sendable {
        /// In ascending order.
        @usableFromInline var rows: [Row] = []

        @inlinable init() {}

        /// Where a key stands; nil where it does not.
        @inlinable
        func exactPlace(of key: Key) -> Int? {
            let place = place(of: key)
            return place < rows.count && rows[place].key == key ? place : nil
        }

        /// Where a key stands, or would stand.
        @inlinable
        func place(of key: Key) -> Int {
            var (lower, upper) = (0, rows.count)
            // What is new stands behind everything else nearly always.
            if let last = rows.last, last.key < key { return upper }
            while lower < upper {
                let middle = (lower + upper) / 2
                if rows[middle].key < key { lower = middle + 1 } else { upper = middle }
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
            return page.rows[place].value
        }
        _modify {
            if let (index, place) = find(key) {
                // In its place, so that what it holds is not copied.
                defer { closeGap(index, place) }
                yield &pages.values[index].rows[place].value
            } else {
                var value: Value?
                defer { if let value { updateValue(value, forKey: key) } }
                yield &value
            }
        }
    }

    /// The same where a row that is not there is made first.
    @inlinable
    public subscript(key: Key, default value: @autoclosure () -> Value) -> Value {
        get { self[key] ?? value() }
        _modify {
            let (index, place) = find(key) ?? added(value(), key)
            // Taken out while it is changed, so that what it holds is not copied.
            var present = pages.values[index].rows[place].value.take() ?? value()
            defer { pages.values[index].rows[place].value = present }
            yield &present
        }
    }

    /// Where a row stands; nil where it does not.
    @inlinable
    func find(_ key: Key) -> (index: Dictionary<Int64, Page>.Index, place: Int)? {
        guard let index = pages.index(forKey: Self.page(of: key.pagedNumber)) else { return nil }
        return pages.values[index].exactPlace(of: key).map { (index, $0) }
    }

    /// Adds a row and says where it stands.
    @inlinable
    mutating func added(_ value: Value, _ key: Key) -> (index: Dictionary<Int64, Page>.Index, place: Int) {
        updateValue(value, forKey: key)
        guard let found = find(key) else { preconditionFailure("a row stands where it was put") }
        return found
    }

    /// Takes a row away whose value was taken.
    @inlinable
    mutating func closeGap(_ index: Dictionary<Int64, Page>.Index, _ place: Int) {
        guard case nil = pages.values[index].rows[place].value else { return }
        pages.values[index].rows.remove(at: place)
        if pages.values[index].rows.isEmpty { pages.remove(at: index) }
        rowCount -= 1
    }

    /// The rows of one number, in the order of their keys.
    public func rows(of number: Int64) -> [(key: Key, value: Value)] {
        guard let page = pages[Self.page(of: number)] else { return [] }
        return page.rows.compactMap { row in
            row.key.pagedNumber == number ? row.value.map { (key: row.key, value: $0) } : nil
        }
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
        let old = self[key]
        self[key] = nil
        return old
    }
}

extension PagedTable: Equatable where Value: Equatable {}
extension PagedTable.Page: Equatable where Value: Equatable {}
extension PagedTable.Row: Equatable where Value: Equatable {}

extension PagedTable.Page {
    @inlinable
    mutating func set(_ value: Value, _ key: Key) -> Value? {
        let place = place(of: key)
        if place < rows.count, rows[place].key == key {
            let old = rows[place].value
            rows[place].value = value
            return old
        }
        // By a quarter, not twofold: pages are small and many, and what they hold in reserve is never used.
        if rows.count == rows.capacity { rows.reserveCapacity(rows.count + 1 + rows.count / 4) }
        rows.insert(PagedTable.Row(key, value), at: place)
        return nil
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
            while true {
                while place == page.rows.count {
                    guard let number = rest.popFirst() else { return nil }
                    page = pages[number] ?? Page()
                    place = 0
                }
                let row = page.rows[place]
                place += 1
                if let value = row.value { return (row.key, value) }
            }
        }
    }
}
