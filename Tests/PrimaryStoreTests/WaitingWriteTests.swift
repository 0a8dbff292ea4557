import Foundation
import Synchronization
import Telemetry
import Testing

@testable import PrimaryStore

/// Who waits for a write makes it where nobody else is writing.
@Suite("Writes that their callers wait for")
struct WaitingWriteTests {
    @Test("a write whose caller waits is made on its thread, and one that nobody waits for on the writer's")
    func onWhichThread() async throws {
        let test = try TestStore()
        #expect(try Self.isOnCallersThread(test.store))
        let caller = pthread_self()
        let bodies: [Writes<pthread_t>.Body] = [{ _ in pthread_self() }]
        let others = await test.store.writeEach(bodies)
        #expect(try others.map { try $0.get() } != [caller])
    }

    private static func isOnCallersThread(_ store: SQLitePrimaryStore) throws -> Bool {
        try store.write { _ in pthread_self() } == pthread_self()
    }

    @Test("what comes while a caller is writing is written when it ends")
    func meanwhile() async throws {
        let test = try TestStore()
        let device = try test.device()
        let store = test.store
        let rows = [LogAppend(device: device, batch: batch(store.parameters, [1]))]
        for round in 1...50 {
            let positions: [Int64] = try await withCheckedThrowingContinuation { continuation in
                do {
                    try store.write { _ in store.append(rows) { continuation.resume(with: $0) } }
                } catch { continuation.resume(throwing: error) }
            }
            #expect(positions == [Int64(round)])
        }
    }

    @Test("callers who wait and callers who do not have every write once, and each his own in order")
    func concurrent() throws {
        let test = try TestStore()
        let crowd = try Crowd(test)
        let notices = Mutex<[CommitNotice]>([])
        test.store.addCommitObserver { notice in notices.withLock { $0.append(notice) } }
        crowd.run(writes: 60)
        let answers = crowd.answers.withLock { $0 }
        #expect(answers.count == Crowd.callers * 60 && crowd.failures.withLock { $0.isEmpty })
        try crowd.expectStored(answers)
        #expect(answers.map(\.position).sorted() == Array(1...Int64(answers.count)))
        // Each notice goes on where the one before has ended, and names the slots of what was appended.
        var position: Int64 = 0
        for notice in notices.withLock({ $0 }) {
            #expect(notice.positionBefore == position)
            #expect(notice.appendedSlots.isEmpty == (notice.lastPosition == position))
            position = notice.lastPosition
        }
        #expect(position == test.store.lastPosition)
    }

    @Test("of writes during a close each is stored and answered with its place, or refused and not stored")
    func closing() throws {
        for round in 1...10 {
            let test = try TestStore()
            let crowd = try Crowd(test)
            crowd.run(writes: 30) { [store = test.store] caller, number in
                if caller == 0, number == round { store.close() }
            }
            let answers = crowd.answers.withLock { $0 }
            let failures = crowd.failures.withLock { $0 }
            #expect(answers.count + failures.count == Crowd.callers * 30)
            #expect(failures.allSatisfy { $0 == .notWritable("it is closed") } && !failures.isEmpty)
            try crowd.expectStored(answers)
        }
    }
}

/// Threads that write all at once, each with a device of its own; every other write is waited for.
private final class Crowd: Sendable {
    struct Answer {
        var caller: Int
        var number: Int
        var position: Int64
    }

    static let callers = 6

    let answers = Mutex<[Answer]>([])
    let failures = Mutex<[StoreError]>([])
    private let store: SQLitePrimaryStore
    private let devices: [DeviceID]

    init(_ test: TestStore) throws {
        store = test.store
        devices = try (0..<Self.callers).map { try test.device("d\($0)") }
    }

    /// Has all write, and returns when all is answered.
    func run(writes: Int, before: @escaping @Sendable (Int, Int) -> Void = { _, _ in }) {
        let group = DispatchGroup()
        DispatchQueue.concurrentPerform(iterations: Self.callers) { caller in
            for number in 1...writes {
                before(caller, number)
                let append = LogAppend(device: devices[caller], batch: batch(store.parameters, [Int64(number)]))
                group.enter()
                let note: @Sendable (Result<[Int64], StoreError>) -> Void = { [self] result in
                    take(result, caller, number)
                    group.leave()
                }
                guard (number + caller) % 2 == 0 else {
                    store.append([append], answer: note)
                    continue
                }
                note(Result { () throws(StoreError) in try store.append([append]) })
            }
        }
        group.wait()
    }

    private func take(_ result: Result<[Int64], StoreError>, _ caller: Int, _ number: Int) {
        switch result {
        case .success(let positions):
            let answer = Answer(caller: caller, number: number, position: positions.first ?? 0)
            answers.withLock { $0.append(answer) }
        case .failure(let error): failures.withLock { $0.append(error) }
        }
    }

    /// The log has exactly what was answered, and of each caller in the order in which he wrote.
    func expectStored(_ answers: [Answer]) throws {
        for (caller, device) in devices.enumerated() {
            let entries = try store.readLog(device: device, after: 0).entries
            let own = answers.filter { $0.caller == caller }.sorted { $0.position < $1.position }
            #expect(entries.map(\.position) == own.map(\.position))
            #expect(own.map(\.number) == own.map(\.number).sorted())
            let seconds = try entries.map { try $0.batch().timestamps[0] / 1_000_000 }
            #expect(seconds == own.map { Int64($0.number) })
        }
    }
}
