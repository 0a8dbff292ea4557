import PrimaryStore
import Telemetry
import Testing

@Suite("Slots, their owners and their time")
struct SlotTests {
    @Test("slots are claimed if they are free, one's own, or of an owner that was not heard of for a lease")
    func claims() throws {
        let test = try TestStore()
        let all = SlotSet((0..<4).map { Slot(rawValue: $0) })
        let first = try test.store.claimSlots(all, owner: "a", at: .zero, leaseSeconds: 10)
        #expect(first.count == 4 && first.values.allSatisfy { $0 == 1 })
        let early = Timestamp(seconds: 9.9)
        #expect(try test.store.claimSlots(.all, owner: "b", at: early, leaseSeconds: 10).count == 252)
        #expect(try test.store.claimSlots(all, owner: "a", at: early, leaseSeconds: 10).values.allSatisfy { $0 == 2 })
        #expect(try test.store.heartBeat(owner: "a", at: Timestamp(seconds: 15)) == all)
        #expect(try test.store.claimSlots(all, owner: "b", at: Timestamp(seconds: 20), leaseSeconds: 10).isEmpty)
        #expect(try test.store.claimSlots(all, owner: "b", at: Timestamp(seconds: 25), leaseSeconds: 10).count == 4)
        #expect(try test.store.heartBeat(owner: "a", at: Timestamp(seconds: 25)).isEmpty)
        try test.store.releaseSlots(all, owner: "b")
        #expect(try test.store.slotLeases()[0].owner == nil)
        #expect(
            try test.store.claimSlots(all, owner: "c", at: Timestamp(seconds: 26), leaseSeconds: 10)[.init(rawValue: 0)]
                == 5)
    }

    @Test("the slot time is the greatest acceptance stamp or tick, survives a restart, and never goes back")
    func time() throws {
        let test = try TestStore()
        let a = try test.assignment()
        func time() throws -> Timestamp { try test.store.slotTimes()[Int(a.slot.rawValue)] }
        #expect(try time() == .distantPast)
        var builder = MessageBatchBuilder(table: test.store.parameters)
        for second in [50, 70, 60] {
            builder.finishMessage(timestamp: .zero, acceptance: Timestamp(seconds: Double(second)))
        }
        _ = try test.store.append([LogAppend(device: a.key.device, batch: builder.build())])
        #expect(try time() == Timestamp(seconds: 70))
        try test.store.tick([a.slot: a.epoch], at: Timestamp(seconds: 65))
        #expect(try time() == Timestamp(seconds: 70))
        try test.store.tick([a.slot: a.epoch], at: Timestamp(seconds: 90))
        #expect(try time() == Timestamp(seconds: 90))
        let other = Slot(rawValue: a.slot.rawValue ^ 1)
        #expect(throws: StoreError.fenced(slot: a.slot, epoch: 9, current: a.epoch)) {
            try test.store.tick([other: a.epoch, a.slot: 9], at: Timestamp(seconds: 100))
        }
        #expect(try test.store.slotTimes()[Int(other.rawValue)] == .distantPast)
        try test.reopen()
        #expect(try time() == Timestamp(seconds: 90))
    }

    #if DEBUG
        @Test("a store with the bug of no fence takes a push of another epoch")
        func seededFence() throws {
            let test = try TestStore()
            var a = try test.assignment()
            a.epoch += 5
            let push = a.push([.make(nil, 1, 2)])
            let taken = SeededBug.$active.withValue(.noFence) { test.store.push([push]) }
            #expect(try taken[0].get().ids == [1])
            #expect(throws: StoreError.self) { try test.store.push([push])[0].get() }
        }
    #endif
}
