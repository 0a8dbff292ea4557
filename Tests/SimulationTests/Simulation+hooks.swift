import PrimaryStore
import ReferenceEvaluator
import SeededRandom
import StoreSupport
import Telemetry

/// What happens between any two calls of the store.
extension Simulation {
    func setHooks() {
        hooks.storeTime = { [clock] in clock.now }
        hooks.before = { [weak self] user, call throws(StoreError) in try self?.before(user, call) }
        hooks.after = { [weak self] user, call throws(StoreError) in try self?.after(user, call) }
        hooks.fenced = { [weak self] user, slot, epoch in self?.noteFenced(user, slot, epoch) }
        hooks.pushing = { [weak self] _, pushes in self?.rememberFrozen(pushes) }
        hooks.expired = { [weak self] user, expiries, results in
            for (expiry, result) in zip(expiries, results) { self?.noteExpired(user, expiry, result) }
        }
        hooks.pushed = { [weak self] _, pushes, _ in self?.compareFrozen(pushes) }
    }

    private func before(_ user: Int, _ call: StoreHooks.Call) throws(StoreError) {
        trace.mix(UInt64(user) << 32 | hash64(call.rawValue.utf8) & 0xffff_ffff, "\(user) \(call)")
        guard !isCalm else { return }
        let node = nodes[user]
        try refuse(node)
        if random.permille(rates.delayAtCall) { clock.advance(bySeconds: random.pick([0.1, 2, 15, 100])) }
        if random.permille(rates.lostRequest) {
            faults.count("request lost")
            note("request of node \(node.index) lost: \(call)")
            throw .database("the request is lost")
        }
        try dieSometimes(node, call)
        let isDecisive = call == .push || call == .seal || call == .expire
        if random.permille(rates.interleaving * (isDecisive ? 3 : 1)) { interleave(call, isDecisive: isDecisive) }
        try refuse(node)
    }

    private func after(_ user: Int, _ call: StoreHooks.Call) throws(StoreError) {
        guard !isCalm else { return }
        let node = nodes[user]
        if random.permille(rates.interleaving / 2) { interleave(call) }
        try refuse(node)
        if random.permille(rates.lostReply) {
            faults.count("reply lost")
            note("reply to node \(node.index) lost: \(call)")
            throw .database("the reply is lost")
        }
        try dieSometimes(node, call)
    }

    private func noteExpired(_ user: Int, _ expiry: Expiry, _ result: Result<ExpiryReceipt, StoreError>) {
        let horizons = expiry.assignments.map {
            "\($0.key.calculator) \($0.horizon.seconds)\($0.state == nil ? " from nothing" : "")"
        }
        let outcome = (try? result.get()).map { "-\($0.messageCount)" } ?? "refused"
        note("node \(user) lets go of \(expiry.device): \(expiry.horizon?.seconds ?? 0), \(horizons), \(outcome)")
        if case .success = result { faults.count("expiries") }
    }

    private func refuse(_ node: SimulatedNode) throws(StoreError) {
        if node.isDying || hasStoreFailed { throw .failed("the process is gone") }
        if clock.now < node.cutOffUntil { throw .database("no connection") }
        if let outageError { throw outageError }
    }

    private func dieSometimes(_ node: SimulatedNode, _ call: StoreHooks.Call) throws(StoreError) {
        guard random.permille(rates.crashAtCall) else { return }
        faults.count("node killed at a call")
        note("node \(node.index) dies at \(call)")
        end(node)
        throw .failed("the process is gone")
    }

    /// Others take steps between two calls of somebody.
    private func interleave(_ call: StoreHooks.Call, isDecisive: Bool = false) {
        guard depth < 2 else { return }
        depth += 1
        defer { depth -= 1 }
        faults.count("steps of others at a call")
        note("meanwhile, at \(call):")
        if isDecisive, random.among(2) {
            // It pauses beyond its lease, and another one takes over.
            clock.advance(bySeconds: 15)
            if let node = somebody() { settle(node) }
        }
        for _ in 0..<random.pick([1, 1, 3]) {
            switch random.below(12) {
            case 0..<3: send()
            case 3..<8: if let node = somebody() { settle(node) } else { send() }
            case 8: restartSomebody()
            case 9, 10: edit()
            default:
                if let node = somebody() { beat(node) }
                if let node = somebody() { round(node, random.below(rates.workerCount), []) }
            }
        }
        note("and on")
    }
}
