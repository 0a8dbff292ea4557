import LocalCache
import Logging
import PrimaryStore
import Telemetry

/// The slots and workers of a calc process, moved from outside: the process moves them by threads, a test step by step.
final class CalcNode {
    let keeper: SlotKeeper
    let seats: [WorkerSeat]
    private let template: Worker.Setup

    /// Workers after a template, whose index, slots and epochs are of no account; `cachePath` names the file of each.
    init(_ template: Worker.Setup, terms: SlotOwnership.Terms, cachePath: (Int) -> String) {
        self.template = template
        let keeper = SlotKeeper(terms, store: template.store, now: template.now, logger: template.logger)
        self.keeper = keeper
        seats = (0..<template.workerCount).map { index in
            WorkerSeat(template.seated(index, cachePath: cachePath(index)), keeper)
        }
        template.store.addCommitObserver { [weak board = template.board, workerCount = template.workerCount] notice in
            for index in 0..<workerCount { _ = board?.log.take(notice, index) }
        }
    }

    /// Asks for slots, or says that the process is alive, if that is due; then lets every worker do a little of
    /// everything. False if there was nothing to do.
    func step() throws -> Bool {
        var isBusy = try keeper.step()
        for index in seats.indices { isBusy = try round(of: index) || isBusy }
        return isBusy
    }

    /// The same for one worker, without the beat.
    func round(of index: Int, _ requests: [WorkerRequest] = []) throws -> Bool { try seats[index].round(requests) }

    /// Ends the workers and gives the slots up, as at an orderly shutdown.
    func end() throws {
        for seat in seats { seat.close() }
        try keeper.endOwnership(seats.map(\.template), storeID: template.store.storeID)
    }
}

extension Worker.Setup {
    /// The same for another worker of the process; its slots are given later.
    func seated(_ index: Int, cachePath: String) -> Worker.Setup {
        var setup = self
        setup.index = index
        setup.cachePath = cachePath
        setup.slots = SlotSet()
        setup.epochs = [:]
        return setup
    }
}

extension SlotKeeper {
    /// Gives the slots up once all workers have ended. Their caches stay good for the next owner that has them: where
    /// that cannot be noted they are built anew.
    func endOwnership(_ workers: [Worker.Setup], storeID: UInt64) throws {
        let released = try release()
        for worker in workers {
            try WorkerCache.follow(
                release: released, path: worker.cachePath, name: worker.cacheName, storeID: storeID)
        }
    }
}
