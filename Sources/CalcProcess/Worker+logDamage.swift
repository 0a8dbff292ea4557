import Logging
import PrimaryStore
import Telemetry

extension Worker {
    /// The next batches of the slots that this worker watches; one that is damaged is passed over, and its row stays.
    func readLogTolerantly(after: Int64) throws -> LogPage {
        do throws(StoreError) {
            return try store.readLog(after: after, slots: watchedSlots)
        } catch .corrupt(let reason) {
            let found = try damagedPosition(after: after, watchedSlots)
            if let page = found.page { return page }
            try passOver(found.position, reason)
            return LogPage(entries: [], reached: found.position, isCut: true)
        }
    }

    /// Reads the log of a device up to this worker's position; what is damaged is passed over. `stream` is what is made
    /// of it and says so: the device, or an asset for which it stood.
    func forEachReadableEntry(
        of device: DeviceID, for stream: DeviceID, _ body: (LogEntry) throws -> Void
    ) throws {
        var after: Int64 = 0
        while after < position {
            do {
                let page = try store.readLog(device: device, after: after)
                for entry in page.entries where entry.position <= position { try body(entry) }
                after = page.reached
                guard page.isCut else { return }
            } catch StoreError.corrupt(let reason) {
                noteDamage(stream, reason)
                after = try passOverNext(of: device, after: after, body)
            }
        }
    }

    /// Reads a device's log entry by entry up to the first that is damaged; returns the position to go on after.
    private func passOverNext(
        of device: DeviceID, after: Int64, _ body: (LogEntry) throws -> Void
    ) throws -> Int64 {
        var after = after
        while after < position {
            do {
                let page = try store.readLog(device: device, after: after, limit: LogLimit(entryCountMax: 1))
                for entry in page.entries where entry.position <= position { try body(entry) }
                after = page.reached
                if !page.isCut { break }
            } catch StoreError.corrupt {
                var slots = SlotSet()
                slots.insert(Slot(device: device))
                var found = try damagedPosition(after: after, slots)
                while let page = found.page { found = try damagedPosition(after: page.reached, slots) }
                return found.position
            }
        }
        return after
    }

    /// The place of the first damaged batch of some slots, and what can be read before it.
    private func damagedPosition(
        after: Int64, _ slots: SlotSet
    ) throws -> (position: Int64, page: LogPage?) {
        var good = after
        var bad = store.lastPosition
        var page: LogPage?
        while bad - good > 1 {
            let middle = good + (bad - good) / 2
            do throws(StoreError) {
                let read = try store.readLog(after: after, upTo: middle, slots: slots, limit: LogLimit())
                if read.isCut { return (read.reached, read) }
                good = middle
                page = read
            } catch .corrupt { bad = middle }
        }
        return (bad, page)
    }

    private func passOver(_ position: Int64, _ reason: String) throws {
        setup.logger.error(
            "batch of the log is damaged and passed over",
            metadata: ["position": "\(position)", "reason": "\(reason)"])
        setup.board.count { $0.logBatchesDamaged += 1 }
        let waiting = try store.pendingLog(slots: watchedSlots)
        for pending in waiting where pending.firstPosition <= position && position <= pending.lastPosition {
            guard let reason = try damage(of: pending.device, at: position) else { continue }
            for stream in [pending.device] + (picture.assetsOfDevice[pending.device] ?? []) {
                noteDamage(stream, reason)
            }
        }
    }

    /// What is wrong with the batch of a device that stands at a position; nil if there is none or it can be read.
    private func damage(of device: DeviceID, at position: Int64) throws -> String? {
        do {
            _ = try store.readLog(device: device, after: position - 1, limit: LogLimit(entryCountMax: 1))
            return nil
        } catch StoreError.corrupt(let reason) { return reason }
    }
}
