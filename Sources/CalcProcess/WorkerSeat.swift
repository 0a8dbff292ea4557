import LocalCache
import Logging
import PrimaryStore
import Telemetry

/// The place of a worker: it has one for as long as there are slots for it, and a new one whenever those change.
///
/// A worker knows nothing of slots that come and go. It begins from its cache, as after a crash, which is the one way
/// that must be right anyway.
final class WorkerSeat {
    let template: Worker.Setup
    private let keeper: SlotKeeper
    private(set) var worker: Worker?
    /// What the keeper last gave.
    private var epochs: [Slot: Int64] = [:]
    private var generation: Int?
    /// No worker is begun before it, since none could be.
    private var restsUntil: Timestamp?
    private var restReason = ""
    private var inbox: [WorkerRequest] = []

    /// A place for a worker that gets its slots from a keeper.
    init(_ template: Worker.Setup, _ keeper: SlotKeeper) {
        self.template = template
        self.keeper = keeper
    }

    /// Lets the worker do a little of everything; false if there was nothing to do, or nothing may be done.
    func round(_ requests: [WorkerRequest]) throws -> Bool {
        inbox += requests
        followKeeper()
        guard keeper.mayWork else { return false }
        do {
            guard let worker = try present() else { return false }
            let requests = inbox
            inbox = []
            return try worker.round(requests)
        } catch {
            return try getOver(error)
        }
    }

    /// Lets a worker go that cannot go on; what no other would get over either is thrown on.
    private func getOver(_ error: any Error) throws -> Bool {
        switch error as? StoreError {
        case .failed, .notWritable: throw error
        case .fenced(let slot, let epoch, let current):
            template.logger.warning(
                "slot is another owner's", metadata: ["slot": "\(slot.rawValue)", "epoch": "\(current)"])
            template.board.count { $0.fencedPushes += 1 }
            keeper.lose(slot, epoch: epoch)
            leave()
            return true
        default:
            template.logger.error(
                "worker cannot begin and tries again",
                metadata: [
                    "worker": "\(template.index)", "seconds": "\(Worker.retrySeconds)", "error": "\(error)",
                ])
            leave()
            restsUntil = template.now().advanced(bySeconds: Worker.retrySeconds)
            restReason = "\(error)"
            return false
        }
    }

    func secondsToWait() -> Double {
        guard keeper.mayWork, let worker else { return Worker.sleepSecondsMax }
        return worker.secondsToWait()
    }

    /// Lets the worker go for good.
    func close() {
        leave()
        refuse(WorkerRequest.ended)
    }

    /// Lets the worker go; what it was asked waits for the next one.
    private func leave() {
        inbox = (worker?.requests ?? []) + inbox
        worker = nil
    }

    /// Lets a worker go whose slots are others now.
    private func followKeeper() {
        guard generation != keeper.generation else { return }
        let share = keeper.share(of: template.index, among: template.workerCount)
        generation = share.generation
        guard share.epochs != epochs else { return }
        leave()
        epochs = share.epochs
        restsUntil = nil
        template.board.forget(
            worker: template.index, among: template.workerCount, but: SlotSet(epochs.keys), at: template.now())
    }

    /// The worker of the slots there are; nil while there are none, or it rests.
    private func present() throws -> Worker? {
        if let worker { return worker }
        guard !epochs.isEmpty else {
            refuse(.database("the device is with another process"))
            return nil
        }
        if let restsUntil, template.now() < restsUntil {
            refuseQuestions()
            return nil
        }
        var setup = template
        setup.epochs = epochs
        setup.slots = SlotSet(epochs.keys)
        worker = try Worker(setup)
        return worker
    }

    /// Answers everybody who waits for an answer, as a worker in an outage does; what was only asked for stays.
    private func refuseQuestions() {
        inbox.removeAll { request in
            if case .recalculate = request { return false }
            request.refuse(.database("the part that calculates tries again to begin: \(restReason)"))
            return true
        }
    }

    private func refuse(_ error: StoreError) {
        for request in inbox { request.refuse(error) }
        inbox = []
    }
}

extension WorkerCache {
    /// Makes a cache fit the next ownership of slots that were given up after everything was done with them: giving up
    /// counts as an ownership, of nobody.
    static func follow(
        release released: [Slot: Int64], path: String, name: String, storeID: UInt64
    ) throws(CacheError) {
        let cache = try WorkerCache(path: path, storeID: storeID, name: name)
        var epochs = try cache.epochs()
        for (slot, epoch) in released where epochs[slot] == epoch { epochs[slot] = epoch + 1 }
        try cache.setEpochs(epochs)
    }
}
