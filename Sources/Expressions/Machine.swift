import Telemetry

extension Program {
    /// The value of the expression in each of the given rows of a block; `memory` goes on to the last of them.
    public func evaluate(
        _ block: ExpressionBlock, rows: Range<Int>, memory: inout ProgramMemory, environment: ExpressionEnvironment
    ) -> ValueColumn {
        if case .load(let slot, let optional) = instructions[0], instructions.count == 1, !looksBack {
            return block.columns[slot].slice(rows).replacingAbsent(with: optional ? .null : .error, payload: 0)
        }
        var registers = registers(block, rows: rows, memory: &memory, environment: environment)
        remember(block, rows, &memory)
        return registers.removeLast()
    }

    /// The results of all steps.
    func registers(
        _ block: ExpressionBlock, rows: Range<Int>, memory: inout ProgramMemory, environment: ExpressionEnvironment
    ) -> [ValueColumn] {
        let frame = Frame(block: block, rows: rows, environment: environment)
        var registers: [ValueColumn] = []
        registers.reserveCapacity(instructions.count)
        for index in instructions.indices { registers.append(step(index, frame, registers, &memory)) }
        return registers
    }

    /// The same over a whole block.
    public func evaluate(
        _ block: ExpressionBlock, memory: inout ProgramMemory, environment: ExpressionEnvironment
    ) -> ValueColumn {
        evaluate(block, rows: 0..<block.count, memory: &memory, environment: environment)
    }

    /// What one step reads.
    private struct Frame {
        let block: ExpressionBlock
        let rows: Range<Int>
        let environment: ExpressionEnvironment

        func column(_ slot: Int) -> ValueColumn { block.columns[slot].slice(rows) }
    }

    private func step(
        _ index: Int, _ frame: Frame, _ registers: [ValueColumn], _ memory: inout ProgramMemory
    ) -> ValueColumn {
        switch instructions[index] {
        case .constant(let value): ValueColumn(repeating: value, count: frame.rows.count)
        case .load(let slot, let optional):
            frame.column(slot).replacingAbsent(with: optional ? .null : .error, payload: index)
        case .loadPrevious(let slot, let cell): previous(frame, slot, cell, memory, index)
        case .exists(let slot): frame.column(slot).presence()
        case .unary(let operation, let operand): Operators.unary(operation, registers[operand], failure: index)
        case .binary(let operation, let left, let right):
            Operators.binary(operation, registers[left], registers[right], failure: index)
        case .select(let condition, let whenTrue, let whenFalse):
            Operators.select(registers[condition], registers[whenTrue], registers[whenFalse])
        case .path(let value, let path):
            registers[value].mapRows(failure: index) { Conversion.follow(path, in: $0) }
        case .call(let function, let arguments):
            call(function, arguments.map { registers[$0] }, frame, failure: index)
        case .moment:
            ValueColumn(numbers: frame.block.timestamps[frame.rows].map { Double($0) / 1e6 })
        case .mileage(let slots):
            mileage(Positions(frame.block, slots, frame.rows), frame, &memory, failure: index)
        case .duration: duration(frame, memory)
        case .distanceTo(let slots, let latitude, let longitude):
            distanceTo(
                Positions(frame.block, slots, frame.rows), registers[latitude], registers[longitude],
                frame.environment.mileageFormula, index)
        case .geofence(let slots):
            GeofenceColumns(frame.environment.geofences).first(Positions(frame.block, slots, frame.rows), index)
        case .geofenceField(let place, let field):
            GeofenceColumns(frame.environment.geofences).field(registers[field], registers[place], index)
        case .geofences(let slots, let field):
            GeofenceColumns(frame.environment.geofences)
                .all(registers[field], Positions(frame.block, slots, frame.rows), index)
        }
    }

    private func previous(
        _ frame: Frame, _ slot: Int, _ cell: Int, _ memory: ProgramMemory, _ index: Int
    ) -> ValueColumn {
        guard !frame.rows.isEmpty else { return ValueColumn() }
        let first = ValueColumn(repeating: memory.hasPrevious ? memory.previous[cell] : nil, count: 1)
        let before = frame.block.columns[slot].slice(frame.rows.lowerBound..<frame.rows.upperBound - 1)
        return first.concatenated(before)
            .replacingAbsent(with: scope == .interval ? .null : .error, payload: index)
    }

    private func call(
        _ function: Function, _ arguments: [ValueColumn], _ frame: Frame, failure: Int
    ) -> ValueColumn {
        if let numeric = function.numeric, let only = arguments.first, only.isNumeric {
            let numbers = only.numbers.map(numeric)
            return function.isPartial ? finite(numbers, failure) : ValueColumn(numbers: numbers)
        }
        var result = RowBuilder(capacity: frame.rows.count, failure: failure)
        var call = Function.Arguments(
            values: [Value?](repeating: nil, count: arguments.count), environment: frame.environment)
        for row in 0..<frame.rows.count {
            for index in arguments.indices { call.values[index] = arguments[index][row] }
            let value = function.row(call)
            if value == nil, let failed = arguments.first(where: { $0.kind(row) == .error }) {
                result.appendError(failed.numbers[row])
            } else {
                result.append(value)
            }
        }
        return result.build()
    }

    /// Numbers of which those that are not finite are errors.
    private func finite(_ numbers: [Double], _ failure: Int) -> ValueColumn {
        if numbers.allSatisfy(\.isFinite) { return ValueColumn(numbers: numbers) }
        return ValueColumn(
            kinds: numbers.map { $0.isFinite ? .number : .error },
            numbers: numbers.map { $0.isFinite ? $0 : Double(failure) })
    }

    private func duration(_ frame: Frame, _ memory: ProgramMemory) -> ValueColumn {
        let timestamps = frame.block.timestamps
        return ValueColumn(
            numbers: frame.rows.map { row in
                if row > frame.rows.lowerBound { return Double(timestamps[row] - timestamps[row - 1]) / 1e6 }
                return memory.hasPrevious ? Double(timestamps[row] - memory.previousTimestamp) / 1e6 : 0
            })
    }

    private func distanceTo(
        _ positions: Positions, _ latitude: ValueColumn, _ longitude: ValueColumn, _ formula: MileageFormula,
        _ failure: Int
    ) -> ValueColumn {
        var result = RowBuilder(capacity: positions.count, failure: failure)
        for row in 0..<positions.count {
            guard let fix = positions[row], let lat = latitude[row].flatMap({ Conversion.number($0) }),
                let lon = longitude[row].flatMap({ Conversion.number($0) })
            else {
                result.append(nil)
                continue
            }
            result.append(.number(Geodesy.distance(fix.latitude, fix.longitude, lat, lon, by: formula) * 1000))
        }
        return result.build()
    }

    private func mileage(
        _ positions: Positions, _ frame: Frame, _ memory: inout ProgramMemory, failure: Int
    ) -> ValueColumn {
        var numbers = [Double](repeating: 0, count: positions.count)
        var failed: [Int] = []
        var odometer = Odometer(
            memory, outlierSpeed: frame.environment.mileageOutlierSpeed,
            formula: frame.environment.mileageFormula)
        for row in 0..<positions.count {
            if let fix = positions[row], let leg = odometer.advance(to: fix) {
                numbers[row] = leg
            } else {
                failed.append(row)
            }
        }
        memory.position = odometer.position
        memory.candidate = odometer.candidate
        guard !failed.isEmpty else { return ValueColumn(numbers: numbers) }
        var kinds = [ValueKind](repeating: .number, count: positions.count)
        for row in failed {
            kinds[row] = .error
            numbers[row] = Double(failure)
        }
        return ValueColumn(kinds: kinds, numbers: numbers)
    }

    private func remember(_ block: ExpressionBlock, _ rows: Range<Int>, _ memory: inout ProgramMemory) {
        guard looksBack, let last = rows.last else { return }
        memory.hasPrevious = true
        memory.previousTimestamp = block.timestamps[last]
        for (cell, slot) in previousSlots.enumerated() { memory.previous[cell] = block.columns[slot][last] }
    }
}
