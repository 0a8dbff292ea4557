import LocalCache
import Logging
import PrimaryStore
import Telemetry

/// A time in which a worker does nothing, since it could not go on.
struct Outage {
    var until: Timestamp
    /// Why the cache is to be built anew afterwards; nil if it is gone on with.
    var cacheDamage: String?
}

extension StoreError {
    /// Whether a worker cannot go on after it: somebody else owns its slots, or the store must be opened anew.
    var endsWorker: Bool {
        switch self {
        case .fenced, .failed, .notWritable: true
        default: false
        }
    }
}

extension Worker {
    /// Runs the body in one transaction of the cache; errors of the store that it meets come out as they are.
    func transaction<Result>(_ body: () throws -> Result) throws -> Result {
        var met: StoreError?
        do {
            return try cache.transaction {
                do { return try body() } catch let error as StoreError {
                    met = error
                    throw error
                }
            }
        } catch { throw met ?? error }
    }

    /// Gets over a failure: a damaged cache is built anew at once, after anything else that may pass nothing is done
    /// for a while. What no worker gets over is thrown on. Returns whether there is something to do.
    func setBackAfterFailure(_ error: any Error) throws -> Bool {
        if case CacheError.corrupt(let reason) = error {
            do {
                try rebuildCache(reason)
                return true
            } catch {
                try stop(after: error, cacheDamage: reason)
                return false
            }
        }
        try stop(after: error, cacheDamage: nil)
        return false
    }

    /// Drops everything in memory, which may be ahead of the cache, and waits.
    private func stop(after error: any Error, cacheDamage: String?) throws {
        if let error = error as? StoreError, error.endsWorker {
            throw error
        }
        setup.logger.error(
            "worker cannot go on and tries again",
            metadata: ["worker": "\(setup.index)", "seconds": "\(Self.retrySeconds)", "error": "\(error)"])
        forget()
        outage = Outage(until: now.advanced(bySeconds: Self.retrySeconds), cacheDamage: cacheDamage)
        refuseRequests(error)
    }

    /// Takes up work after an outage once its time has come; false if it has not.
    func isBack() throws -> Bool {
        guard let outage else { return true }
        guard now >= outage.until else {
            refuseRequests(StoreError.database("the part that calculates waits for its disk"))
            return false
        }
        self.outage = nil
        if let reason = outage.cacheDamage { try rebuildCache(reason) } else { try restore() }
        return true
    }

    /// Answers everybody who waits for an answer; what was only asked for stays asked for.
    private func refuseRequests(_ error: any Error) {
        requests.removeAll { request in
            if case .recalculate = request { return false }
            request.refuse(error as? StoreError ?? .database("\(error)"))
            return true
        }
    }

    /// Drops what is in memory, so that everything is restored from the cache.
    func forget() {
        devices = PagedTable()
        assignments = PagedTable()
        unsynced = []
        setBackUntil = [:]
        replays = []
        geofencesBefore = [:]
        due = DueQueue()
        running = [:]
        heldJobs = [:]
        waitingForSources = []
        geofenceChanges = [:]
        waitingSince = [:]
        expiry = ExpirySchedule()
        picture = RegistryPicture()
        position = 0
    }
}
