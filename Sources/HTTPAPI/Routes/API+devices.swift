import CalcProcess
import Expressions
import PrimaryStore
import Telemetry

extension API {
    func createDevices(_ call: Call) async throws(APIFailure) -> Answer {
        let input = DeviceInput(limits: limits)
        let fields = try deviceFields(call)
        var failures = ItemFailures()
        var wanted: [(index: Int, device: NewDevice)] = []
        for (index, item) in try items(of: call).enumerated() {
            do throws(APIFailure) {
                let settings = try input.created(from: item.value, path: item.path)
                wanted.append((index, NewDevice(ident: settings.ident, name: settings.name, json: settings.text)))
            } catch { failures.note(error, index) }
        }
        var devices: [DeviceEntity] = []
        for (new, result) in zip(wanted, try await create(wanted.map(\.device))) {
            switch result {
            case .success(let record): devices.append(DeviceEntity(record))
            case .failure(let error): failures.note(APIFailure(error), new.index)
            }
        }
        for device in devices { activity.note(device.id, nil) }
        return Answer(
            result: try await rendered(devices, fields: fields), errors: failures.items, schemaHint: failures.hint)
    }

    /// Creates devices in one commit, those that can be.
    private func create(_ devices: [NewDevice]) async throws(APIFailure) -> [Result<DeviceRecord, StoreError>] {
        guard !devices.isEmpty else { return [] }
        let catalog = catalog
        return try await stored { store in
            do throws(NoneCreated) {
                return try catalog.changing { () throws(NoneCreated) in
                    let results = store.createDevices(devices)
                    // What is refused as a whole is no change, and whoever keeps answers keeps them.
                    guard results.contains(where: { (try? $0.get()) != nil }) else { throw NoneCreated(results) }
                    return results
                } then: { contents, results in
                    for case .success(let record) in results { contents.set(DeviceEntity(record)) }
                }
            } catch { return error.results }
        }
    }

    /// Why of several devices none was created.
    private struct NoneCreated: Error {
        let results: [Result<DeviceRecord, StoreError>]

        init(_ results: [Result<DeviceRecord, StoreError>]) { self.results = results }
    }

    private func deviceFields(_ call: Call) throws(APIFailure) -> [String]? {
        try CollectionQuery.fields(call.value("fields"), known: DeviceEntity.fields, noun: "device")
    }

    /// Creates one entity for each item of the body; each stands for itself.
    func create(
        _ call: Call, _ one: (JSONValue, String) async throws(APIFailure) -> ([JSONValue], [JSONValue])
    ) async throws(APIFailure) -> Answer {
        var (result, warnings, failures) = ([JSONValue](), [JSONValue](), ItemFailures())
        for (index, item) in try items(of: call).enumerated() {
            do throws(APIFailure) {
                let made = try await one(item.value, item.path)
                result += made.0
                warnings += made.1
            } catch { failures.note(error, index) }
        }
        return Answer(result: result, errors: failures.items, warnings: warnings, schemaHint: failures.hint)
    }

    /// The items of a body, which may be one alone, each with its JSON path.
    private func items(of call: Call) throws(APIFailure) -> [(value: JSONValue, path: String)] {
        let body = try call.json()
        guard let items = body.arrayValue else { return [(body, "")] }
        guard items.count <= limits.itemsMax else {
            throw APIFailure(
                .tooLarge, "the body has \(items.count) items; at most \(limits.itemsMax) are taken at once")
        }
        return items.enumerated().map { ($0.element, "[\($0.offset)]") }
    }

    /// What could not be done of the items of a body.
    private struct ItemFailures {
        private var failures: [(index: Int, failure: APIFailure)] = []

        mutating func note(_ failure: APIFailure, _ index: Int) { failures.append((index, failure)) }

        private var inOrder: [(index: Int, failure: APIFailure)] { failures.sorted { $0.index < $1.index } }

        var items: [ErrorItem] {
            inOrder.flatMap { index, failure in
                failure.items.map { item in
                    var item = item
                    item.index = index
                    return item
                }
            }
        }

        var hint: SchemaHint? { inOrder.lazy.compactMap(\.failure.schemaHint).first }
    }

    func readDevices(_ call: Call) async throws(APIFailure) -> Answer {
        let selection = try devices(call.segment("selector"))
        var query = try CollectionQuery(call, known: DeviceEntity.fields, noun: "device", limits: limits)
        let items = query.page(of: selection.items)
        return Answer(
            result: try await rendered(items, fields: query.fields), errors: selection.errors, page: query.shown)
    }

    func replaceDevices(_ call: Call) async throws(APIFailure) -> Answer {
        try await changeDevices(call, merging: false)
    }

    func mergeDevices(_ call: Call) async throws(APIFailure) -> Answer { try await changeDevices(call, merging: true) }

    private func changeDevices(_ call: Call, merging: Bool) async throws(APIFailure) -> Answer {
        let input = DeviceInput(limits: limits)
        let fields = try deviceFields(call)
        let value = try call.json()
        let selection = try devices(call.segment("selector"))
        return try await each(selection) { device throws(APIFailure) in
            let settings = try input.changed(device.settings, by: value, merging: merging)
            guard settings != device.settings else { return (try await rendered([device], fields: fields), []) }
            let (ident, name, moment) = (settings.ident, settings.name, now())
            // With another messages_ttl it may move by now, or stand still.
            horizons.forget(device.id)
            let record = try await change { store throws(StoreError) in
                try store.replaceDevice(
                    device.id, ident: ident, name: name, json: settings.text, expecting: device.revision,
                    at: moment)
            } then: { contents, record in
                contents.set(DeviceEntity(record))
            }
            return (try await rendered([DeviceEntity(record)], fields: fields), [])
        }
    }

    func deleteDevices(_ call: Call) async throws(APIFailure) -> Answer {
        let moment = now()
        return try await each(try devices(call.segment("selector"))) { device throws(APIFailure) in
            try await change { store throws(StoreError) in
                try store.deleteDevice(device.id, at: moment)
            } then: { contents, _ in
                contents.remove(device.id)
            }
            activity.forget(device.id)
            horizons.forget(device.id)
            return ([.object([.init("id", JSONValue(device.id.rawValue))])], [])
        }
    }

    /// What was done to one entity.
    struct Done {
        var result: [JSONValue]
        var warnings: [JSONValue] = []
        /// What of it could not be done.
        var errors: [ErrorItem] = []
    }

    /// Does one thing to each selected entity; one that fails leaves the others alone.
    func each<Entity: Identified>(
        _ selection: Selection<Entity>, _ one: (Entity) async throws(APIFailure) -> ([JSONValue], [JSONValue])
    ) async throws(APIFailure) -> Answer {
        try await eachDone(selection) { entity throws(APIFailure) in
            let (result, warnings) = try await one(entity)
            return Done(result: result, warnings: warnings)
        }
    }

    func eachDone<Entity: Identified>(
        _ selection: Selection<Entity>, _ one: (Entity) async throws(APIFailure) -> Done
    ) async throws(APIFailure) -> Answer {
        var (result, errors, warnings) = ([JSONValue](), selection.errors, [JSONValue]())
        var hint: SchemaHint?
        for entity in selection.items {
            do throws(APIFailure) {
                let done = try await one(entity)
                result += done.result
                warnings += done.warnings
                errors += done.errors
            } catch {
                errors += error.items.map { item in
                    var item = item
                    item.id = entity.number
                    return item
                }
                hint = hint ?? error.schemaHint
            }
        }
        return Answer(result: result, errors: errors, warnings: warnings, schemaHint: hint)
    }
}

/// What has an id.
protocol Identified: Sendable {
    var number: Int64 { get }
}

extension DeviceEntity: Identified { var number: Int64 { id.rawValue } }
extension CalculatorEntity: Identified { var number: Int64 { id.rawValue } }

extension JSONValue {
    fileprivate var ident: String { self["configuration"]?["ident"]?.stringValue ?? "" }
    fileprivate var name: String { self["name"]?.stringValue ?? "" }
}

// MARK: - What must be looked up

extension API {
    /// Devices further than this in an answer tell `last_active` only if it is known already.
    private static let lookUpsMax = 20

    func rendered(_ devices: [DeviceEntity], fields: [String]?) async throws(APIFailure) -> [JSONValue] {
        if fields?.contains("last_active") ?? true, devices.count <= Self.lookUpsMax {
            try await lookUpActivity(devices)
        }
        let borders = try await knownHorizons(devices, fields: fields)
        let sizes = fields?.contains("messages_size") ?? false ? try await messageSizes(devices) : [:]
        return devices.map { device in
            var json = device.json
            json["last_active"] = JSONValue(activity[device.id].flatMap { $0 })
            json["sync_state"] = .string(calculation.status(of: device.id).sync.rawValue)
            json["horizon"] = JSONValue(borders[device.id].flatMap { $0 == .distantPast ? nil : $0 })
            if let size = sizes[device.id] { json["messages_size"] = JSONValue(size) }
            return json.cut(to: fields)
        }
    }

    /// The horizons of devices: of those whose messages expire, and of all where they are few.
    private func knownHorizons(
        _ devices: [DeviceEntity], fields: [String]?
    ) async throws(APIFailure) -> [DeviceID: Timestamp] {
        guard fields?.contains("horizon") ?? true else { return [:] }
        return try await horizons(of: devices.count <= Self.lookUpsMax ? devices : devices.filter(\.expires))
    }

    /// The last message of each device that has not been heard since the start.
    private func lookUpActivity(_ devices: [DeviceEntity]) async throws(APIFailure) {
        let activity = activity
        let unknown = devices.map(\.id).filter { activity[$0] == nil }
        guard !unknown.isEmpty else { return }
        let recent = TimeRange(lower: now().advanced(bySeconds: -7 * 86_400), upper: .distantFuture)
        try await stored { store throws(StoreError) in
            let history = MessageHistory(store: store)
            for device in unknown {
                var last: Timestamp?
                for range in [recent, .all] where last == nil {
                    // Damage is told by the routes that show the messages themselves.
                    try history.forEachBlock(device: device, range: range, isReversed: true, passesOverDamage: true) {
                        block in
                        last = block.acceptances.max().map(Timestamp.init(microseconds:))
                        return false
                    }
                }
                activity.note(device, last)
            }
        }
    }

    /// Bytes of the stored messages, archive and log.
    private func messageSizes(_ devices: [DeviceEntity]) async throws(APIFailure) -> [DeviceID: Int] {
        let ids = devices.map(\.id)
        return try await stored { store throws(StoreError) in
            var sizes: [DeviceID: Int] = [:]
            for id in ids {
                var size = 0
                try store.forEachArchivedChunk(device: id) { chunk in
                    size += chunk.bytes.count
                    return true
                }
                var after: Int64 = 0
                while true {
                    let page = try store.readLog(device: id, after: after)
                    size += page.entries.reduce(0) { $0 + $1.bytes.count }
                    after = page.reached
                    if !page.isCut { break }
                }
                sizes[id] = size
            }
            return sizes
        }
    }
}
