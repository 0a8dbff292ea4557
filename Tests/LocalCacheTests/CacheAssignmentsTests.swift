import LocalCache
import Telemetry
import Testing

@Suite("Assignments in a worker's cache")
struct CacheAssignmentsTests {
    private static let key = TestCache.key
    private static let other = AssignmentKey(calculator: CalculatorID(4), device: TestCache.device)

    private static func assignment(_ key: AssignmentKey, timer: Timestamp? = nil) -> CachedAssignment {
        CachedAssignment(
            key: key, calculatorRevision: 5, deviceDigest: .max, applied: 6, timer: timer, isCalculated: timer != nil)
    }

    private static func invalidation(_ lower: Int64, _ upper: Int64) -> Invalidation {
        Invalidation(
            range: TimeRange(lower: .at(lower), upper: .at(upper)), since: .at(lower + 1), due: .at(lower + 2),
            cause: "messages")
    }

    private static func interval(_ id: Int64, firstOn: Int64) -> HeldInterval {
        HeldInterval(
            id: id, firstOn: .at(firstOn), begin: .at(firstOn - 1), end: .at(firstOn + 5), isActive: id % 2 == 0,
            digest: .max - 1)
    }

    private static func state(_ moment: Int64, pendingFrom: Int64? = nil) -> SavedState {
        SavedState(
            moment: .at(moment), pendingFrom: pendingFrom.map { .at($0) }, isLast: pendingFrom == nil, count: 12,
            bytes: [UInt8(moment), 0, 255])
    }

    @Test("assignments come back as they were stored, the last one of a key stays")
    func assignments() throws {
        let test = try TestCache()
        try test.cache.setAssignment(Self.assignment(Self.key))
        try test.cache.setAssignment(Self.assignment(Self.other, timer: .at(9)))
        try test.cache.setAssignment(Self.assignment(Self.key, timer: .at(-1)))
        let found = try test.cache.assignments().sorted { $0.key < $1.key }
        #expect(found == [Self.assignment(Self.key, timer: .at(-1)), Self.assignment(Self.other, timer: .at(9))])
    }

    @Test("what is pending is replaced as a whole, for its assignment alone")
    func invalidations() throws {
        let test = try TestCache()
        try test.cache.setInvalidations(Self.key, [Self.invalidation(1, 2), Self.invalidation(20, 30)])
        try test.cache.setInvalidations(Self.other, [Self.invalidation(5, 6)])
        try test.cache.setInvalidations(Self.key, [Self.invalidation(3, 4), Self.invalidation(40, 50)])
        let found = try test.cache.invalidations()
        #expect(
            found.first { $0.key == Self.key }?.pending == [
                Self.invalidation(3, 4), Self.invalidation(40, 50),
            ])
        #expect(found.first { $0.key == Self.other }?.pending == [Self.invalidation(5, 6)])
        try test.cache.setInvalidations(Self.key, [])
        #expect(try test.cache.invalidations().count == 1)
        let all = Invalidation(range: .all, since: .distantPast, due: .distantFuture, cause: "é'\"")
        try test.cache.setInvalidations(Self.key, [all])
        #expect(try test.cache.invalidations().first { $0.key == Self.key }?.pending == [all])
    }

    @Test("intervals held are found by their first message, in order, and removed by it")
    func held() throws {
        let test = try TestCache()
        for (id, firstOn) in [(2, 20), (1, 10), (3, 30)] as [(Int64, Int64)] {
            try test.cache.setHeld(Self.key, Self.interval(id, firstOn: firstOn))
        }
        try test.cache.setHeld(Self.other, Self.interval(9, firstOn: 20))
        func ids(_ range: TimeRange) throws -> [Int64] { try test.cache.held(Self.key, firstOnIn: range).map(\.id) }
        #expect(try ids(.all) == [1, 2, 3])
        #expect(try ids(TimeRange(lower: .at(10), upper: .at(30))) == [1, 2])
        #expect(try test.cache.held(Self.key, firstOnIn: .all).first == Self.interval(1, firstOn: 10))
        try test.cache.setHeld(Self.key, Self.interval(7, firstOn: 20))
        try test.cache.removeHeld(Self.key, firstOn: .at(10))
        #expect(try ids(.all) == [7, 3])
        try test.cache.removeAllHeld(Self.key)
        #expect(try ids(.all).isEmpty)
        #expect(try test.cache.held(Self.other, firstOnIn: .all).count == 1)
    }

    @Test("states are found before, at and after a moment")
    func states() throws {
        let test = try TestCache()
        for moment in [20, 10, 30] as [Int64] {
            try test.cache.setState(Self.key, Self.state(moment, pendingFrom: moment - 5))
        }
        try test.cache.setState(Self.other, Self.state(15))
        let cache = test.cache
        #expect(try cache.state(Self.key, before: .at(10)) == nil)
        #expect(try cache.state(Self.key, before: .at(11)) == Self.state(10, pendingFrom: 5))
        #expect(try cache.state(Self.key, before: .at(30))?.moment == .at(20))
        #expect(try cache.state(Self.key, before: .distantFuture)?.moment == .at(30))
        #expect(try cache.state(Self.key, atOrAfter: .distantPast)?.moment == .at(10))
        #expect(try cache.state(Self.key, atOrAfter: .at(20))?.moment == .at(20))
        #expect(try cache.state(Self.key, atOrAfter: .at(31)) == nil)
        try cache.setState(Self.key, Self.state(20))
        #expect(try cache.state(Self.key, atOrAfter: .at(20)) == Self.state(20))
        try cache.removeStates(Self.key, in: TimeRange(lower: .at(10), upper: .at(20)))
        #expect(try cache.state(Self.key, before: .at(20)) == nil)
        #expect(try cache.state(Self.key, atOrAfter: .at(0))?.moment == .at(20))
        try cache.removeStates(Self.key, in: .all)
        #expect(try cache.state(Self.key, atOrAfter: .distantPast) == nil)
        #expect(try cache.state(Self.other, before: .distantFuture) == Self.state(15))
    }

    @Test("removing an assignment, or a device, takes all that belongs to it and nothing else")
    func removal() throws {
        let test = try TestCache()
        let foreign = AssignmentKey(calculator: CalculatorID(3), device: DeviceID(8))
        for key in [Self.key, Self.other, foreign] {
            try test.cache.setAssignment(Self.assignment(key))
            try test.cache.setInvalidations(key, [Self.invalidation(1, 2)])
            try test.cache.setHeld(key, Self.interval(1, firstOn: 10))
            try test.cache.setState(key, Self.state(5))
            try test.cache.setDevice(CachedDevice(device: key.device, sealed: 0, latest: nil))
            try test.cache.appendTail(key.device, position: 1, TestCache.batch([(1, 1)]))
        }
        func left() throws -> [Int] {
            [
                try test.cache.assignments().count, try test.cache.invalidations().count,
                try [Self.key, Self.other, foreign].map { try test.cache.held($0, firstOnIn: .all).count }.reduce(0, +),
                try [Self.key, Self.other, foreign].filter { try test.cache.state($0, before: .distantFuture) != nil }
                    .count,
            ]
        }
        try test.cache.removeAssignment(Self.key)
        #expect(try left() == [2, 2, 2, 2])
        #expect(try test.cache.tail(TestCache.device).count == 1)
        try test.cache.removeDevice(TestCache.device)
        #expect(try left() == [1, 1, 1, 1])
        #expect(try test.cache.devices().map(\.device) == [foreign.device])
        #expect(try test.cache.tail(TestCache.device).isEmpty)
        #expect(try test.cache.tail(foreign.device).count == 1)
    }
}
