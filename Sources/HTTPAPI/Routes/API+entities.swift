import PrimaryStore
import Telemetry

/// Geofences, groups and assets: what they have in common.
extension API {
    func entities(_ kind: EntityKind, _ text: String) throws(APIFailure) -> Selection<RegistryEntity> {
        catalog.present.entities(try ItemSelector(text, of: SelectableKind(kind), limits: limits), of: kind)
    }

    private func fields(_ kind: EntityKind, _ call: Call) throws(APIFailure) -> [String]? {
        try CollectionQuery.fields(call.value("fields"), known: kind.fields, noun: kind.noun)
    }

    func createEntities(_ kind: EntityKind, _ call: Call) async throws(APIFailure) -> Answer {
        let input = EntityInput(kind: kind, limits: limits)
        let fields = try fields(kind, call)
        return try await create(call) { value, path throws(APIFailure) in
            let settings = try input.created(from: value, path: path)
            let record = try await change { store throws(StoreError) in
                try store.createEntity(kind, name: settings.entityName, json: settings.text)
            } then: { contents, record in
                contents.set(RegistryEntity(record))
            }
            return ([RegistryEntity(record).json.cut(to: fields)], [])
        }
    }

    func readEntities(_ kind: EntityKind, _ call: Call) async throws(APIFailure) -> Answer {
        let selection = try entities(kind, call.segment("selector"))
        var query = try CollectionQuery(call, known: kind.fields, noun: kind.noun, limits: limits)
        let items = query.page(of: selection.items)
        return Answer(
            result: items.map { $0.json.cut(to: query.fields) }, errors: selection.errors, page: query.shown)
    }

    func changeEntities(_ kind: EntityKind, _ call: Call, merging: Bool) async throws(APIFailure) -> Answer {
        let input = EntityInput(kind: kind, limits: limits)
        let fields = try fields(kind, call)
        let value = try call.json()
        return try await each(try entities(kind, call.segment("selector"))) { entity throws(APIFailure) in
            let settings = try input.changed(entity.settings, by: value, merging: merging)
            guard settings != entity.settings else { return ([entity.json.cut(to: fields)], []) }
            let record = try await change { store throws(StoreError) in
                try store.replaceEntity(
                    kind, entity.id, name: settings.entityName, json: settings.text, expecting: entity.revision)
            } then: { contents, record in
                contents.set(RegistryEntity(record))
            }
            return ([RegistryEntity(record).json.cut(to: fields)], [])
        }
    }

    func deleteEntities(_ kind: EntityKind, _ call: Call) async throws(APIFailure) -> Answer {
        let selection = try entities(kind, call.segment("selector"))
        try await confirm(
            call, deletingIntervalsOf: ending(kind, selection.items.map(\.id)), by: "deleting the \(kind.noun)")
        let moment = now()
        return try await each(selection) { entity throws(APIFailure) in
            try await change { store throws(StoreError) in
                try store.deleteEntity(kind, entity.id, at: moment)
            } then: { contents, _ in
                contents.remove(kind, entity.id)
            }
            return ([.object([.init("id", JSONValue(entity.id))])], [])
        }
    }

    /// The assignments that end with entities.
    private func ending(_ kind: EntityKind, _ ids: [Int64]) -> [AssignmentKey] {
        let contents = catalog.present
        switch kind {
        case .geofence: return []
        case .group: return contents.assignments(endingWithout: ids.flatMap(contents.links(ofGroup:)))
        case .asset:
            return ids.map(DeviceID.init(asset:)).flatMap { stream in
                contents.calculators(of: stream).map {
                    AssignmentKey(calculator: $0, device: stream)
                }
            }
        }
    }
}

extension JSONValue {
    fileprivate var entityName: String { self["name"]?.stringValue ?? "" }
}
