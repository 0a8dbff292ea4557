import Expressions
import HTTPTypes
import PrimaryStore
import Telemetry

/// A request as a handler sees it: path and query decoded, the body in memory.
package struct Call: Sendable {
    /// The parts of the path by the names of the route.
    var path: [String: String] = [:]
    var query: [(name: String, value: String)] = []
    var body: [UInt8] = []
    /// Who asks.
    var token: TokenRecord?
    /// The template of its route.
    var route = ""
    /// The path with its query, as it came.
    var target = ""
    /// Whether the answer may be compressed.
    var acceptsGzip = false
    /// The tags of the answers that the client has.
    var ifNoneMatch: String?

    /// The captures of a path under a route's template.
    static func captures(
        _ path: Substring, of template: [Route.Segment]
    ) throws(APIFailure) -> [String: String] {
        var captures: [String: String] = [:]
        for (segment, text) in zip(template, path.split(separator: "/")) {
            guard case .capture(let name) = segment else { continue }
            guard let decoded = PercentText.decoded(text) else {
                throw APIFailure(.badRequest, "\"\(text)\" in the path is not percent-encoded UTF-8")
            }
            captures[name] = decoded
        }
        return captures
    }

    /// The items of a query string.
    static func items(_ query: Substring) throws(APIFailure) -> [(name: String, value: String)] {
        var items: [(name: String, value: String)] = []
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentText.decoded(parts[0], plusIsSpace: true),
                let value = PercentText.decoded(parts.count > 1 ? parts[1] : "", plusIsSpace: true)
            else { throw APIFailure(.badRequest, "\"\(pair)\" in the query is not percent-encoded UTF-8") }
            items.append((name, value))
        }
        return items
    }

    func value(_ name: String) -> String? { query.last { $0.name == name }?.value }

    func segment(_ name: String) -> String { path[name] ?? "" }

    /// The body as JSON.
    func json() throws(APIFailure) -> JSONValue {
        guard !body.isEmpty else { throw APIFailure(.badRequest, "the body is empty; JSON is expected") }
        do throws(JSONError) { return try JSONValue(parsing: body) } catch { throw APIFailure(error, in: "the body") }
    }

    /// The fields of the query string alone.
    var queryFields: InputFields {
        InputFields(query.map { JSONValue.Member($0.name, .string($0.value)) }, isText: true)
    }

    /// The fields of `data`: its JSON in the query or in the body, and over it what the query names plainly.
    func dataFields() throws(APIFailure) -> InputFields {
        var members = try dataObject()
        for (name, value) in query where name != "data" {
            members.removeAll { $0.key == name }
            members.append(JSONValue.Member(name, .string(value)))
        }
        return InputFields(members, isText: true)
    }

    private func dataObject() throws(APIFailure) -> [JSONValue.Member] {
        let text = value("data").map { Array($0.utf8) } ?? body
        guard !text.isEmpty else { return [] }
        let what = value("data") == nil ? "the body" : "data"
        let json: JSONValue
        do throws(JSONError) { json = try JSONValue(parsing: text) } catch { throw APIFailure(error, in: what) }
        guard let members = json.members else {
            throw APIFailure(.badRequest, "\(what) must be an object, not \(json.typeName)")
        }
        return members
    }

    /// Refuses what the route does not know in its query.
    func checkQuery(_ names: [String]) throws(APIFailure) {
        for (name, _) in query where !names.contains(name) {
            let meant = nearestName(to: name, among: names)
            throw APIFailure(
                [
                    ErrorItem(
                        .badRequest, "there is no query parameter \"\(name)\" here",
                        hint: meant.map { "did you mean \"\($0)\"?" })
                ], schemaHint: SchemaHint(fields: names, suggestion: meant))
        }
    }
}

extension String {
    /// The words of a list with commas, each once, in their order.
    var commaList: [String] {
        var seen: Set<String> = []
        return split(separator: ",").map { $0.trimmed }.filter { !$0.isEmpty && seen.insert($0).inserted }
    }
}

extension Substring {
    fileprivate var trimmed: String {
        let tail = drop { $0 == " " }
        return String(tail.reversed().drop { $0 == " " }.reversed())
    }
}
