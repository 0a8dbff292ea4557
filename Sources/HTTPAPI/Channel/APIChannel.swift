import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// A connection of the API: Hummingbird's, with `QuickHandler` in front of it.
struct APIChannel: ServerChildChannel, HTTPChannelHandler {
    typealias Value = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    let responder: HTTPChannelHandler.Responder
    let answers: QuickAnswers

    /// The same handlers as `HTTP1Channel` has, and between them ours.
    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            let router = RouterTally()
            try pipeline.addHandler(ByteToMessageHandler(Self.decoder()))
            try pipeline.addHandler(QuickHandler(answers, router))
            try pipeline.addHandler(HTTPResponseEncoder())
            try pipeline.addHandler(RouterEnd(router))
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
            try pipeline.addHandler(HTTPConnectionStateHandler(logger: logger))
            return try NIOAsyncChannel(
                wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
        }
    }

    private static func decoder() -> HTTPRequestDecoder {
        let theirs = HTTP1Channel.Configuration().httpDecoder
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = theirs.maxHeaderFieldSize
        limits.maxHeaderListSize = theirs.maxHeaderListSize
        limits.maxHeaderFieldCount = theirs.maxHeaderFieldCount
        return HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits)
    }

    func handle(value: Value, logger: Logger) async { await handleHTTP(asyncChannel: value, logger: logger) }
}

extension API {
    /// What the router's server is to be built with, so that reports are answered and messages taken in front of it.
    package func server(name: String? = nil) -> HTTPServerBuilder {
        let answers = QuickAnswers(api: self, serverName: name)
        return HTTPServerBuilder { APIChannel(responder: $0, answers: answers) }
    }
}
