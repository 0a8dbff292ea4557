import Calculators
import PrimaryStore
import Telemetry
import TimeZones

/// Recalculates from the messages what is stored, and tells every difference; nothing is changed.
///
/// It may run beside a server that writes: it reads in short transactions, and what looks like a difference is looked
/// at again with a fresh view of the store before it is told. What is only due to be calculated is told apart.
package struct Verification {
    /// What of the store is looked at; nil: all.
    package struct Selection: Sendable {
        package var device: DeviceID?
        package var calculator: CalculatorID?

        package init(device: DeviceID? = nil, calculator: CalculatorID? = nil) {
            self.device = device
            self.calculator = calculator
        }
    }

    /// One view of the store with the registry as it was then.
    struct View {
        var store: any PrimaryStore
        var picture: RegistryPicture
    }

    /// How often a device that differs is looked at while its assignments move on.
    static let attemptsMax = 4
    /// Jobs of the ledger whose moments activity is judged at, where it differs at the present one.
    static let jobsMax = 5

    /// Activity is judged at this moment, all timers due by then run.
    let now: Timestamp
    /// Whether a running server knows that something of an assignment waits to be calculated.
    package var isPending: (AssignmentKey) -> Bool = { _ in false }
    /// Asked after each block of so many messages whether to go on.
    package var mayGoOn: (Int) -> Bool = { _ in true }
    package private(set) var summary = VerificationSummary()
    /// Whether it was told to stop, so that not everything was looked at.
    package private(set) var isCut = false

    private let timeZones: TimeZoneDatabase
    private let open: () throws(StoreError) -> any PrimaryStore
    private(set) var view: View

    /// `open` gives the store as it is at the time of the call: one that is opened for reading only does not see later
    /// log batches and parameters.
    package init(
        timeZones: TimeZoneDatabase, now: Timestamp, open: @escaping () throws(StoreError) -> any PrimaryStore
    ) throws(StoreError) {
        self.timeZones = timeZones
        self.now = now
        self.open = open
        view = try Self.view(open, timeZones)
    }

    /// Looks at everything that is selected: devices one after the other, then the change feed.
    package mutating func run(
        _ selection: Selection, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in },
        report: (VerificationFinding) -> Void
    ) throws(StoreError) {
        let devices = devices(selection)
        for (index, device) in devices.enumerated() {
            try verify(device, selection.calculator.map { [$0] }, report)
            guard !isCut else { return }
            progress(index + 1, devices.count)
        }
        try verifyFeed(devices, selection, report)
    }

    /// Looks at one device, or asset, and its assignments of some calculators; nil: all.
    package mutating func verify(
        _ device: DeviceID, _ calculators: [CalculatorID]?, _ report: (VerificationFinding) -> Void
    ) throws(StoreError) {
        var look = DeviceLook()
        for attempt in 1...Self.attemptsMax {
            do {
                look = try self.look(at: device, calculators)
            } catch {
                // A horizon moved while it was looked at.
                guard case .stale = error, attempt < Self.attemptsMax else { throw error }
                try renew()
                continue
            }
            guard look.hasDifferences, !look.isCut else { break }
            let before = look.marks
            try renew()
            guard attempt < Self.attemptsMax else { break }
            // The first look may have mixed what was read at different moments.
            if attempt > 1, try marks(look.keys) == before { break }
        }
        try tell(look, report)
    }

    // MARK: Views

    private static func view(
        _ open: () throws(StoreError) -> any PrimaryStore, _ timeZones: TimeZoneDatabase
    ) throws(StoreError) -> View {
        let store = try open()
        return View(store: store, picture: try RegistryMirror(store: store, timeZones: timeZones).current())
    }

    mutating func renew() throws(StoreError) { view = try Self.view(open, timeZones) }

    func marks(_ keys: [AssignmentKey]) throws(StoreError) -> [AssignmentKey: AssignmentMarks] {
        var marks: [AssignmentKey: AssignmentMarks] = [:]
        for key in keys { marks[key] = try view.store.assignment(key)?.marks }
        return marks
    }

    private func devices(_ selection: Selection) -> [DeviceID] {
        let ids = view.picture.devices.keys.filter { id in
            guard selection.device.map({ $0 == id }) ?? true else { return false }
            guard let calculator = selection.calculator else { return true }
            return view.picture.assignments[AssignmentKey(calculator: calculator, device: id)] != nil
        }
        return ids.sorted()
    }

    // MARK: Telling

    private mutating func tell(
        _ look: DeviceLook, _ report: (VerificationFinding) -> Void
    ) throws(StoreError) {
        isCut = isCut || look.isCut
        summary.deviceCount += 1
        summary.assignmentCount += look.keys.count
        summary.messageCount += look.messageCount
        summary.intervalCount += look.intervalCount
        for finding in look.findings { note(finding, report) }
        for key in look.keys {
            guard let differences = look.differences[key], !differences.isEmpty else { continue }
            if let reason = try pendingReason(key, look) {
                var finding = VerificationFinding(.pending, key, text: reason)
                finding.count = differences.count
                note(finding, report)
            } else {
                for difference in differences { note(VerificationFinding(difference, key), report) }
            }
        }
    }

    private mutating func note(_ finding: VerificationFinding, _ report: (VerificationFinding) -> Void) {
        summary.add(finding)
        report(finding)
    }

    // MARK: Feed

    /// Replays the feed of every slot that the devices are in.
    private mutating func verifyFeed(
        _ devices: [DeviceID], _ selection: Selection, _ report: (VerificationFinding) -> Void
    ) throws(StoreError) {
        let isWhole = selection.device == nil && selection.calculator == nil
        let slots = isWhole ? Set((0..<Slot.count).map { Slot(rawValue: UInt8($0)) }) : Set(devices.map(Slot.init))
        for slot in slots.sorted(by: { $0.rawValue < $1.rawValue }) {
            var replay = FeedReplay(slot)
            try replay.read(view.store)
            let assigned = view.picture.assignments.keys.filter { Slot(device: $0.device) == slot }
            for key in replay.keys.union(assigned).sorted() where selection.contains(key) {
                for finding in try findings(key, &replay) { note(finding, report) }
            }
            for what in replay.corrupt { note(VerificationFinding(.corrupt, text: what), report) }
            summary.feedRowCount += replay.rowCount
        }
    }

    /// What is wrong in the feed of an assignment, once it is so in a second look with the rows that came meanwhile.
    private func findings(
        _ key: AssignmentKey, _ replay: inout FeedReplay
    ) throws(StoreError) -> [VerificationFinding] {
        var findings: [VerificationFinding] = []
        for _ in 1...Self.attemptsMax {
            let rows = replay.rowCount
            do {
                let held = try view.store.heldIntervals(key)
                let lastID = try view.store.assignment(key)?.marks.lastIntervalID ?? .max
                findings = replay.findings(key, held: held, lastID: lastID)
            } catch StoreError.corrupt {
                // It has been told with the device.
                return []
            }
            guard !findings.isEmpty else { return [] }
            try replay.read(view.store)
            if replay.rowCount == rows { return findings }
        }
        return findings
    }
}

extension Verification.Selection {
    func contains(_ key: AssignmentKey) -> Bool {
        (device.map { $0 == key.device } ?? true) && (calculator.map { $0 == key.calculator } ?? true)
    }
}
