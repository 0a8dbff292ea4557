import PrimaryStore
import Telemetry
import Testing

@testable import Publishing

@Suite("Delivery of messages")
struct DeliveryMessageTests {
    @Test("messages of a new device wait until the registry has it")
    func registryFirst() throws {
        let rig = try DeliveryRig()
        try rig.settle()
        let device = try rig.device("a")
        try rig.append(device)
        for _ in 0..<3 { #expect(rig.messages.step() != .again) }
        #expect(rig.status.messages.state == .waiting("the registry") && rig.server.contents.messages.isEmpty)
        #expect(rig.status.messages.lagCount == 1)
        _ = rig.feed.step()
        _ = rig.messages.step()
        #expect(rig.server.contents.messages.count == 3 && rig.server.findings.strangers.isEmpty)
    }

    @Test("where another server took over, the registry is brought again before messages")
    func registryAgain() throws {
        let rig = try DeliveryRig()
        try rig.settle()
        let old = rig.server.contents
        let device = try rig.device("a")
        try rig.settle()
        rig.server.takeOver(old)
        try rig.append(device)
        for _ in 0..<5 {
            _ = rig.messages.step()
            rig.clock.advance(1)
        }
        #expect(rig.status.messages.state == .waiting("the registry"))
        try rig.settle()
        try rig.compare("taken over")
    }

    @Test("a sink hears something every 30 s, and daily sums are refreshed every 10 s and until there are no more")
    func dues() throws {
        let rig = try DeliveryRig()
        try rig.settle()
        let before = rig.server.findings
        for _ in 0..<300 {
            rig.clock.advance(1)
            try rig.settle()
        }
        let found = rig.server.findings
        #expect((9...10).contains(found.heartbeats - before.heartbeats))
        #expect((29...30).contains(found.mileageRefreshes - before.mileageRefreshes))
        rig.server.update { $0.mileageLeft = 40 }
        rig.clock.advance(10)
        for _ in 0..<45 { _ = rig.messages.step() }
        #expect(rig.server.findings.mileageRefreshes == found.mileageRefreshes + 40)
    }

    @Test("what was sealed while the delivery was away is read from the archive, and the position moves at the end")
    func archive() throws {
        var limits = DeliveryLimits()
        limits.messages = MessageLimit(messageCountMax: 10)
        let rig = try DeliveryRig(limits)
        let devices = try (0..<5).map { try rig.device("d\($0)") }
        for device in devices {
            for _ in 0..<10 { try rig.append(device) }
            try rig.seal(device)
            try rig.append(device)
        }
        _ = rig.messages.step()
        _ = rig.feed.step()
        var states: [LoopStatus.State] = []
        while rig.messages.step() == .again {
            if rig.server.contents.position == 0 { states.append(rig.status.messages.state) }
        }
        #expect(states.contains(.rebuilding(done: 2, total: 5)) && rig.server.contents.position == 55)
        try rig.settle()
        try rig.compare("archive")
    }

    @Test("after an outage a catch-up goes back by what a server that lags behind may lack, however long the outage")
    func takeover() throws {
        var limits = DeliveryLimits()
        limits.messages = MessageLimit(messageCountMax: 1)
        let rig = try DeliveryRig(limits)
        let devices = try (0..<40).map { try rig.device("d\($0)") }
        for device in devices {
            try rig.append(device)
            try rig.seal(device)
        }
        _ = rig.messages.step()
        _ = rig.feed.step()
        var history: [ReportServer.Contents] = []
        for _ in 0..<30 {
            rig.clock.advance(5)
            _ = rig.messages.step()
            history.append(rig.server.contents)
        }
        #expect(rig.server.contents.position == 0 && rig.server.contents.messages.count > 60)
        rig.server.takeOver(history[history.count - 11])
        rig.server.update { $0.isDown = true }
        _ = rig.messages.step()
        rig.clock.advance(7_200)
        rig.server.update { $0.isDown = false }
        let calls = rig.server.findings.messageCalls
        try rig.settle()
        try rig.compare("taken over")
        #expect(rig.server.findings.messageCalls - calls < 40, "it did not begin from nothing")
    }

    @Test("messages that come during a catch-up do not wait for its end")
    func fresh() throws {
        var limits = DeliveryLimits()
        limits.messages = MessageLimit(messageCountMax: 5)
        let rig = try DeliveryRig(limits)
        let devices = try (0..<20).map { try rig.device("d\($0)") }
        for device in devices {
            for _ in 0..<10 { try rig.append(device) }
            try rig.seal(device)
        }
        _ = rig.messages.step()
        _ = rig.feed.step()
        for _ in 0..<6 { _ = rig.messages.step() }
        let before = rig.appended
        try rig.append(devices[0])
        for _ in 0..<2 { _ = rig.messages.step() }
        let fresh = rig.appended.subtracting(before)
        #expect(rig.server.contents.messages.isSuperset(of: fresh) && rig.server.contents.position == 0)
        try rig.settle()
        try rig.compare("fresh")
    }

    @Test("a batch that cannot be decoded is told, and the others are delivered")
    func damaged() throws {
        let rig = try DeliveryRig()
        let device = try rig.device("a")
        for _ in 0..<3 { try rig.append(device) }
        let extraction = MessageExtraction(
            entry: { (entry) throws(StoreError) in
                if entry.position == 2 { throw .corrupt("batch 2") }
                return try DeliveryRig.extraction.entry(entry)
            }, chunk: DeliveryRig.extraction.chunk)
        _ = rig.feed.step()
        let loop = MessageLoop(
            store: rig.store, sink: ReportMessageSink(rig.server), extraction: extraction, limits: rig.limits,
            board: rig.board, now: { [clock = rig.clock] in clock.now }, logger: DeliveryRig.logger)
        _ = loop.step()
        _ = rig.feed.step()
        while loop.step() == .again {}
        #expect(rig.server.contents.messages.count == 6 && rig.server.contents.position == 3)
        #expect(rig.status.messages.damagedCount == 1 && rig.status.messages.lastError == "batch 2")
    }

    @Test("a sink that has messages beyond the log is refused")
    func ahead() throws {
        let rig = try DeliveryRig()
        rig.server.update { $0.contents.position = 9 }
        _ = rig.messages.step()
        guard case .refused = rig.status.messages.state else {
            Issue.record("\(rig.status.messages.state)")
            return
        }
    }
}
