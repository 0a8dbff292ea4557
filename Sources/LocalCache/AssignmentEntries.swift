import Telemetry

/// The rows of a device's assignments by calculator.
///
/// They are few, and nearly always one: a list of them takes a third of the memory of a dictionary, which counts where
/// a worker has many devices.
struct AssignmentEntries {
    private struct Item {
        let calculator: CalculatorID
        /// Nil only while it is being changed.
        var entry: AssignmentEntry?
    }

    /// In the order of the calculators.
    private var items: [Item] = []

    var isEmpty: Bool { items.isEmpty }

    var calculators: [CalculatorID] { items.map(\.calculator) }
    var values: [AssignmentEntry] { items.compactMap(\.entry) }

    /// The checksums of the rows that stand in the file.
    var written: [CalculatorID: Int64] {
        Dictionary(items.compactMap { item in item.entry?.written.map { (item.calculator, $0) } }) { $1 }
    }

    /// Changes each entry in its place; those that become nil go.
    mutating func changeEach(_ body: (CalculatorID, inout AssignmentEntry?) throws -> Void) rethrows {
        for place in items.indices { try body(items[place].calculator, &items[place].entry) }
        items.removeAll { if case nil = $0.entry { true } else { false } }
    }

    subscript(calculator: CalculatorID) -> AssignmentEntry? {
        get { items.first { $0.calculator == calculator }?.entry }
        _modify {
            let place = items.firstIndex { $0.calculator >= calculator } ?? items.count
            if place == items.count || items[place].calculator != calculator {
                items.insert(Item(calculator: calculator, entry: nil), at: place)
            }
            // In its place, so that what it holds is not copied.
            defer { if case nil = items[place].entry { items.remove(at: place) } }
            yield &items[place].entry
        }
    }
}
