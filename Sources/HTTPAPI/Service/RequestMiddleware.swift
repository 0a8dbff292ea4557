import Expressions
import HTTPTypes
import Hummingbird
import Logging
import Telemetry

/// What happens around every request: limits, the token, errors as envelopes, counts and a line for debugging.
struct RequestMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let api: API

    @concurrent
    func handle(
        _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let began = ContinuousClock.now
        let response = await answer(request, context, next)
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        let route = context.endpointPath.flatMap { path in path.hasPrefix("/") ? path : nil } ?? "unknown"
        api.metrics.answered(
            .init(method: Self.methodName(request.method), route: route, status: response.status.code), seconds: seconds
        )
        context.logger.noteRequest(
            request.method.rawValue, request.head.path ?? "", status: response.status, seconds: seconds)
        return response
    }

    private func answer(
        _ request: Request, _ context: APIContext, _ next: @concurrent (Request, APIContext) async throws -> Response
    ) async -> Response {
        guard api.metrics.begin(max: api.limits.concurrencyMax) else {
            var failure = APIFailure(.busy, "more than \(api.limits.concurrencyMax) requests are in work")
            failure.headers[.retryAfter] = "1"
            return await refusal(failure, request)
        }
        defer { api.metrics.end() }
        let admitted: APIContext
        do throws(APIFailure) {
            admitted = try await self.admitted(request, context)
        } catch { return await refusal(error, request) }
        do {
            return try await next(request, admitted)
        } catch let failure as APIFailure {
            if let item = failure.logged {
                context.logger.error("a request failed", metadata: ["cause": "\(item.reason)"])
            }
            return Self.answer(failure, to: request).response
        } catch let error as HTTPError where error.status == .notFound {
            return await refusal(unknownPath(request), request)
        } catch let error as HTTPError {
            var answer = Self.answer(
                APIFailure(.badRequest, error.body ?? error.status.reasonPhrase), to: request)
            answer.status = error.status
            return answer.response
        } catch {
            context.logger.error(
                "a request failed", metadata: ["cause": "\(error)", "method": "\(request.method.rawValue)"])
            return Self.answer(APIFailure(.failure, "the server failed; its log says more"), to: request).response
        }
    }

    /// A failure in the envelope of the path.
    private static func answer(_ failure: APIFailure, to request: Request) -> Answer {
        let path = (request.head.path ?? "/").prefix { $0 != "?" }
        return FleetMiddleware.hasFleetErrors(path) ? Answer(fleet: failure) : Answer(failure)
    }

    /// Answers a request whose body nobody has read: it is dropped, so that the sender comes to read the answer.
    private func refusal(_ failure: APIFailure, _ request: Request) async -> Response {
        var count = request.headers[.contentLength].flatMap { Int($0) } ?? 0
        if count <= api.limits.bodyDropMax {
            count = 0
            do {
                for try await buffer in request.body {
                    count += buffer.readableBytes
                    if count > api.limits.bodyDropMax { break }
                }
            } catch { return Self.answer(failure, to: request).response }
        }
        return Self.answer(failure, to: request).response
    }

    private func admitted(_ request: Request, _ context: APIContext) async throws(APIFailure) -> APIContext {
        guard request.headers.count <= api.limits.headerCountMax else {
            throw APIFailure(.badRequest, "the request has more than \(api.limits.headerCountMax) headers")
        }
        let path = (request.head.path ?? "/").prefix { $0 != "?" }
        let parts = path.split(separator: "/")
        if Route.table.contains(where: { $0.access == .open && $0.matches(parts) }) { return context }
        var context = context
        context.token = try await api.authenticator.authenticate(request.headers)
        return context
    }

    /// 405 where the path is known under another method, else 404 with the path that was most likely meant.
    private func unknownPath(_ request: Request) -> APIFailure {
        let path = (request.head.path ?? "/").prefix { $0 != "?" }
        let parts = path.split(separator: "/")
        let methods = Route.table.filter { $0.matches(parts) }.map(\.method.rawValue)
        if !methods.isEmpty {
            let allowed = methods.joined(separator: ", ")
            var failure = APIFailure(
                .methodNotAllowed, "\(request.method.rawValue) is not possible here", hint: "possible are \(allowed)")
            failure.headers[.allow] = allowed
            return failure
        }
        let candidates = Route.table.map { $0.filled(with: parts) }
        let meant = nearestName(to: String(path.prefix(256)), among: candidates)
        return APIFailure(
            .notFound, "there is no path \(path.prefix(256))",
            hint: meant.map { "did you mean \($0)?" } ?? "GET /openapi.json lists all paths")
    }

    /// Methods are a client's own words: unknown ones are counted as one.
    private static func methodName(_ method: HTTPRequest.Method) -> String {
        let known: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options]
        return known.contains(method) ? method.rawValue : "other"
    }
}

extension Logger {
    /// The line of a request that was answered, wherever that was.
    func noteRequest(_ method: String, _ target: String, status: HTTPResponse.Status, seconds: Double) {
        // The query may hold a filter, never a token; the headers are left out.
        debug(
            "request",
            metadata: [
                "method": "\(method)", "path": "\(target)", "status": "\(status.code)", "seconds": "\(seconds)",
            ])
    }
}
