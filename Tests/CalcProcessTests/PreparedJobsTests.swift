import PrimaryStore
import ReferenceEvaluator
import Telemetry
import Testing

@testable import CalcProcess

/// What jobs begin with is kept from job to job; nothing that it was made of may have changed since.
struct PreparedJobsTests {
    private static func calculator(_ expression: String) -> String {
        """
        {"name":"kept","update_delay":1,"selectors":[{"type":"expression","expression":"din","min_active":0}],\
        "counters":[{"name":"kept","type":"expression","expression":"\(expression)","method":"last"}]}
        """
    }

    @Test("a parameter that is met for the first time is read by the next job")
    func newParameter() throws {
        let nest = try NestedRig([Self.calculator("$fresh")])
        try nest.send([(1_700_000_000, ["din": .boolean(true)])])
        try nest.settle()
        #expect(try nest.values(0, "kept") == [nil])
        try nest.send([(1_700_000_010, ["din": .boolean(true), "fresh": .number(5)])])
        try nest.settle()
        #expect(try nest.values(0, "kept") == [.number(5)])
        try nest.agrees()
    }

    @Test("what a calculator reads of a device is that device's own, and after a change what it is then")
    func device() throws {
        let nest = try NestedRig([Self.calculator("$device.name")])
        let store = nest.rig.store
        let other = AssignmentKey(calculator: nest.ids[0], device: DeviceID(2))
        _ = try store.assign([other], isEnabled: true, isAutoCreated: false)
        try nest.settle()
        try nest.send([(1_700_000_000, ["din": .boolean(true)])])
        let batch = try store.readLog(after: 0, upTo: .max, slots: .all, limit: LogLimit()).entries[0].batch()
        _ = try store.append([LogAppend(device: other.device, batch: batch)])
        try nest.settle()
        #expect(try nest.values(0, "kept") == [.string("van 7")])
        #expect(try nest.rig.texts(other).first?.contains("\"van 2\"") == true)
        _ = try store.replaceDevice(other.device, ident: "other-2", name: "lorry", json: "{}", expecting: nil)
        try nest.settle()
        #expect(try nest.rig.texts(other).first?.contains("\"lorry\"") == true)
        #expect(try nest.values(0, "kept") == [.string("van 7")])
    }
}
