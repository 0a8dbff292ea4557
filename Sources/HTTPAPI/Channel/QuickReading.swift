import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import PrimaryStore

/// A report that has to be read, for an answer in front of the router: once to a thread that may block and back.
///
/// Whatever fails is left to the router, which reads again and tells the failure in its own words.
struct QuickReading: Sendable {
    /// An answer but for its headers' text.
    struct Made: Sendable {
        let form: ReportForm
        let body: ByteBuffer
    }

    let api: API
    let request: HTTPRequestHead
    let route: Route
    let wish: ReportWish
    let began: ContinuousClock.Instant

    /// Reads and counts the request as the router would; nil if the router must answer. Blocks.
    func made() -> Made? {
        defer { api.metrics.end() }
        do throws(APIFailure) {
            guard let made = try read() else { return nil }
            let seconds = (ContinuousClock.now - began) / .seconds(1)
            api.metrics.answered(
                .init(method: "GET", route: route.path, status: made.form.status.code), seconds: seconds)
            api.logger.noteRequest("GET", request.uri, status: made.form.status, seconds: seconds)
            return made
        } catch { return nil }
    }

    private func read() throws(APIFailure) -> Made? {
        let call = try call()
        let (found, freshness): (KeptAnswers.Found, Freshness)
        if let present = api.present(api.keptAnswers.find(call.target)) {
            (found, freshness) = present
        } else {
            let report = try IntervalReport(call, of: api)
            guard !report.isRefusal else { return nil }
            let answer = try report.read(from: api.store, byteCountMax: api.limits.answerBytesMax)
            (found, freshness) = (api.kept(answer, of: report, for: call), report.freshness)
        }
        var form = ReportForm(found.answer, wish, freshness)
        guard form.body == .compressed else { return Made(form: form, body: found.answer.body) }
        if let compressed = api.compressed(found, for: call.target) { return Made(form: form, body: compressed) }
        form.leaveWhole()
        return Made(form: form, body: found.answer.body)
    }

    private func call() throws(APIFailure) -> Call {
        let target = request.uri
        let path = Substring(target.utf8.prefix { $0 != UInt8(ascii: "?") })
        var call = Call(path: try Call.captures(path, of: route.segments))
        call.query = try Call.items(target[path.endIndex...].dropFirst())
        call.route = route.path
        call.target = target
        try call.checkQuery(route.parameters.map(\.name))
        return call
    }
}

extension Route {
    private static let reports = assignments.filter { route in
        route.method == .get && route.path.hasSuffix("/intervals/{intervals}")
    }

    /// The route of a report, if a target names one in plain letters; all that is written in another way is nil.
    static func report(_ target: String) -> Route? {
        guard target.hasPrefix("/gw/calcs/"), let parts = plainParts(target.prefix { $0 != "?" }) else { return nil }
        return reports.first { $0.matches(parts) }
    }

    /// The parts of a path in plain letters; nil if it is written in another way.
    static func plainParts(_ path: Substring) -> [Substring]? {
        guard path.utf8.allSatisfy(isPlain) else { return nil }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        return parts.allSatisfy { !$0.isEmpty } ? Array(parts) : nil
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: ","), UInt8(ascii: "/"), UInt8(ascii: "-"),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
