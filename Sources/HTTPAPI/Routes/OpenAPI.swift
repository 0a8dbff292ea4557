import HTTPTypes
import Telemetry

/// The description of the API in OpenAPI 3.1, made from the table of routes.
enum OpenAPI {
    static func document(_ routes: [Route]) -> JSONValue {
        var paths: [JSONValue.Member] = []
        for route in routes {
            let operation = JSONValue.Member(route.method.rawValue.lowercased(), operation(route).json)
            if let place = paths.firstIndex(where: { $0.key == route.path }) {
                paths[place].value = .object((paths[place].value.members ?? []) + [operation])
            } else {
                paths.append(.init(route.path, .object([operation])))
            }
        }
        let document: Document = [
            "openapi": "3.1.0",
            "info": ["title": "Odograph", "version": "1.0.0", "description": Document(introduction)],
            "security": [["token": []], ["bearer": []]], "paths": Document(json: .object(paths)),
            "components": ["securitySchemes": securitySchemes, "schemas": schemas],
        ]
        return document.json
    }

    private static let introduction = """
        Devices, messages, calculators and their intervals. Answers are {"result":[…]}, {"errors":[…]}, or both where a part \
        was done. A selector in a path is an id, ids with commas, all, field=value (wildcards * and ?), or {expression}.
        """

    private static let securitySchemes: Document = [
        "token": [
            "type": "apiKey", "in": "header", "name": "Authorization",
            "description": "FlespiToken followed by the token's key",
        ], "bearer": ["type": "http", "scheme": "bearer"],
    ]

    private static func operation(_ route: Route) -> Document {
        var operation: Document = ["summary": Document(route.summary), "operationId": Document(route.operationID)]
        if route.access == .open { operation["security"] = [] }
        let parameters = pathParameters(route) + route.parameters.map(queryParameter)
        if !parameters.isEmpty { operation["parameters"] = Document(parameters) }
        if let body = route.body { operation["requestBody"] = requestBody(reference(body), route.takesMany) }
        operation["responses"] = responses(route)
        return operation
    }

    private static func pathParameters(_ route: Route) -> [Document] {
        route.segments.compactMap { segment in
            guard case .capture(let name) = segment else { return nil }
            return ["name": Document(name), "in": "path", "required": true, "schema": ["type": "string"]]
        }
    }

    private static func queryParameter(_ parameter: Route.Parameter) -> Document {
        [
            "name": Document(parameter.name), "in": "query", "description": Document(parameter.summary),
            "schema": ["type": Document(parameter.kind.rawValue)],
        ]
    }

    private static func requestBody(_ schema: Document, _ takesMany: Bool) -> Document {
        let taken: Document = takesMany ? ["oneOf": [["type": "array", "items": schema], schema]] : schema
        return ["content": content(taken)]
    }

    private static func responses(_ route: Route) -> Document {
        if let answer = route.answer {
            let failure: Document = ["description": "why not", "content": content(reference("FleetFailure"))]
            return ["200": ["description": "done", "content": content(reference(answer))], "default": failure]
        }
        let failure: Document = [
            "description": "what was not done and why", "content": content(reference("Failure")),
        ]
        guard let result = route.result else { return ["200": ["description": "done"], "default": failure] }
        let envelope: Document = [
            "type": "object",
            "properties": [
                "result": ["type": "array", "items": reference(result)],
                "errors": ["type": "array", "items": reference("Error")],
            ],
        ]
        return [
            "200": ["description": "done, at least in part", "content": content(envelope)], "default": failure,
        ]
    }

    private static func content(_ schema: Document) -> Document { ["application/json": ["schema": schema]] }

    static func reference(_ schema: String) -> Document { ["$ref": Document("#/components/schemas/\(schema)")] }
}

extension Route {
    /// A name that is the route's alone, such as `get_gw_devices_selector`.
    var operationID: String {
        let words = segments.map { segment in
            switch segment {
            case .literal(let text), .capture(let text): text
            }
        }
        return ([method.rawValue.lowercased()] + words).joined(separator: "_")
    }
}

/// JSON as it is written in source, in the order it is written.
struct Document: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral, ExpressibleByStringLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral
{
    var json: JSONValue

    init(json: JSONValue) { self.json = json }
    init(_ text: String) { json = .string(text) }
    init(_ items: [Document]) { json = .array(items.map(\.json)) }
    init(dictionaryLiteral members: (String, Document)...) { json = .object(members.map { .init($0.0, $0.1.json) }) }
    init(arrayLiteral items: Document...) { self.init(items) }
    init(stringLiteral text: String) { self.init(text) }
    init(booleanLiteral flag: Bool) { json = .boolean(flag) }
    init(integerLiteral number: Int) { json = JSONValue(number) }

    subscript(key: String) -> Document? {
        get { json[key].map(Document.init(json:)) }
        set { json[key] = newValue?.json }
    }
}
