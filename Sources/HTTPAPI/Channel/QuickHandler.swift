import NIOCore
import NIOHTTP1

/// How many requests of a connection the router has been given and has not answered.
final class RouterTally {
    var pendingCount = 0
}

/// Stands in front of the router: answers what it can at once and passes on the rest.
///
/// While the router is at work on a request of the connection, all that come behind it go to the router too, so that
/// answers keep the order of their requests. Its own answers go to the socket as finished bytes, past the encoder.
final class QuickHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let answers: QuickAnswers
    private let router: RouterTally
    private var dates = DateText()
    /// Whether the rest of the request that is being read was answered already.
    private var isAnswered = false
    private var needsFlush = false
    /// Whether more was to be read while the client had not taken what it was sent.
    private var isReadHeld = false

    init(_ answers: QuickAnswers, _ router: RouterTally) {
        self.answers = answers
        self.router = router
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if case .head(let head) = part {
            if router.pendingCount == 0, let found = answers.answer(head, &dates) {
                isAnswered = true
                write(found, context)
                return
            }
            isAnswered = false
            router.pendingCount += 1
        }
        if !isAnswered { context.fireChannelRead(data) }
    }

    private func write(_ found: QuickAnswers.Found, _ context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.byteBuffer(found.head)), promise: nil)
        if let body = found.body { context.write(wrapOutboundOut(.byteBuffer(body)), promise: nil) }
        needsFlush = true
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if needsFlush {
            needsFlush = false
            context.flush()
        }
        context.fireChannelReadComplete()
    }

    /// A client that sends requests and reads no answers is not read from either.
    func read(context: ChannelHandlerContext) {
        if context.channel.isWritable { context.read() } else { isReadHeld = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if isReadHeld, context.channel.isWritable {
            isReadHeld = false
            context.read()
        }
        context.fireChannelWritabilityChanged()
    }

    /// The server stops: the connection may close once what was answered here has been sent.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is ChannelShouldQuiesceEvent else { return context.fireUserInboundEventTriggered(event) }
        let sent = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        sent.futureResult.whenComplete { _ in bound.value.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: sent)
    }
}

/// Stands behind the encoder and sees the router's answers end.
final class RouterEnd: ChannelOutboundHandler {
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let router: RouterTally

    init(_ router: RouterTally) { self.router = router }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { router.pendingCount -= 1 }
        context.write(data, promise: promise)
    }
}
