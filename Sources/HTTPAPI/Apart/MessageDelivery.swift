import Ingest
import PrimaryStore
import Telemetry

/// Sorts decoded messages to their devices, keeps apart what may not be taken, and says what cannot be stored.
struct MessageDelivery {
    let now: Timestamp
    let limits: APILimits
    let table: ParameterTable
    private let devices: DeliveryDevices
    private(set) var appends: [LogAppend] = []
    private(set) var apart: [ApartMessage] = []
    private(set) var errors: [ErrorItem]
    private(set) var refusedCount = 0
    /// What came of each device, in the order in which they came.
    private var outcomes: [(device: DeviceID, taken: Int, apart: Int)] = []
    private var outcomeOfDevice: [DeviceID: Int] = [:]

    init(devices: DeliveryDevices, now: Timestamp, limits: APILimits, table: ParameterTable) {
        self.now = now
        self.limits = limits
        self.table = table
        self.devices = devices
        errors = devices.errors
    }

    /// Whether all that came is to be stored, and nothing is to be told beside.
    var isWhole: Bool { errors.isEmpty && apart.isEmpty && refusedCount == 0 && !appends.isEmpty }

    var acceptedCount: Int { outcomes.reduce(0) { $0 + $1.taken } }

    /// One item for each device that got messages, or had some kept apart.
    var result: [JSONValue] {
        outcomes.map { device, taken, apart in
            .object(
                [.init("accepted", JSONValue(taken))] + (apart > 0 ? [.init("apart", JSONValue(apart))] : [])
                    + [.init("device_id", JSONValue(device.rawValue))])
        }
    }

    /// The devices whose messages a body holds.
    func devices(in decoded: DecodedMessages) -> [DeviceEntity] {
        var seen: Set<DeviceID> = []
        return (decoded.byIdent + decoded.future).compactMap { devices.device($0.ident) }.filter {
            seen.insert($0.id).inserted
        }
    }

    mutating func add(_ decoded: DecodedMessages, horizons: [DeviceID: Timestamp]) {
        refusedCount += decoded.refused
        let kept = keepImpossible(decoded.impossible)
        for problem in decoded.problems {
            var item = ErrorItem(.badRequest, problem.description)
            item.index = problem.index
            item.parameter = problem.parameter
            if !problem.refusesMessage { item.hint = "the message was stored without it" }
            if problem.refusesMessage, let device = kept[problem.index] { item.hint = Self.hint(.impossible, device) }
            errors.append(item)
        }
        if decoded.problemsOmitted > 0 {
            errors.append(ErrorItem(.badRequest, "\(decoded.problemsOmitted) problems more are not listed"))
        }
        // What lies ahead of its acceptance is sorted as all else is: imported history is accepted at its own time.
        for group in decoded.byIdent + decoded.future { add(group, horizons) }
    }

    private mutating func add(_ group: IdentMessages, _ horizons: [DeviceID: Timestamp]) {
        guard let device = devices.device(group.ident) else { return refuseIdent(group) }
        let sieve = MessageSieve(
            horizon: horizons[device.id] ?? .distantPast, now: now, futureSecondsMax: limits.futureSecondsMax)
        let (taken, others) = sieve.sift(group.messages)
        if !taken.isEmpty {
            appends.append(LogAppend(device: device.id, batch: taken))
            note(device.id, taken: taken.count)
        }
        for reason in ApartReason.allCases {
            guard let rows = others[reason] else { continue }
            keepApart(group, rows, device.id, reason)
        }
    }

    private mutating func note(_ device: DeviceID, taken: Int = 0, apart: Int = 0) {
        let index = outcomeOfDevice[device] ?? outcomes.count
        if index == outcomes.count {
            outcomes.append((device, 0, 0))
            outcomeOfDevice[device] = index
        }
        outcomes[index].taken += taken
        outcomes[index].apart += apart
    }
}

// MARK: - What is kept apart, and what is refused

extension MessageDelivery {
    /// Keeps messages without a possible timestamp; gives the device of each by its place in the body.
    private mutating func keepImpossible(_ messages: [ImpossibleMessage]) -> [Int: DeviceID] {
        var kept: [Int: DeviceID] = [:]
        for message in messages {
            guard let device = devices.device(message.ident) else { continue }
            apart.append(ApartMessage(impossible: message.json, of: device.id, at: now))
            note(device.id, apart: 1)
            refusedCount -= 1
            kept[message.index] = device.id
        }
        return kept
    }

    private mutating func keepApart(_ group: IdentMessages, _ rows: [Int], _ device: DeviceID, _ reason: ApartReason) {
        let made = ApartMessage.messages(
            group.messages, rows: rows, of: device, reason: reason, at: now, table: table)
        apart += made.kept
        note(device, apart: made.kept.count)
        var item = ErrorItem(
            .badRequest, "\(rows.count) messages \(reason.phrase); they were kept apart",
            hint: Self.hint(reason, device))
        item.parameter = "timestamp"
        item.ident = group.ident
        item.count = rows.count
        item.id = device.rawValue
        if rows.count == group.messages.count { item.index = group.firstIndex }
        if made.tooLongCount > 0 {
            refusedCount += made.tooLongCount
            item.reason += ", but for \(made.tooLongCount) of over \(ApartMessage.byteCountMax) bytes, which were not"
        }
        errors.append(item)
    }

    /// How to see what is kept apart, and to admit it.
    private static func hint(_ reason: ApartReason, _ device: DeviceID) -> String {
        let path = "/gw/devices/\(device)/messages/apart"
        return switch reason {
        case .future: "check the device's clock; GET \(path) lists them, POST \(path)/all admits them"
        case .late: "GET \(path) lists them; a longer messages_ttl keeps such messages in the future"
        case .impossible:
            "it was kept apart: GET \(path) lists it, POST \(path)/{id} with {\"timestamp\":…} admits it"
        }
    }

    private mutating func refuseIdent(_ group: IdentMessages) {
        let count = group.messages.count
        refusedCount += count
        var item: ErrorItem
        if let ident = group.ident {
            item = ErrorItem(
                .notFound, "no selected device has the ident \"\(ident)\"; \(count) messages were not stored",
                hint: devices.only.map { "device \($0.id) has the ident \"\($0.ident)\"" })
        } else {
            item = ErrorItem(
                .badRequest, "the selector matches several devices; \(count) messages name none and were not stored",
                hint: "give each message its ident")
        }
        item.ident = group.ident
        item.count = count
        errors.append(item)
    }
}
