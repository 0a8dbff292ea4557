import FaultDisk
import LocalCache
import PrimaryStore
import ReferenceEvaluator
import SeededRandom
import Telemetry

@testable import CalcProcess

extension Simulation {
    func mayStep(_ node: SimulatedNode) -> Bool {
        node.isUp && !node.isDying && node.pausedUntil <= clock.now && frames[node.index, default: 0] == 0
    }

    func somebody() -> SimulatedNode? { nodes.filter(mayStep).randomElement(using: &random) }

    /// One round of one worker, mostly after the beat that is due.
    func roundOfSomebody() {
        guard let node = somebody() else { return restartSomebody() }
        if !random.among(5) { beat(node) }
        if node.isUp { round(node, random.below(rates.workerCount), []) }
    }

    /// Rounds of one node until it has nothing to do.
    func settleSomebody() {
        guard let node = somebody() else { return restartSomebody() }
        note("node \(node.index) settles")
        settle(node)
    }

    /// Does everything that is due; stops if it comes to no end.
    func settle(_ node: SimulatedNode) {
        for seat in 0..<rates.workerCount {
            var rounds = 0
            repeat {
                if rounds % 8 == 0 { beat(node) }
                rounds += 1
                if rounds > 4_000 { return fail("node \(node.index) comes to no rest") }
            } while node.isUp && !node.isDying && round(node, seat, [])
        }
    }

    /// Says that a node is alive, and asks for slots, if that is due.
    func beat(_ node: SimulatedNode) {
        _ = within(node) { try $0.keeper.step() }
    }

    @discardableResult
    func round(_ node: SimulatedNode, _ seat: Int, _ requests: [WorkerRequest]) -> Bool {
        within(node) { try $0.round(of: seat, requests) }
    }

    /// Lets the process of a node do something; it ends with the first error that comes out of it.
    private func within(_ node: SimulatedNode, _ body: (CalcNode) throws -> Bool) -> Bool {
        guard let process = node.process, !node.isDying else { return false }
        frames[node.index, default: 0] += 1
        var isBusy = false
        do {
            isBusy = try body(process)
        } catch {
            if !node.isDying { noteStoreError(error) }
            note("node \(node.index) ends: \(error)")
            node.isDying = true
        }
        frames[node.index, default: 0] -= 1
        if node.disk.disk.isDead, !node.isDying { end(node) }
        if node.isDying, frames[node.index] == 0 { node.stop() }
        return isBusy && !node.isDying
    }

    /// The leases of all end, and one after the other takes what it gets.
    func swapOwners() {
        note("all leases end")
        for _ in 0..<1 + random.below(3) {
            clock.advance(bySeconds: 15)
            guard let node = somebody() else { return }
            settle(node)
        }
    }

    func restart(_ node: SimulatedNode) {
        guard frames[node.index, default: 0] == 0 else { return }
        note("node \(node.index) starts")
        node.start(store, hooks, rates, troubles)
        beat(node)
    }

    func restartSomebody() {
        guard let node = nodes.randomElement(using: &random), frames[node.index, default: 0] == 0 else { return }
        if node.isUp, random.among(2) {
            note("node \(node.index) is shut down")
            _ = within(node) {
                try $0.end(); return false
            }
            node.stop()
        }
        restart(node)
    }

    func fail(_ what: String) {
        if failure == nil {
            failure = what
            note("FAILED: \(what)")
        }
    }
}
