import PrimaryStore
import Telemetry

/// Links between calculators, groups, geofences, devices and assets.
extension API {
    /// What stands at one end of a link.
    private struct LinkEnd: Identified {
        let number: Int64
        let name: String
    }

    /// The links a path names, with what it named and is not there.
    private struct LinkSelection {
        var links: [LinkRecord] = []
        var names: [Int64: String] = [:]
        var errors: [ErrorItem] = []
    }

    func makeLinks(_ kind: LinkKind, _ call: Call) async throws(APIFailure) -> Answer {
        let (froms, tos) = try ends(kind, call)
        guard froms.items.count * tos.items.count <= limits.assignmentsMax else { throw tooManyLinks }
        let links = froms.items.flatMap { from in
            tos.items.map { LinkRecord(kind: kind, from: from.number, to: $0.number) }
        }
        let moment = now()
        if !links.isEmpty {
            _ = try await change { store throws(StoreError) in
                try store.link(links, at: moment)
            } then: { contents, change in
                contents.add(links, change)
            }
        }
        let names = Dictionary(tos.items.map { ($0.number, $0.name) }) { first, _ in first }
        return Answer(
            result: links.map { Self.rendered($0, name: names[$0.to]) }, errors: froms.errors + tos.errors)
    }

    /// A link is there or it is not: `enabled` can only say that it is.
    func putLinks(_ kind: LinkKind, _ call: Call) async throws(APIFailure) -> Answer {
        if !call.body.isEmpty, try enabling(call) == false {
            throw APIFailure(
                .badRequest, "a \(kind.to.noun) that is assigned cannot be disabled for one calculator",
                hint: "unassign it with DELETE, or disable the \(kind.to.noun) itself", path: "enabled")
        }
        return try await makeLinks(kind, call)
    }

    func readLinks(_ kind: LinkKind, _ call: Call) async throws(APIFailure) -> Answer {
        let selection = try links(kind, call)
        var query = try CollectionQuery(
            call, known: [kind.from.idName, kind.to.idName, "name", "auto_created"], noun: "link", limits: limits)
        let items = query.page(of: selection.links)
        return Answer(
            result: items.map { Self.rendered($0, name: selection.names[$0.to]).cut(to: query.fields) },
            errors: selection.errors, page: query.shown)
    }

    func removeLinks(_ kind: LinkKind, _ call: Call) async throws(APIFailure) -> Answer {
        let selection = try links(kind, call)
        let links = selection.links
        try await confirm(
            call, deletingIntervalsOf: catalog.present.assignments(endingWithout: links),
            by: kind == .calculatorGroup ? "unassigning" : "taking it out of the group")
        let moment = now()
        if !links.isEmpty {
            _ = try await change { store throws(StoreError) in
                try store.unlink(links, at: moment)
            } then: { contents, change in
                contents.remove(links, change)
            }
        }
        let contents = catalog.present
        let staying = links.filter { contents.links[kind].link(from: $0.from, to: $0.to) != nil }
        return Answer(
            result: links.filter { !staying.contains($0) }.map { .object(Self.ends(of: $0)) },
            errors: selection.errors + staying.map { contents.held(by: Implication($0)) })
    }

    private func links(_ kind: LinkKind, _ call: Call) throws(APIFailure) -> LinkSelection {
        let (froms, tos) = try ends(kind, call)
        let index = catalog.present.links[kind]
        let namesPairs = froms.namesIDs && tos.namesIDs
        guard !namesPairs || froms.items.count * tos.items.count <= limits.assignmentsMax else { throw tooManyLinks }
        var selection = LinkSelection(errors: froms.errors + tos.errors)
        for from in froms.items {
            for to in tos.items {
                if let link = index.link(from: from.number, to: to.number) {
                    selection.links.append(link)
                    selection.names[to.number] = to.name
                } else if namesPairs {
                    selection.errors.append(
                        ErrorItem(
                            .notFound,
                            "\(kind.from.noun) \(from.number) is not linked to \(kind.to.noun) \(to.number)",
                            hint: "link it with POST \(kind.path(from: from.number, to: to.number))", id: to.number))
                }
            }
        }
        return selection
    }

    private struct LinkEnds {
        var items: [LinkEnd]
        var errors: [ErrorItem]
        var namesIDs: Bool
    }

    private func ends(_ kind: LinkKind, _ call: Call) throws(APIFailure) -> (from: LinkEnds, to: LinkEnds) {
        let contents = catalog.present
        let froms = try ends(kind.from, call.segment("selector"), contents)
        let tos = try ends(kind.to, call.segment(kind.to.relation), contents)
        return (froms, tos)
    }

    private var tooManyLinks: APIFailure {
        APIFailure(.tooLarge, "the path names more than \(limits.assignmentsMax) links")
    }

    private func ends(
        _ kind: SelectableKind, _ text: String, _ contents: EntityCatalog.Contents
    ) throws(APIFailure) -> LinkEnds {
        let selector = try ItemSelector(text, of: kind, limits: limits)
        func ends<Entity>(_ selection: Selection<Entity>, _ end: (Entity) -> LinkEnd) -> LinkEnds {
            LinkEnds(items: selection.items.map(end), errors: selection.errors, namesIDs: selector.namesIDs)
        }
        let end: (RegistryEntity) -> LinkEnd = { LinkEnd(number: $0.id, name: $0.name) }
        return switch kind {
        case .device: ends(contents.devices(selector)) { LinkEnd(number: $0.number, name: $0.name) }
        case .calculator: ends(contents.calculators(selector)) { LinkEnd(number: $0.number, name: $0.name) }
        case .geofence: ends(contents.entities(selector, of: .geofence), end)
        case .group: ends(contents.entities(selector, of: .group), end)
        case .asset: ends(contents.entities(selector, of: .asset), end)
        }
    }

    private static func ends(of link: LinkRecord) -> [JSONValue.Member] {
        [
            .init(link.kind.from.idName, JSONValue(link.from)), .init(link.kind.to.idName, JSONValue(link.to)),
        ]
    }

    private static func rendered(_ link: LinkRecord, name: String?) -> JSONValue {
        .object(
            ends(of: link) + [
                .init("name", .string(name ?? "")), .init("auto_created", .boolean(link.isAutoCreated)),
            ])
    }
}

extension LinkKind {
    /// The path of one link.
    func path(from: Int64, to: Int64) -> String {
        "/gw/\(self.from.relation)/\(from)/\(self.to.relation)/\(to)"
    }
}

extension EntityCatalog.Contents {
    /// Why something stays that was to be taken away: a group implies it.
    func held(by implication: Implication) -> ErrorItem {
        let group = groups(implying: implication).first ?? 0
        let member = implication.kind.to.noun
        return ErrorItem(
            .conflict,
            "calculator \(implication.calculator) keeps \(member) \(implication.member): both are in group \(group)",
            hint: "DELETE \(implication.kind.path(from: group, to: implication.member)) or "
                + "\(LinkKind.calculatorGroup.path(from: implication.calculator, to: group))",
            id: implication.member)
    }
}
