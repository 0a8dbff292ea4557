import FaultDisk
import PrimaryStore
import ReferenceEvaluator
import SeededRandom
import Telemetry

@testable import CalcProcess

extension Simulation {
    /// Ends all trouble, lets everything come to rest, and looks whether all invariants hold; nil if they do.
    func rest(_ name: String) throws -> String? {
        note("\(name):")
        isCalm = true
        defer { isCalm = false }
        for node in nodes {
            clock.advance(bySeconds: abs(node.clock.skewSeconds))
            node.clock.skewSeconds = 0
            node.pausedUntil = .distantPast
            node.cutOffUntil = .distantPast
        }
        if let unrest = calmDown() { return "\(name): it does not come to rest: \(unrest)" }
        if let failure { return failure }
        if let difference = try difference() { return "\(name): \(difference)" }
        for node in nodes where rates.skewSeconds > 0 {
            node.clock.skewSeconds = (Double(random.below(2_001)) / 1_000 - 1) * rates.skewSeconds
        }
        return nil
    }

    /// Everything that waits becomes due within some minutes; returns what is left.
    private func calmDown() -> String? {
        endTroubles()
        recalculateDiscarded()
        var unrest: String?
        var lookCount = maker.hasTTL ? (assets.isEmpty ? 2 : 5) : 0
        for pass in 0..<90 {
            pass % 10 == 9 ? passTime(60) : passTime(11)
            for node in nodes { settle(node) }
            if failure != nil { return nil }
            unrest = self.unrest()
            if unrest == nil {
                if lookCount == 0, pass > 2 { return nil }
                // What expires is looked at again, and what follows from that once more.
                lookCount = max(0, lookCount - 1)
                clock.advance(bySeconds: rates.expirySeconds)
            }
            if pass % 4 == 3 { decideJobs() }
        }
        return unrest
    }

    /// The store works, and all disks have room and do what they are asked.
    func endTroubles() {
        if hasStoreFailed || storeDisk.disk.isDead { openStoreAgain() }
        outage = nil
        for disk in [storeDisk.disk] + nodes.map(\.disk.disk) {
            disk.clearFaults()
            disk.capacity = nil
        }
        resumeReplays()
    }

    /// Time passes in steps in which no lease ends.
    private func passTime(_ seconds: Double) {
        var left = seconds
        while left > 0 {
            clock.advance(bySeconds: min(left, 4))
            left -= 4
            for node in nodes { if node.isUp { beat(node) } else { restart(node) } }
        }
    }

    private func unrest() -> String? {
        if let node = nodes.first(where: { !$0.isUp }) { return "node \(node.index) is down" }
        for device in devices where !device.isGone && !nodes.contains(where: { $0.seat(of: device.id) != nil }) {
            return "nobody has device \(device.id)"
        }
        for asset in assets where !nodes.contains(where: { $0.seat(of: DeviceID(asset: asset)) != nil }) {
            return "nobody has asset \(asset)"
        }
        return nodes.lazy.compactMap { $0.unrest(self.store.lastPosition) }.first ?? damageLeft()
    }

    /// The first invariant that does not hold; nil if all do.
    func difference() throws -> String? {
        let registry = try store.registry()
        if let lost = try lostMessages(registry) { return lost }
        if let difference = try otherIntervals(registry) { return difference }
        if let difference = try otherFeed(registry) { return difference }
        if let difference = try otherFields(registry) ?? otherProgress() { return difference }
        if let difference = try otherCaches() ?? otherTotals() { return difference }
        if devices.allSatisfy(\.batches.isEmpty), let difference = try otherThanReference() { return difference }
        return try otherRanges(registry)
    }

    // MARK: 1, messages

    private func lostMessages(_ registry: RegistrySnapshot) throws -> String? {
        let times = try store.slotTimes()
        for record in registry.devices {
            guard let device = devices.first(where: { $0.id == record.id && !$0.isGone }) else { continue }
            let horizon = try store.horizon(device: record.id)
            if horizon > .distantPast, !device.rotates {
                let time = times[Int(Slot(device: record.id).rawValue)]
                let latest = device.ttlMin.map { time.advanced(bySeconds: -$0) }
                guard let latest, horizon <= latest else { return "messages of \(record.id) have gone too early" }
            }
            if horizon > .distantPast { faults.count("devices with expired messages") }
            guard let read = try readMessages(record.id) else { continue }
            for block in read.blocks { trace.mix(UInt64(block.count) &+ (block.hashes.last ?? 0), "block") }
            let lost = journal.difference(record.id, read: read.blocks, horizon: horizon, isTold: read.isTold)
            if let lost {
                return "device \(record.id): \(lost)"
            }
        }
        return nil
    }

    // MARK: 3, fencing

    func noteFenced(_ user: Int, _ slot: Slot, _ epoch: Int64) {
        trace.mix(UInt64(bitPattern: epoch) << 8 | UInt64(slot.rawValue), "epoch")
        if let before = epochs[slot], epoch < before {
            fail("node \(user) wrote with epoch \(epoch) of slot \(slot.rawValue) after \(before)")
        }
        epochs[slot] = max(epochs[slot] ?? epoch, epoch)
    }

    // MARK: 4, feed

    private func otherFeed(_ registry: RegistrySnapshot) throws -> String? {
        follower.catchUp(store)
        let trimmed = clock.now.advanced(bySeconds: -Worker.feedSeconds + maxSkewSeconds)
        if let vanished = try follower.vanished(in: store, supersededBefore: trimmed) { return vanished }
        var table: [AssignmentKey: [Int64: TimeRange]] = [:]
        for record in registry.assignments {
            for held in try store.heldIntervals(record.key) {
                if held.end < record.marks.horizon { faults.count("frozen intervals at a rest") }
                table[record.key, default: [:]][held.id] = TimeRange(lower: held.begin, upper: held.end)
                trace.mix(UInt64(bitPattern: held.id) ^ held.digest, "interval")
            }
        }
        faults.count("intervals at a rest", table.values.reduce(0) { $0 + $1.count })
        let told = follower.table()
        for key in Set(told.keys).union(table.keys).sorted() where told[key] != table[key] {
            return "\(key): the feed tells \(told[key]?.count ?? 0) intervals, \(table[key]?.count ?? 0) are stored"
        }
        return nil
    }

    /// What clocks of nodes were ahead by, at most.
    private var maxSkewSeconds: Double { rates.skewSeconds }

    // MARK: 5, frozen intervals

    func rememberFrozen(_ pushes: [Push]) {
        frozen = [:]
        for push in pushes {
            guard let horizon = (try? store.assignment(push.key))??.marks.horizon, horizon > .distantPast else {
                continue
            }
            frozen[push.key] = ((try? store.heldIntervals(push.key)) ?? []).filter { $0.end < horizon }
        }
    }

    func compareFrozen(_ pushes: [Push]) {
        for push in pushes {
            guard let before = frozen[push.key], !before.isEmpty, let now = try? store.heldIntervals(push.key) else {
                continue
            }
            for interval in before {
                guard let kept = now.first(where: { $0.id == interval.id }), kept.begin <= interval.begin,
                    kept.end >= interval.end
                else { return fail("\(push.key): the frozen interval \(interval.id) was changed") }
            }
        }
        frozen = [:]
    }

    // MARK: 6, ranges

    private func otherRanges(_ registry: RegistrySnapshot) throws -> String? {
        for record in registry.assignments {
            let all = try store.intervals(record.key, IntervalQuery())
            guard let first = all.first, let last = all.last else { continue }
            for _ in 0..<3 {
                let span = Int((last.end.microseconds - first.begin.microseconds) / 1_000_000) + 2
                let lower = first.begin.advanced(bySeconds: Double(random.below(span)) - 1)
                let range = TimeRange(lower: lower, upper: lower.advanced(bySeconds: Double(random.below(span) + 1)))
                let wanted = all.filter { $0.begin < range.upper && $0.end >= range.lower }
                if try store.intervals(record.key, IntervalQuery(range: range)) != wanted {
                    return "\(record.key): the range \(range) gives other intervals"
                }
            }
        }
        return nil
    }
}
