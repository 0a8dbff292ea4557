import Telemetry

/// The valid positions among the rows of a block.
struct Positions {
    private let latitudes: ValueColumn
    private let longitudes: ValueColumn
    private let valid: ValueColumn
    private let timestamps: ArraySlice<Int64>

    init(_ block: ExpressionBlock, _ slots: PositionSlots, _ rows: Range<Int>) {
        latitudes = block.columns[slots.latitude].slice(rows)
        longitudes = block.columns[slots.longitude].slice(rows)
        valid = block.columns[slots.valid].slice(rows)
        timestamps = block.timestamps[rows]
    }

    var count: Int { timestamps.count }

    /// The position of a row: numeric latitude and longitude, and `position.valid` not false; nil if there is none.
    subscript(row: Int) -> ProgramMemory.Fix? {
        guard latitudes.kind(row) == .number, longitudes.kind(row) == .number, !isMarkedInvalid(row) else { return nil }
        let timestamp = timestamps[timestamps.startIndex + row]
        return ProgramMemory.Fix(
            latitude: latitudes.numbers[row], longitude: longitudes.numbers[row], timestamp: timestamp, since: timestamp
        )
    }

    private func isMarkedInvalid(_ row: Int) -> Bool {
        let kind = valid.kind(row)
        return (kind == .boolean || kind == .number) && valid.numbers[row] == 0
    }
}

/// Adds up the way from one valid position to the next.
///
/// With an outlier speed set, a position that would need more than that speed from the last accepted one counts for
/// nothing and the last accepted one stays. If the position after an outlier agrees with the outlier instead, the
/// vehicle really is there (it was moved, or the first position was wrong): both are accepted, the leg between them
/// counts, the jump does not. So a jump never becomes mileage, and one wrong position never hides the rest of a day.
///
/// Many receivers repeat their last position for some seconds and then catch up at once. Repetitions therefore count as
/// time on the way, up to `repetitionMax`.
struct Odometer {
    /// How long a repeated position may have been left unnoticed: 60 s.
    static let repetitionMax: Int64 = 60_000_000

    private(set) var position: ProgramMemory.Fix?
    private(set) var candidate: ProgramMemory.Fix?
    private let outlierSpeed: Double
    private let formula: MileageFormula

    init(_ memory: ProgramMemory, outlierSpeed: Double, formula: MileageFormula) {
        position = memory.position
        candidate = memory.candidate
        self.outlierSpeed = outlierSpeed
        self.formula = formula
    }

    /// The kilometres to a position; nil if it is an outlier.
    mutating func advance(to fix: ProgramMemory.Fix) -> Double? {
        guard let last = position else {
            position = fix
            return 0
        }
        let leg = self.leg(last, fix)
        if outlierSpeed <= 0 || !isTooFast(leg, last, fix) { return accept(fix, from: last, leg) }
        if let candidate {
            let short = self.leg(candidate, fix)
            if !isTooFast(short, candidate, fix) { return accept(fix, from: candidate, short) }
        }
        candidate = fix
        return nil
    }

    private mutating func accept(
        _ fix: ProgramMemory.Fix, from last: ProgramMemory.Fix, _ leg: Double
    ) -> Double {
        var next = fix
        if last.latitude == fix.latitude, last.longitude == fix.longitude { next.since = last.since }
        position = next
        candidate = nil
        return leg
    }

    private func leg(_ from: ProgramMemory.Fix, _ to: ProgramMemory.Fix) -> Double {
        Geodesy.distance(from.latitude, from.longitude, to.latitude, to.longitude, by: formula)
    }

    private func isTooFast(_ leg: Double, _ from: ProgramMemory.Fix, _ to: ProgramMemory.Fix) -> Bool {
        let elapsed = max(to.timestamp - from.timestamp, min(to.timestamp - from.since, Self.repetitionMax))
        return leg > outlierSpeed * Double(elapsed) / 3.6e9
    }
}
