import Telemetry
import Testing

@Suite("Parameter names, slots, hashes")
struct ParameterTableTests {
    @Test("ids count up from 0, a name keeps its id, and the table gives the name back")
    func ids() throws {
        let table = ParameterTable(names: ["a", "b", "a"])
        #expect(table.count == 2)
        let a = try #require(table.id(for: "a"))
        #expect(a.rawValue == 0 && table.existing("b")?.rawValue == 1 && table.existing("c") == nil)
        let c = try #require(table.id(for: "c"))
        #expect(c.rawValue == 2 && table.name(c) == "c" && table.names(from: 1) == ["b", "c"])
        #expect(table.nameHash(c) == hash64("c".utf8))
    }

    @Test("an empty name, one too long and one too many are refused")
    func limits() throws {
        let table = ParameterTable()
        #expect(table.id(for: "") == nil)
        #expect(table.id(for: String(repeating: "x", count: ParameterTable.nameLengthMax + 1)) == nil)
        #expect(table.id(for: String(repeating: "é", count: ParameterTable.nameLengthMax / 2 + 1)) == nil)
        #expect(table.id(for: String(repeating: "x", count: ParameterTable.nameLengthMax)) != nil)
        for index in 1..<ParameterTable.countMax { _ = table.id(for: "p\(index)") }
        #expect(table.count == ParameterTable.countMax)
        #expect(table.id(for: "one too many") == nil)
        #expect(table.id(for: "p1")?.rawValue == 1)
        #expect(table.count == ParameterTable.countMax)
    }

    @Test("names of other bytes are other parameters, though they look alike")
    func namesByBytes() {
        let table = ParameterTable(names: ["caf\u{e9}"])
        #expect(table.existing("cafe\u{301}") == nil)
    }

    @Test(
        "the slot of a device is fmix64 as rule 36 gives it",
        arguments: [(1, 178), (2, 62), (3, 140), (1000, 164), (1_000_000, 130)])
    func slots(_ device: Int64, _ slot: UInt8) {
        #expect(Slot(device: DeviceID(device)).rawValue == slot)
    }

    @Test("devices spread evenly over the slots")
    func spread() {
        var counts = [Int](repeating: 0, count: Slot.count)
        for device in 1...25_600 { counts[Int(Slot(device: DeviceID(Int64(device))).rawValue)] += 1 }
        #expect(counts.allSatisfy { (50...150).contains($0) })
    }

    @Test("hashes are the same on every machine")
    func hashes() {
        #expect(mix64(0) == 0)
        #expect(mix64(1) == 0xb456_bcfc_34c2_cb2c)
        #expect(hash64([]) == mix64(0xcbf2_9ce4_8422_2325))
        #expect(Value.number(-0.0).stableHash == Value.number(0).stableHash)
        let values: [Value] = [
            .null, .boolean(true), .boolean(false), .number(0), .number(1), .string("1"), .json("1"), .string(""),
        ]
        #expect(Set(values.map(\.stableHash)).count == values.count)
    }
}
