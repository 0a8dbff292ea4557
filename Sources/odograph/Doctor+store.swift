import Glibc
import PrimaryStore
import Telemetry

/// The store: its library, its file, its contents.
extension Doctor {
    /// The first version without the bug that can lose what a checkpoint resets while another connection writes.
    private static let libraryWithoutBug = [3, 51, 3]
    /// Things of one kind that are told one by one.
    private static let shownMax = 20
    /// Seconds by which the clock may be behind the latest message that was accepted.
    private static let clockLagSeconds = 300.0

    func lookAtLibrary() {
        let version = StoreFile.libraryVersion
        let numbers = version.split(separator: ".").compactMap { Int($0) }
        let isOld = numbers.lexicographicallyPrecedes(Self.libraryWithoutBug)
        // One connection writes and checkpoints, and no file is mapped: what the bug needs never happens.
        say(
            .ok, "SQLite",
            version + (isOld ? ", which has the WAL-reset bug of before 3.51.3; one writer for a file avoids it" : ""))
    }

    func lookAtStore() {
        let file = StoreFile(folder: data)
        guard access(file.path, F_OK) == 0 else {
            return say(.warning, "store", "\(file.path) is not there", mend: "odograph serve makes it")
        }
        do throws(StoreError) {
            guard try lookAtSchema(file) else { return }
            guard lookAtPages(file) else { return }
            let store = try SQLitePrimaryStore(folder: data, mode: .readOnly)
            lookAtContents(store)
            store.close()
        } catch {
            say(.error, "store", "\(file.path) cannot be read: \(error)", mend: Self.restoring)
        }
    }

    private static let restoring = "stop the server, keep a copy of the folder, and odograph restore a backup"

    private func lookAtSchema(_ file: StoreFile) throws(StoreError) -> Bool {
        let (schema, known) = (try file.schema(), StoreFile.schemaKnown)
        if schema == known {
            say(.ok, "schema", "version \(schema)")
        } else if schema < known {
            say(
                .warning, "schema", "version \(schema); this program writes \(known)",
                mend: "odograph serve brings it up to date; make a backup before")
        } else {
            say(
                .error, "schema", "version \(schema) is newer than \(known), which this program knows",
                mend: "use the program that made it, or a later one")
        }
        return schema == known
    }

    private func lookAtPages(_ file: StoreFile) -> Bool {
        do throws(StoreError) {
            guard let damage = try file.damage() else {
                say(.ok, "pages", "SQLite finds them whole")
                return true
            }
            say(.error, "pages", damage, mend: Self.restoring)
        } catch { say(.error, "pages", "\(error)", mend: Self.restoring) }
        return false
    }

    private func lookAtContents(_ store: SQLitePrimaryStore) {
        look("registry") { () throws(StoreError) in
            let registry = try store.registry()
            say(
                .ok, "registry",
                "\(registry.devices.count) devices, \(registry.calculators.count) calculators, "
                    + "\(registry.assignments.count) assignments")
            try lookAtApart(store, registry)
        }
        look("clock") { () throws(StoreError) in try lookAtSlotTimes(store) }
        look("damaged chunks") { () throws(StoreError) in try lookAtChunks(store) }
        look("held jobs") { () throws(StoreError) in try lookAtJobs(store) }
        look("rows") { () throws(StoreError) in try audit(store) }
    }

    /// Has a look at one thing; what goes wrong on the way is what is told.
    private func look(_ name: String, _ body: () throws(StoreError) -> Void) {
        do throws(StoreError) { try body() } catch {
            say(.error, name, "cannot be read: \(error)", mend: Self.restoring)
        }
    }

    private func lookAtApart(_ store: SQLitePrimaryStore, _ registry: RegistrySnapshot) throws(StoreError) {
        var (total, dropped, devices) = (Int64(0), Int64(0), 0)
        for device in registry.devices {
            let counts = try store.apartCounts(device: device.id)
            total += counts.reduce(0) { $0 + $1.count }
            dropped += counts.reduce(0) { $0 + $1.droppedCount }
            if !counts.isEmpty { devices += 1 }
        }
        guard total > 0 else { return say(.ok, "messages kept apart", "none ever were") }
        say(
            dropped > 0 ? .warning : .ok, "messages kept apart",
            "\(total) of \(devices) devices so far" + (dropped > 0 ? ", \(dropped) of them beyond what is kept" : ""),
            mend: "GET /gw/devices/all/messages/apart lists them")
    }

    private func lookAtSlotTimes(_ store: SQLitePrimaryStore) throws(StoreError) {
        guard let latest = try store.slotTimes().max(), latest > .distantPast else { return }
        let lag = latest.seconds - now.seconds
        guard lag > Self.clockLagSeconds else { return }
        say(
            .error, "clock", "it is \(Int(lag)) s behind the latest message that was accepted",
            mend: "set the clock; what expires is judged by the messages")
    }

    private func lookAtChunks(_ store: SQLitePrimaryStore) throws(StoreError) {
        let chunks = try store.damagedChunks(device: nil)
        for chunk in chunks.prefix(Self.shownMax) {
            say(
                .error, "damaged chunk",
                "\(chunk.count) messages of device \(chunk.device) from \(chunk.first.seconds): \(chunk.reason)",
                mend: "send the messages again, or restore them from a backup")
        }
        if chunks.count > Self.shownMax {
            say(.error, "damaged chunk", "\(chunks.count - Self.shownMax) more are not listed")
        }
        if chunks.isEmpty { say(.ok, "damaged chunks", "none is set apart") }
    }

    private func lookAtJobs(_ store: SQLitePrimaryStore) throws(StoreError) {
        let jobs = try store.heldJobs()
        for job in jobs.prefix(Self.shownMax) {
            let device = job.key.device.assetID.map { ("assets", $0) } ?? ("devices", job.key.device.rawValue)
            let path = "/gw/calcs/\(job.key.calculator)/\(device.0)/\(device.1)/jobs/\(job.id)"
            say(
                .warning, "held job", "job \(job.id) would delete \(job.deletedCount) intervals",
                mend: "POST \(path) {\"action\":\"release\"} or {\"action\":\"discard\"}")
        }
        if jobs.count > Self.shownMax {
            say(.warning, "held job", "\(jobs.count - Self.shownMax) more are not listed")
        }
        if jobs.isEmpty { say(.ok, "held jobs", "none waits") }
    }

    /// Compares counts and checksums with the rows there are: slot by slot, then what belongs to no slot.
    private func audit(_ store: SQLitePrimaryStore) throws(StoreError) {
        var findings: [String] = []
        for slot in SlotSet.all.slots {
            findings += try store.audit(slots: [slot])
            progress(Int(slot.rawValue) + 1, Slot.count)
        }
        findings += try store.auditTables()
        for finding in findings.prefix(Self.shownMax) { say(.error, "rows", finding, mend: Self.restoring) }
        if findings.count > Self.shownMax {
            say(.error, "rows", "\(findings.count - Self.shownMax) findings more are not listed")
        }
        if findings.isEmpty { say(.ok, "rows", "all that were written are there as they were") }
    }
}
