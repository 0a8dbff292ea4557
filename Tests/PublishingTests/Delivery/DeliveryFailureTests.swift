import Logging
import PrimaryStore
import Synchronization
import Telemetry
import Testing

@testable import Publishing

@Suite("Delivery when the sink fails")
struct DeliveryFailureTests {
    @Test("a sink that is away costs attempts further and further apart, and all is there once it is back")
    func away() throws {
        let rig = try DeliveryRig()
        let key = try rig.assignment("a")
        rig.server.update { $0.isDown = true }
        var pauses: [Double] = []
        for _ in 0..<14 {
            try rig.push(key, [DeliveryRig.interval(nil, at: Int64(pauses.count) * 10)])
            try rig.append(key.device)
            guard case .wait(let seconds) = rig.feed.step() else { break }
            _ = rig.messages.step()
            pauses.append(seconds)
            rig.clock.advance(30)
        }
        #expect(pauses.count == 14 && pauses[0] <= 0.2 && pauses[13] >= 15 && pauses[13] <= 30)
        let status = rig.status
        #expect(status.feed.state == .failing("no connection") && status.feed.retryCount == 14)
        #expect(status.messages.isFailing && status.feed.lagCount == 0, "nobody knows how far an absent sink is")
        rig.server.update { $0.isDown = false }
        try rig.settle()
        try rig.compare("back")
        rig.server.takeOver(rig.server.contents)
        rig.server.update { $0.isDown = true }
        for place in 50..<53 as Range<Int64> {
            try rig.push(key, [DeliveryRig.interval(nil, at: place * 10)])
            try rig.append(key.device)
            _ = (rig.feed.step(), rig.messages.step())
            rig.clock.advance(10)
        }
        #expect(rig.status.feed.lagCount == 3 && rig.status.messages.lagCount == 3)
        #expect(rig.status.feed.lagSeconds(at: rig.clock.now) == 30)
    }

    @Test("a refusal is tried again once a minute, and the lag grows meanwhile; what a person mends goes on at once")
    func refused() throws {
        let rig = try DeliveryRig()
        let key = try rig.assignment("a")
        try rig.settle()
        rig.server.update { $0.fault = { $0 == "feed" ? .refused : nil } }
        try rig.push(key, [DeliveryRig.interval(nil, at: 0)])
        rig.clock.advance(1)
        #expect(rig.feed.step() == .wait(seconds: 60))
        #expect(rig.status.feed.state == .refused("permission denied for feed"))
        rig.clock.advance(59)
        #expect(rig.feed.step() == .wait(seconds: 1))
        rig.server.update { $0.fault = nil }
        rig.board.askForRebuild([Slot(device: key.device)])
        try rig.settle()
        try rig.compare("mended")
    }

    @Test("each reason is logged once, however often it is met")
    func logging() throws {
        let log = Mutex<[String]>([])
        let recorder = Recorder(log: { line in log.withLock { $0.append(line) } })
        let rig = try DeliveryRig()
        let logger = Logger(label: "test") { _ in recorder }
        let loop = FeedLoop(
            store: rig.store, sink: ReportFeedSink(rig.server), limits: rig.limits, board: rig.board,
            now: { [clock = rig.clock] in clock.now }, logger: logger)
        rig.server.update { $0.isDown = true }
        for _ in 0..<10 {
            _ = loop.step()
            rig.clock.advance(60)
        }
        rig.server.update { state in
            state.isDown = false
            state.fault = { $0 == "open" ? .refused : nil }
        }
        for _ in 0..<5 {
            _ = loop.step()
            rig.clock.advance(61)
        }
        rig.server.update { $0.fault = nil }
        while loop.step() == .again {}
        #expect(
            log.withLock(\.self) == [
                "warning delivery has failed: no connection", "error delivery has failed: permission denied for open",
                "notice delivery goes on",
            ])
    }

    @Test("a store that was restored is refused, and what was reported begins anew once somebody says so")
    func restored() throws {
        let rig = try DeliveryRig()
        let key = try rig.assignment("a")
        try rig.push(key, [DeliveryRig.interval(nil, at: 0), DeliveryRig.interval(nil, at: 10)])
        try rig.append(key.device)
        try rig.settle()
        let copy = rig.folder + "-copy.db"
        _ = try Backup.write(folder: rig.folder, to: copy, isReplacing: true)
        let kept = rig.appended
        try rig.push(key, deletes: [1], [DeliveryRig.interval(nil, at: 20)])
        try rig.append(key.device)
        try rig.settle()
        try rig.replaceStore { _ = try Backup.restore(copy, to: rig.folder, isReplacing: true) }
        _ = rig.feed.step()
        _ = rig.messages.step()
        #expect(rig.status.feed.state == .refused("it holds the reports of another store"))
        #expect(rig.status.messages.isFailing)
        rig.server.update { state in
            state.contents.store = nil
            state.contents.cursors = [:]
            (state.contents.position, state.contents.messages) = (0, [])
        }
        rig.appended = kept
        rig.board.askForRebuild(.all)
        try rig.settle()
        try rig.compare("restored")
    }
}

/// Keeps lines of the log.
private struct Recorder: LogHandler {
    var log: @Sendable (String) -> Void
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    init(log: @escaping @Sendable (String) -> Void) { self.log = log }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let reason = event.metadata?["reason"].map { ": \($0)" } ?? ""
        log("\(event.level) \(event.message)\(reason)")
    }
}
