import PrimaryStore
import Synchronization
import Telemetry

/// A device that sends its batches one after the other while others do what they do.
final class Sender: Sendable {
    private struct Sent {
        var batch: MessageBatch
        var isAcknowledged: Bool
    }

    /// So often a batch is sent that is not taken.
    private static let attemptsMax = 3

    private let index: Int
    private let device: DeviceID
    private let hasStamps: Bool
    private let batches: [MessageBatch]
    private let store: SQLitePrimaryStore
    private let clock: SimulatedClock
    private let sent = Mutex<[Sent]>([])

    init(
        _ index: Int, _ device: SimulatedDevice, _ batches: [MessageBatch], _ store: SQLitePrimaryStore,
        _ clock: SimulatedClock
    ) {
        self.index = index
        self.device = device.id
        hasStamps = device.hasStamps
        self.batches = batches
        self.store = store
        self.clock = clock
    }

    /// Sends until a batch is not taken.
    func send() async {
        for batch in batches { guard await send(batch) else { return } }
    }

    private func send(_ batch: MessageBatch) async -> Bool {
        var batch = batch
        for _ in 0..<Self.attemptsMax {
            clock.advance(to: Timestamp(microseconds: batch.timestamps.max() ?? 0))
            if hasStamps {
                clock.advance(to: Timestamp(microseconds: batch.acceptances.max() ?? 0))
            } else {
                batch.acceptances = batch.timestamps.map { _ in clock.now.microseconds }
            }
            let isTaken: Bool
            do {
                _ = try await store.append([LogAppend(device: device, batch: batch)])
                isTaken = true
            } catch { isTaken = false }
            sent.withLock { [batch] in $0.append(Sent(batch: batch, isAcknowledged: isTaken)) }
            if isTaken { return true }
        }
        return false
    }

    /// Tells what was sent, once everything has ended.
    func settle(_ world: Simulation) {
        for sent in sent.withLock({ $0 }) {
            world.journal.noteSent(sent.batch, to: device)
            guard sent.isAcknowledged else { continue }
            world.journal.noteAcknowledged(sent.batch, of: device)
            world.faults.count("batches acknowledged to threads")
            if !world.devices[index].batches.isEmpty { world.devices[index].batches.removeFirst() }
        }
    }
}
