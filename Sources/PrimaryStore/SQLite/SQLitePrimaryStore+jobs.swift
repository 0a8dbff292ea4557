import SQLiteClient
import Telemetry

extension SQLitePrimaryStore {
    package func jobs(_ key: AssignmentKey?, countMax: Int) throws(StoreError) -> [JobRecord] {
        try read { connection in try JobTable.rows(connection, key, countMax) }
    }

    package func heldJobs() throws(StoreError) -> [JobRecord] {
        try read { connection in try JobTable.held(connection) }
    }

    package func hold(_ job: JobRecord, slot: Slot, epoch: Int64) throws(StoreError) -> Int64 {
        let fence = Fence(slot, epoch: epoch, device: job.key.device)
        return try write { writer in
            try writer.check(fence)
            guard try RegistryTables.findAssignment(writer.connection, job.key) != nil else {
                throw StoreError.stale(job.key, reason: "not assigned any more")
            }
            for var older in try JobTable.held(writer.connection) where older.key == job.key {
                older.outcome = .superseded
                try JobTable.write(writer.connection, older)
            }
            var held = job
            held.outcome = .held
            return try JobTable.append(writer.connection, held)
        }
    }

    package func decide(
        job id: Int64, _ outcome: JobRecord.Outcome, slot: Slot, epoch: Int64
    ) throws(StoreError) -> JobRecord {
        guard outcome != .held else { throw .invalid("a held job cannot be held again") }
        let fence = Fence(slot, epoch: epoch, device: nil)
        return try write { writer in
            try writer.check(fence)
            guard var job = try JobTable.find(writer.connection, id: id), Slot(device: job.key.device) == slot else {
                throw StoreError.notFound("job \(id) of slot \(slot.rawValue)")
            }
            guard job.outcome == .held else {
                throw StoreError.invalid("job \(id) is \(job.outcome.rawValue), not held")
            }
            job.outcome = outcome
            try JobTable.write(writer.connection, job)
            return job
        }
    }

    package func settings() throws(StoreError) -> [String: String] {
        try read { connection in
            try connection.transaction(isWriting: false) {
                try Totals.check(connection, "settings")
                var settings: [String: String] = [:]
                try CheckedTable.settings.forEach(connection) { settings[$0[0].text ?? ""] = $0[1].text }
                return settings
            }
        }
    }

    package func setSetting(_ name: String, _ value: String?) throws(StoreError) {
        try write { writer in
            if let value {
                try CheckedTable.settings.put(writer.connection, [.text(name), .text(value)])
            } else {
                try CheckedTable.settings.delete(writer.connection, name)
            }
        }
    }
}
