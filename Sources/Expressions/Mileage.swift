import Telemetry

/// How a program that is `mileage()` and nothing else measures ways, where no position is an outlier.
public struct Mileage: Sendable {
    let slots: PositionSlots
}

extension Program {
    /// The measure of the program; nil if it is more than `mileage()`, or each position must be judged by itself.
    public func mileage(_ environment: ExpressionEnvironment) -> Mileage? {
        guard case .mileage(let slots)? = instructions.first, instructions.count == 1,
            environment.mileageOutlierSpeed <= 0, environment.mileageFormula == .haversine
        else { return nil }
        return Mileage(slots: slots)
    }
}

/// The ways between the valid positions of some rows that follow each other, measured at once.
public struct MileageLegs: Sendable {
    public let rows: Range<Int>
    /// The kilometres from each valid position to the next.
    public private(set) var kilometres: [Double] = []
    private let timestamp: Int64
    private var first: ProgramMemory.Fix?
    private var last: ProgramMemory.Fix?

    /// The rows must not be empty.
    public init(_ mileage: Mileage, _ block: ExpressionBlock, _ rows: Range<Int>) {
        self.rows = rows
        timestamp = block.timestamps[rows.upperBound - 1]
        let columns = PositionColumns(mileage.slots, block)
        withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * rows.count) { degrees in
            withUnsafeTemporaryAllocation(of: Int.self, capacity: rows.count) { places in
                guard let latitudes = degrees.baseAddress else { return }
                let longitudes = latitudes + rows.count
                let count = columns.collect(rows, latitudes, longitudes, places)
                guard count > 0 else { return }
                kilometres = Geodesy.distances(latitudes, longitudes, count: count)
                first = ProgramMemory.Fix(latitudes[0], longitudes[0], block.timestamps[places[0]])
                var still = count - 1
                while still > 0, latitudes[still - 1] == latitudes[count - 1],
                    longitudes[still - 1] == longitudes[count - 1]
                { still -= 1 }
                last = ProgramMemory.Fix(
                    latitude: latitudes[count - 1], longitude: longitudes[count - 1],
                    timestamp: block.timestamps[places[count - 1]], since: block.timestamps[places[still]])
            }
        }
    }

    /// Goes on from what came before the rows to their end; gives the kilometres to the first valid position, nil if
    /// there is none.
    public func advance(_ memory: inout ProgramMemory) -> Double? {
        memory.hasPrevious = true
        memory.previousTimestamp = timestamp
        guard let first, var last else { return nil }
        var leg = 0.0
        if let before = memory.position {
            leg = Geodesy.distance(before.latitude, before.longitude, first.latitude, first.longitude)
            let isStill = last.since == first.timestamp
            if isStill, before.latitude == last.latitude, before.longitude == last.longitude {
                last.since = before.since
            }
        }
        memory.position = last
        memory.candidate = nil
        return leg
    }
}

extension ProgramMemory.Fix {
    fileprivate init(_ latitude: Double, _ longitude: Double, _ timestamp: Int64) {
        self.init(latitude: latitude, longitude: longitude, timestamp: timestamp, since: timestamp)
    }
}

/// Collects the valid positions among rows: numeric latitude and longitude, and `position.valid` not false.
struct PositionColumns {
    private let latitudes: ValueColumn
    private let longitudes: ValueColumn
    private let valid: ValueColumn

    init(_ slots: PositionSlots, _ block: ExpressionBlock) {
        latitudes = block.columns[slots.latitude]
        longitudes = block.columns[slots.longitude]
        valid = block.columns[slots.valid]
    }

    /// Fills coordinates and rows of the valid positions in; returns how many they are.
    func collect(
        _ rows: Range<Int>, _ latitude: UnsafeMutablePointer<Double>, _ longitude: UnsafeMutablePointer<Double>,
        _ places: UnsafeMutableBufferPointer<Int>
    ) -> Int {
        precondition(rows.upperBound <= latitudes.count && rows.count <= places.count, "rows of the block")
        guard latitudes.uniform == .number, longitudes.uniform == .number, let kind = valid.uniform else {
            return collectMixed(rows, latitude, longitude, places)
        }
        let mayBeInvalid = kind == .boolean || kind == .number
        return latitudes.numbers.withUnsafeBufferPointer { latitudes in
            longitudes.numbers.withUnsafeBufferPointer { longitudes in
                valid.numbers.withUnsafeBufferPointer { valid in
                    var count = 0
                    for row in rows {
                        latitude[count] = latitudes[row]
                        longitude[count] = longitudes[row]
                        places[count] = row
                        count &+= !mayBeInvalid || valid[row] != 0 ? 1 : 0
                    }
                    return count
                }
            }
        }
    }

    private func collectMixed(
        _ rows: Range<Int>, _ latitude: UnsafeMutablePointer<Double>, _ longitude: UnsafeMutablePointer<Double>,
        _ places: UnsafeMutableBufferPointer<Int>
    ) -> Int {
        var count = 0
        for row in rows where isValid(row) {
            latitude[count] = latitudes.numbers[row]
            longitude[count] = longitudes.numbers[row]
            places[count] = row
            count += 1
        }
        return count
    }

    private func isValid(_ row: Int) -> Bool {
        guard latitudes.kind(row) == .number, longitudes.kind(row) == .number else { return false }
        let kind = valid.kind(row)
        return !((kind == .boolean || kind == .number) && valid.numbers[row] == 0)
    }
}
