import Telemetry

/// The description of the API in OpenAPI 3.1, made from the table of routes.
enum OpenAPI {
    static func document(_ routes: [Route]) -> JSONValue {
        var paths: [JSONValue.Member] = []
        for route in routes {
            let operation = JSONValue.Member(route.method.rawValue.lowercased(), operation(route))
            if let place = paths.firstIndex(where: { $0.key == route.path }) {
                paths[place].value = .object((paths[place].value.members ?? []) + [operation])
            } else {
                paths.append(.init(route.path, .object([operation])))
            }
        }
        return object([
            ("openapi", "3.1.0"),
            ("info", object([("title", "Odograph"), ("version", "1.0.0"), ("description", .string(introduction))])),
            ("security", [object([("token", [])]), object([("bearer", [])])]), ("paths", .object(paths)),
            ("components", object([("securitySchemes", securitySchemes), ("schemas", OpenAPI.schemas)])),
        ])
    }

    private static let introduction = """
        Devices, messages, calculators and their intervals. Answers are {"result":[…]}, {"errors":[…]}, or both where a part \
        was done. A selector in a path is an id, ids with commas, all, field=value (wildcards * and ?), or {expression}.
        """

    private static let securitySchemes = object([
        (
            "token",
            object([
                ("type", "apiKey"), ("in", "header"), ("name", "Authorization"),
                ("description", "FlespiToken followed by the token's key"),
            ])
        ), ("bearer", object([("type", "http"), ("scheme", "bearer")])),
    ])

    private static func operation(_ route: Route) -> JSONValue {
        var members: [(String, JSONValue)] = [("summary", .string(route.summary)), ("operationId", .string(route.operationID))]
        if route.access == .open { members.append(("security", [])) }
        let parameters = pathParameters(route) + route.parameters.map(queryParameter)
        if !parameters.isEmpty { members.append(("parameters", .array(parameters))) }
        if let body = route.body { members.append(("requestBody", requestBody(reference(body), route.takesMany))) }
        members.append(("responses", responses(route)))
        return object(members)
    }

    private static func pathParameters(_ route: Route) -> [JSONValue] {
        route.segments.compactMap { segment in
            guard case .capture(let name) = segment else { return nil }
            return object([
                ("name", .string(name)), ("in", "path"), ("required", true), ("schema", object([("type", "string")])),
            ])
        }
    }

    private static func queryParameter(_ parameter: Route.Parameter) -> JSONValue {
        object([
            ("name", .string(parameter.name)), ("in", "query"), ("description", .string(parameter.summary)),
            ("schema", object([("type", .string(parameter.kind.rawValue))])),
        ])
    }

    private static func requestBody(_ schema: JSONValue, _ takesMany: Bool) -> JSONValue {
        let many = object([("type", "array"), ("items", schema)])
        let taken = takesMany ? object([("oneOf", [many, schema])]) : schema
        return object([("content", object([("application/json", object([("schema", taken)]))]))])
    }

    private static func responses(_ route: Route) -> JSONValue {
        let failure = object([
            ("description", "what was not done and why"), ("content", content(reference("Errors"))),
        ])
        guard let result = route.result else {
            return object([("200", object([("description", "done")])), ("default", failure)])
        }
        let envelope = object([
            ("type", "object"),
            (
                "properties",
                object([
                    ("result", object([("type", "array"), ("items", reference(result))])),
                    ("errors", object([("type", "array"), ("items", reference("Error"))])),
                ])
            ),
        ])
        return object([
            ("200", object([("description", "done, at least in part"), ("content", content(envelope))])),
            ("default", failure),
        ])
    }

    private static func content(_ schema: JSONValue) -> JSONValue {
        object([("application/json", object([("schema", schema)]))])
    }

    static func reference(_ schema: String) -> JSONValue {
        object([("$ref", .string("#/components/schemas/\(schema)"))])
    }

    static func object(_ members: [(String, JSONValue)]) -> JSONValue {
        .object(members.map { JSONValue.Member($0.0, $0.1) })
    }
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

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByBooleanLiteral {
    public init(stringLiteral text: String) { self = .string(text) }
    public init(arrayLiteral items: JSONValue...) { self = .array(items) }
    public init(booleanLiteral flag: Bool) { self = .boolean(flag) }
}
