import PrimaryStore
import ReferenceEvaluator
import SeededRandom
import StoreSupport
import Telemetry

@testable import CalcProcess

/// Bytes of the store that are not what was written: what is lost by that is told, never passed over in silence.
///
/// Messages that lay in what was damaged may be missing afterwards, unless a cache had them. Then every answer that
/// would need them is refused, and a verification names them; all other invariants hold as before.
extension Simulation {
    private var path: String { storeDisk.folder + "/primary.db" }

    /// A chunk of the archive or a batch of the log is damaged, or a chunk vanishes.
    func damageStore() {
        guard let device = devices.filter({ !$0.isGone }).randomElement(using: &random) else { return }
        do {
            if random.among(3) { try damageBatch(of: device.id) } else { try damageChunk(of: device.id) }
        } catch {
            // What is damaged already, or a store that does nothing just now.
            if let error = error as? StoreError { noteStoreError(error) }
            note("not damaged: \(error)")
        }
    }

    private func damageChunk(of device: DeviceID) throws {
        let chunks = try store.archivedChunks(device: device, overlapping: .all)
        guard let chunk = chunks.randomElement(using: &random) else { return }
        noteDamage(try MessageHistory.decode(chunk, device: device), device)
        let place = "WHERE device = \(device) AND first = \(chunk.first.microseconds)"
        let vanishes = random.among(4)
        note("chunk of \(device) at \(chunk.first.seconds) \(vanishes ? "vanishes" : "is damaged")")
        let sql =
            vanishes
            ? "DELETE FROM chunks \(place)" : "UPDATE chunks SET bytes = \(FileChange.damaged("bytes")) \(place)"
        try FileChange.run(sql, on: path)
        faults.count(vanishes ? "chunk vanished" : "chunk damaged")
    }

    private func damageBatch(of device: DeviceID) throws {
        let entries = try store.readLog(device: device, after: 0).entries
        guard let entry = entries.randomElement(using: &random) else { return }
        noteDamage(try entry.batch(), device)
        note("batch \(entry.position) of \(device) is damaged")
        try FileChange.run(
            "UPDATE log SET bytes = \(FileChange.damaged("bytes")) WHERE position = \(entry.position)", on: path)
        faults.count("batch of the log damaged")
    }

    private func noteDamage(_ batch: MessageBatch, _ device: DeviceID) {
        hasEdits = true
        damagedDevices.insert(device)
        journal.noteDamaged(batch, of: device)
    }

    /// What of the damage nobody has dealt with yet; nil if that is nothing. Devices of which nothing is calculated are
    /// looked at slot by slot, which takes longer than a rest.
    func damageLeft() -> String? {
        let assigned = Set(((try? store.registry())?.assignments ?? []).map(\.key.device))
        for device in damagedDevices.intersection(assigned).sorted() {
            guard let damaged = try? store.damagedChunks(device: device) else { return "damage cannot be read" }
            if let chunk = damaged.first(where: { $0.since == nil }) {
                return "a damaged chunk of device \(device) is not dealt with: \(chunk.reason)"
            }
        }
        return nil
    }

    /// All messages of a device that can be read, and whether the reader was told that some cannot; nil if none can.
    func readMessages(_ device: DeviceID) throws -> (blocks: [MessageBatch], isTold: Bool)? {
        do {
            // What the store finds itself when it is asked is told, though nobody has set it apart yet.
            let isFound = try damagedDevices.contains(device) && !store.damagedChunks(device: device).isEmpty
            return (try blocks(device, passesOverDamage: false), isFound)
        } catch {
            guard case StoreError.corrupt = error, damagedDevices.contains(device) else { throw error }
        }
        faults.count("devices with damage that is told")
        do { return (try blocks(device, passesOverDamage: true), true) } catch {
            guard case StoreError.corrupt = error else { throw error }
            return nil
        }
    }

    private func blocks(_ device: DeviceID, passesOverDamage: Bool) throws -> [MessageBatch] {
        var blocks: [MessageBatch] = []
        try MessageHistory(store: store).forEachBlock(
            device: device, range: .all, passesOverDamage: passesOverDamage
        ) { block in
            blocks.append(block)
            return true
        }
        return blocks
    }

    /// Whether a finding tells of damage that was done, or of what follows from it.
    func isOfDamage(_ finding: VerificationFinding) -> Bool {
        guard !damagedDevices.isEmpty else { return false }
        // An asset is calculated from what its devices sent; it shows as a difference what is set apart of theirs.
        if finding.key?.device.assetID != nil { return true }
        guard finding.kind == .corrupt else { return false }
        return damagedDevices.contains { finding.text?.contains("device \($0)") ?? false }
    }

    // MARK: The last of all

    /// Damages a row of the store of which no copy is kept, and returns why a verification does not tell of it.
    func damageAtLast() throws -> String? {
        let store = store
        let keys = try store.registry().assignments.map(\.key)
        let held = try keys.flatMap { key in try store.heldIntervals(key).map { (key, $0.id) } }
        guard let (key, id) = held.randomElement(using: &random) else { return nil }
        let interval = "WHERE calc = \(key.calculator) AND device = \(key.device) AND id = \(id)"
        let feed = "WHERE slot = \(Slot(device: key.device).rawValue) AND calc = \(key.calculator) AND id = \(id)"
        let sql = random.pick([
            "UPDATE intervals SET json = \(FileChange.damaged("json")) \(interval)",
            "UPDATE intervals SET end_at = end_at + 1 \(interval)", "DELETE FROM intervals \(interval)",
            "UPDATE feed SET begin_at = begin_at + 1 \(feed)", "UPDATE feed SET crc = crc + 1 \(feed)",
            "DELETE FROM feed \(feed)",
        ])
        try FileChange.run(sql, on: path)
        faults.count("damage at last")
        note("at last: \(sql)")
        do throws(StoreError) {
            var verification = try Verification(timeZones: timeZones, now: clock.now) { store }
            var lines: [String] = []
            let part = Verification.Selection(device: random.among(2) ? key.device : nil)
            try verification.run(part) { if $0.isDifference { lines.append($0.json.text) } }
            guard let line = lines.first(where: { $0.contains("\(id)") || $0.contains("corrupt") }) else {
                return "no verification tells of this: \(sql)"
            }
            note(line)
            let isCounted = verification.summary.differenceCount == lines.count
            return isCounted ? nil : "a verification counts \(verification.summary.members) for \(lines.count)"
        } catch {
            if case .corrupt = error { return nil }
            throw error
        }
    }
}
