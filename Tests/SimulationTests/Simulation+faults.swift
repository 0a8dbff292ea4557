import FaultDisk
import PrimaryStore
import ReferenceEvaluator
import SeededRandom
import Telemetry

extension Simulation {
    func crashSomebody() {
        guard let node = somebody() else { return }
        note("node \(node.index) is killed")
        end(node)
        node.stop()
    }

    /// Its process is killed, or its power is cut.
    func end(_ node: SimulatedNode) {
        node.isDying = true
        if random.among(3) {
            faults.count("power of a node cut")
            node.disk.disk.cutPower(seed: random.next())
        } else {
            faults.count("node killed")
            node.disk.disk.kill()
        }
    }

    func pauseSomebody() {
        guard let node = somebody() else { return }
        let seconds = random.pick([2.0, 12, 40, 500])
        note("node \(node.index) pauses \(seconds)")
        faults.count("node paused")
        node.pausedUntil = clock.now.advanced(bySeconds: seconds)
    }

    func cutSomebodyOff() {
        guard let node = somebody() else { return }
        let seconds = random.pick([2.0, 12, 40, 500])
        note("node \(node.index) is cut off \(seconds)")
        faults.count("node cut off")
        node.cutOffUntil = clock.now.advanced(bySeconds: seconds)
    }

    func loseDisk() {
        guard let node = somebody() else { return }
        note("node \(node.index) loses its disk")
        faults.count("disk lost")
        node.stop()
        node.disk.lose()
    }

    /// A copy of a disk is made, or comes back.
    func restoreOldDisk() {
        guard let node = somebody() else { return }
        node.stop()
        if node.disk.hasCopy, random.among(2) {
            note("node \(node.index) gets its old disk back")
            faults.count("old disk back")
            node.disk.restoreCopy()
        } else {
            note("the disk of node \(node.index) is copied")
            node.disk.keepCopy()
        }
        if random.among(2) { restart(node) }
    }

    func flipBit() {
        guard let node = nodes.filter({ frames[$0.index, default: 0] == 0 }).randomElement(using: &random) else {
            return
        }
        if random.among(2) { node.stop() }
        let (file, offset, bit) = (random.below(1_000), random.below(1 << 30), random.below(8))
        guard node.disk.flipBit(file: file, offset: offset, bit: bit) else { return }
        faults.count("bit of a cache flipped")
        note("a bit of node \(node.index) flips")
    }

    /// A cache's disk fills up, fails once, or ends its process in the middle of what it does.
    func troubleDisk() {
        guard let node = somebody() else { return }
        trouble(node.disk.disk, "the disk of node \(node.index)")
    }

    func troubleStore() { trouble(storeDisk.disk, "the disk of the store") }

    private func trouble(_ disk: FaultDisk, _ name: String) {
        switch random.below(6) {
        case 0:
            let room = random.below(20_000)
            note("\(name) has room for \(room)")
            faults.count("disk full")
            disk.capacity = disk.usedByteCount + room
        case 1:
            note("\(name) has room again")
            disk.capacity = nil
        case 2:
            let number = 1 + random.below(60)
            note("\(name) fails at \(number)")
            faults.count("operation of a disk failed")
            disk.failOperation(at: number, kind: random.pick([.all, .write, .sync]))
        default:
            let number = 1 + random.below(random.pick([5, 15, 60]))
            note("\(name) dies at \(number)")
            faults.count("death in the middle of an operation")
            disk.die(atOperation: number)
        }
    }

    // MARK: The store

    func crashStore() {
        note("the store ends")
        openStoreAgain()
    }

    /// The store ends by itself, is killed, or its power is cut, and is opened again; so is all that has it open.
    func openStoreAgain() {
        guard frames.values.allSatisfy({ $0 == 0 }) else { return hasStoreFailed = true }
        hasStoreFailed = false
        for node in nodes {
            if random.among(2) { end(node) }
            node.stop()
        }
        let disk = storeDisk.disk
        switch disk.isDead ? 1 + random.below(2) : random.below(3) {
        case 1:
            faults.count("store killed")
            disk.kill()
        case 2:
            faults.count("power of the store cut")
            disk.cutPower(seed: random.next())
        default: faults.count("store opened again")
        }
        store.close()
        opened = nil
        let hadRoom = disk.capacity
        if disk.isDead { disk.restart() }
        disk.clearFaults()
        if !isCalm, random.among(3) { disk.die(atOperation: 1 + random.below(200)) }
        openStore()
        disk.capacity = isCalm ? nil : hadRoom
    }

    private func openStore() {
        for _ in 0..<4 {
            do {
                opened = try SQLitePrimaryStore(folder: storeDisk.folder)
                for name in parameterNames { _ = store.parameters.id(for: name) }
                return follower.follow(store)
            } catch {
                note("the store cannot be opened: \(error)")
                faults.count("store died while it opened")
                if random.among(2) { storeDisk.disk.cutPower(seed: random.next()) } else { storeDisk.disk.kill() }
                storeDisk.disk.restart()
            }
        }
        fail("the store cannot be opened")
    }
}
