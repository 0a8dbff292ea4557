import LocalCache
import Logging
import PrimaryStore
import Telemetry

/// Something that was found wrong with what is stored.
package struct HealthFinding: Sendable, Hashable {
    package var moment: Timestamp
    package var text: String

    package init(moment: Timestamp, text: String) {
        self.moment = moment
        self.text = text
    }
}

extension Worker {
    /// Looks for damage in the background, at one slot of the store and at one device at a time.
    func scrub() throws {
        guard now >= nextScrub else { return }
        nextScrub = now.advanced(bySeconds: setup.scrubSeconds)
        try scrubStore()
        try scrubDevice()
    }

    /// Compares the running counts and checksums of the next slot with its rows; where they do not fit, every device of
    /// the slot is looked at.
    private func scrubStore() throws {
        guard let slot = setup.slots.slots.following(scrubbedSlot) else { return }
        scrubbedSlot = slot
        let findings = try audit(slot)
        guard !findings.isEmpty else { return }
        for finding in findings { note("slot \(slot.rawValue): \(finding)") }
        let devices = picture.devices.lazy.filter { Slot(device: $0.key) == slot && !$0.value.isAsset }.map(\.key)
        for device in devices.sorted() { try lookForDamage(device) }
    }

    private func audit(_ slot: Slot) throws(StoreError) -> [String] {
        do throws(StoreError) { return try store.audit(slots: [slot]) } catch {
            guard case .corrupt(let reason) = error else { throw error }
            return [reason]
        }
    }

    /// Reads all that is stored of the next device, here and in the archive. A damaged cache is built anew.
    private func scrubDevice() throws {
        let synced = devices.filter { $0.value.sync == .synced }.map(\.key)
        guard let device = synced.following(scrubbedDevice) else { return }
        scrubbedDevice = device
        do throws(CacheError) { try cache.audit(device, readsBodies: true) } catch {
            if case .corrupt(let reason) = error { note("cache of device \(device): \(reason)") }
            throw error
        }
        if picture.devices[device]?.isAsset == false { try lookForDamage(device) }
    }

    private func note(_ finding: String) {
        setup.logger.error("damage found", metadata: ["finding": "\(finding)"])
        setup.board.note(HealthFinding(moment: now, text: finding))
    }
}

extension Collection where Element: Comparable {
    /// The element after another in ascending order, from the first one again after the last; nil if there is none.
    fileprivate func following(_ last: Element?) -> Element? {
        guard let last else { return self.min() }
        return self.filter { $0 > last }.min() ?? self.min()
    }
}
