import SeededRandom
import Telemetry
import Testing

@Suite("Tables in pages")
struct PagedTableTests {
    @Test(
        "a table holds what a dictionary holds, in order, and a copy keeps what it held",
        arguments: 1...20 as ClosedRange<UInt64>)
    func reference(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var table = PagedTable<AssignmentKey, Int>()
        var reference: [AssignmentKey: Int] = [:]
        var (copy, copied) = (table, reference)
        let assets: Int64 = 1 << 40
        for step in 0..<600 {
            let device = Int64.random(in: 0..<150, using: &random) + (random.chance(0.2) ? assets : 0)
            let key = AssignmentKey(
                calculator: CalculatorID(Int64.random(in: 1...3, using: &random)), device: DeviceID(device))
            if random.chance(0.2) {
                table[key, default: -step] += 1
                reference[key, default: -step] += 1
            } else if random.chance(0.3) {
                table[key]? += 1
                reference[key]? += 1
            } else if random.chance(0.3) {
                let value = random.chance(0.5) ? step : nil
                table[key] = value
                reference[key] = value
            } else if random.chance(0.4) {
                #expect(table.removeValue(forKey: key) == reference.removeValue(forKey: key), "seed \(seed)")
            } else {
                #expect(
                    table.updateValue(step, forKey: key) == reference.updateValue(step, forKey: key), "seed \(seed)")
            }
            #expect(table[key] == reference[key] && table.count == reference.count, "seed \(seed), step \(step)")
            let keys = reference.keys.filter { $0.device.rawValue == device }.sorted()
            #expect(table.rows(of: device).map(\.key) == keys, "seed \(seed), step \(step)")
            if random.chance(0.05) {
                #expect(Array(copy.keys) == copied.keys.sorted(), "seed \(seed), step \(step)")
                #expect(copy.allSatisfy { copied[$0.key] == $0.value }, "seed \(seed), step \(step)")
                (copy, copied) = (table, reference)
                #expect(copy == table, "seed \(seed), step \(step)")
            }
        }
        for key in reference.keys { table[key] = nil }
        #expect(table.isEmpty && Array(table.keys).isEmpty && table == PagedTable(), "seed \(seed)")
    }
}
