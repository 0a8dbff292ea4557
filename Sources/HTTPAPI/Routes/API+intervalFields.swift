import PrimaryStore
import Telemetry

extension API {
    /// Sets custom fields of intervals, beside their counters; null takes one away.
    func setIntervalFields(_ call: Call) async throws(APIFailure) -> Answer {
        let fields = try customFields(call)
        let selection = try assignments(call)
        let keys = selection.items.map(\.key)
        let (found, missing) = try await intervals(call, keys)
        var errors = selection.errors + missing
        var changed: [AssignmentKey: [Int64]] = [:]
        for (key, id) in found {
            do throws(StoreError) {
                try await calculation.setIntervalFields(key, id: id, fields: fields)
                changed[key, default: []].append(id)
            } catch {
                errors += APIFailure(error).items.map { item in
                    var item = item
                    item.id = id
                    return item
                }
            }
        }
        return try await answer(keys, changed, errors)
    }

    private func customFields(_ call: Call) throws(APIFailure) -> [JSONValue.Member] {
        let body = try call.json()
        guard let members = body.members else {
            throw APIFailure(.badRequest, "the body must be an object of names and values, not \(body.typeName)")
        }
        guard !members.isEmpty else { throw APIFailure(.badRequest, "the body names no field") }
        let problems = members.filter { IntervalFields.reservedNames.contains($0.key) }.map { member in
            ErrorItem(
                .badRequest, "\"\(member.key)\" is calculated: it cannot be set", hint: "choose another name",
                path: member.key)
        }
        if !problems.isEmpty { throw APIFailure(problems) }
        return members
    }

    /// The intervals that a path names, and those it named that are not there.
    private func intervals(
        _ call: Call, _ keys: [AssignmentKey]
    ) async throws(APIFailure) -> (found: [(AssignmentKey, Int64)], missing: [ErrorItem]) {
        let which = call.segment("intervals")
        guard which != "all" else {
            throw APIFailure(
                .badRequest, "fields are set on single intervals", hint: "last, an id, or ids with commas")
        }
        let ids = try IntervalRequest.ids(which, limits)
        guard keys.count * (ids?.count ?? 1) <= limits.itemsMax else {
            throw APIFailure(.tooLarge, "the path names more than \(limits.itemsMax) intervals")
        }
        let query = IntervalQuery(ids: ids, isLastOnly: ids == nil)
        return try await stored { store throws(StoreError) in
            var found: [(AssignmentKey, Int64)] = []
            var missing: [ErrorItem] = []
            for key in keys {
                let held = Set(try store.intervals(key, query).map(\.id))
                for id in ids ?? held.sorted() {
                    if held.contains(id) {
                        found.append((key, id))
                    } else {
                        let reason = "calculator \(key.calculator) has no interval \(id) on \(key.device.noted)"
                        missing.append(ErrorItem(.notFound, reason, id: id))
                    }
                }
            }
            return (found, missing)
        }
    }

    /// The intervals as they are now.
    private func answer(
        _ keys: [AssignmentKey], _ changed: [AssignmentKey: [Int64]], _ errors: [ErrorItem]
    ) async throws(APIFailure) -> Answer {
        guard !changed.isEmpty || errors.isEmpty else { return Answer(result: [], errors: errors) }
        let pages = try await stored { store throws(StoreError) in
            var reading = IntervalReading(query: IntervalRequest(), isTagged: keys.count > 1)
            for key in keys {
                guard let ids = changed[key] else { continue }
                try reading.read(key, IntervalQuery(ids: ids), from: store)
            }
            return reading.pages
        }
        return Answer(resultBytes: pages, errors: errors)
    }
}
