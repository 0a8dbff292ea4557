import HTTPTypes
import Hummingbird

/// What the dashboard's paths need in a browser: leave for pages of other origins, and answers that are not kept.
struct FleetMiddleware: RouterMiddleware {
    typealias Context = APIContext

    /// Seconds for which a browser need not ask again.
    private static let leaveSeconds = "600"

    let origins: [String]

    @concurrent
    func handle(
        _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let path = (request.head.path ?? "/").prefix { $0 != "?" }
        guard Self.isFleet(path) else { return try await next(request, context) }
        var response: Response
        if request.method == .options {
            response = Response(status: .noContent)
            if let origin = allowedOrigin(request) { addLeave(origin, to: &response.headers) }
        } else {
            response = try await next(request, context)
        }
        response.headers[.cacheControl] = "no-store"
        if let origin = allowedOrigin(request) { response.headers[.accessControlAllowOrigin] = origin }
        if !origins.isEmpty { response.headers.append(.init(name: .vary, value: "Origin")) }
        return response
    }

    private func allowedOrigin(_ request: Request) -> String? {
        guard let origin = request.headers[.origin] else { return nil }
        return origins.contains(origin) || origins.contains("*") ? origin : nil
    }

    private func addLeave(_ origin: String, to headers: inout HTTPFields) {
        headers[.accessControlAllowMethods] = "GET, POST, OPTIONS"
        headers[.accessControlAllowHeaders] = "Authorization, Content-Type"
        headers[.accessControlMaxAge] = Self.leaveSeconds
    }

    /// Whether a path is the dashboard's.
    static func isFleet(_ path: some StringProtocol) -> Bool {
        path == "/health" || path == "/health/ingest" || hasFleetErrors(path)
    }

    /// Whether errors there are told in the dashboard's way. `/health` has its own.
    static func hasFleetErrors(_ path: some StringProtocol) -> Bool {
        path.hasPrefix("/webhook/") || path == "/webhook" || path == "/health/ingest"
    }
}
