import HTTPTypes
import Ingest
import NIOCore
import NIOHTTP1
import PrimaryStore
import Telemetry

/// Messages that are taken in front of the router: decoded on the connection's own thread and handed to the store,
/// which says when they are durable.
///
/// What is not plainly to be stored as a whole is left to the router before anything of it is written: every refusal, a
/// message to be kept apart, a horizon that must be read. So is what the store refuses: then nothing of it was stored.
/// It belongs to the connection's thread.
final class QuickStoring {
    /// A larger body would hold the other connections of the thread up for too long.
    static let byteCountMax = 65_536

    private let api: API
    private let request: HTTPRequestHead
    private let selector: ItemSelector
    private let began = ContinuousClock.now
    private var body = ByteBuffer()
    private var delivery: MessageDelivery?
    /// Whether it is in work, and its body counted as held.
    private var isCounted = true

    /// A request that was counted as one in work.
    init(api: API, request: HTTPRequestHead, selector: ItemSelector) {
        self.api = api
        self.request = request
        self.selector = selector
    }

    deinit { release() }

    /// What has come of the request, for the router.
    var parts: [HTTPServerRequestPart] { [.head(request)] + (body.readableBytes > 0 ? [.body(body)] : []) }

    /// Takes a part of the body; false if there is no room for it.
    func take(_ part: ByteBuffer) -> Bool {
        guard api.bodies.take(part.readableBytes, max: api.limits.bodiesBytesMax) else { return false }
        body.writeImmutableBuffer(part)
        return true
    }

    /// Has what came stored, and tells on another thread whether it was; false if it is the router's.
    func start(_ finish: @escaping @Sendable (Bool) -> Void) -> Bool {
        guard let delivery = decoded() else { return false }
        self.delivery = delivery
        api.store.append(delivery.appends) { result in
            if case .success = result { finish(true) } else { finish(false) }
        }
        return true
    }

    /// Counts what was stored as the router would, and gives the answer.
    func answer() -> Answer? {
        guard let delivery else { return nil }
        let answer = api.acknowledgement(of: delivery)
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        api.metrics.storedAtOnce(
            .init(method: "POST", route: Route.messagesPath, status: answer.status.code), seconds: seconds)
        api.logger.noteRequest("POST", request.uri, status: answer.status, seconds: seconds)
        return answer
    }

    /// Counts it as no longer in work.
    func release() {
        guard isCounted else { return }
        isCounted = false
        api.bodies.giveBack(body.readableBytes)
        api.metrics.end()
    }

    private func decoded() -> MessageDelivery? {
        var devices = DeliveryDevices(selector, of: api.catalog.present)
        guard !devices.isEmpty, api.excessiveLogRows == nil else { return nil }
        let moment = api.now()
        let decoded = body.withUnsafeReadableBytes { try? api.decoder.decode($0, acceptance: .now(moment)) }
        guard let decoded else { return nil }
        devices.narrow(to: decoded)
        var delivery = MessageDelivery(devices: devices, now: moment, limits: api.limits, table: api.store.parameters)
        let horizons = api.knownHorizons(of: delivery.devices(in: decoded), at: moment)
        guard horizons.unknown.isEmpty else { return nil }
        delivery.add(decoded, horizons: horizons.known)
        return delivery.isWhole ? delivery : nil
    }
}

extension Route {
    /// By which messages come and are read.
    static let messagesPath = "/gw/devices/{selector}/messages"

    /// The selector of the devices whose messages a target names, if it is written in plain letters.
    static func messagesSelector(_ target: String) -> String? {
        guard target.hasPrefix("/gw/devices/"), let parts = plainParts(target[...]), parts.count == 4,
            parts[3] == "messages"
        else { return nil }
        return String(parts[2])
    }
}
