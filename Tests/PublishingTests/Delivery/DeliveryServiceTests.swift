import PrimaryStore
import ServiceLifecycle
import Synchronization
import Telemetry
import Testing

@testable import Publishing

@Suite("The delivery as a service")
struct DeliveryServiceTests {
    @Test("commits wake it, what failed is tried again, and it ends when it is told to", .timeLimit(.minutes(1)))
    func service() async throws {
        let rig = try DeliveryRig()
        let (calls, continuation) = AsyncStream.makeStream(of: String.self)
        let failed = Mutex(Set<String>())
        let server = rig.server
        // Every kind of call fails once, after it is done.
        server.update { state in
            state.fault = { name in
                continuation.yield(name)
                return failed.withLock { $0.insert(name).inserted } ? .after : nil
            }
        }
        var limits = DeliveryLimits()
        (limits.heartbeatSeconds, limits.mileageSeconds) = (0.05, 0.05)
        (limits.retrySecondsMin, limits.retrySecondsMax) = (0.001, 0.02)
        let delivery = Delivery(
            store: rig.store,
            sinks: Delivery.Sinks(feed: { ReportFeedSink(server) }, messages: { ReportMessageSink(server) }),
            extraction: DeliveryRig.extraction, limits: limits, now: { Self.now() }, logger: DeliveryRig.logger)
        let group = ServiceGroup(services: [delivery], logger: DeliveryRig.logger)
        let key = try rig.assignment("a")
        let store = rig.store
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var places = 0
            // Each commit makes the next call, so that one which is not woken stands still.
            for await _ in calls {
                if places < 40 {
                    places += 1
                    try rig.push(key, [DeliveryRig.interval(nil, at: Int64(places) * 10)])
                    try rig.append(key.device)
                } else if server.contents.position == store.lastPosition,
                    server.contents.intervals[key]?.count == places
                {
                    break
                }
                delivery.rebuild(slots: places == 20 ? [Slot(device: key.device)] : [])
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
        try rig.compare("service")
        let status = delivery.status
        #expect(status.feed.retryCount >= 4 && status.messages.retryCount >= 2)
        #expect(server.findings.pages > 0 && status.feed.batchCount > 0)
    }

    private static func now() -> Timestamp {
        let start = ContinuousClock.now
        let seconds = Self.start.duration(to: start) / .seconds(1)
        return Timestamp(seconds: 1_790_000_000 + seconds)
    }

    private static let start = ContinuousClock.now
}
