import NIOCore
import NIOHTTP1

/// How many requests of a connection the router has been given and has not answered.
final class RouterTally {
    var pendingCount = 0
}

/// Stands in front of the router: answers what it can at once, has reports read, and passes on the rest.
///
/// While the router is at work on a request of the connection, all that come behind it go to the router too; while a
/// report is being read, all that comes behind it waits here. So answers keep the order of their requests. Its own
/// answers go to the socket as finished bytes, past the encoder.
final class QuickHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// What came while a report was being read.
    private enum Arrival {
        case part(HTTPServerRequestPart)
        case event(Any)
        case error(any Error)
    }

    private let answers: QuickAnswers
    private let router: RouterTally
    private var dates = DateText()
    /// Whether the rest of the request that is being read was answered already.
    private var isAnswered = false
    private var needsFlush = false
    /// Whether more was to be read while the client had not taken what it was sent, or a report was being read.
    private var isReadHeld = false
    /// The request whose report is being read.
    private var reading: HTTPRequestHead?
    /// Bounded: nothing more is taken from the socket until the report is there.
    private var arrivals: [Arrival] = []
    /// Whether the client is gone.
    private var isClosed = false

    init(_ answers: QuickAnswers, _ router: RouterTally) {
        self.answers = answers
        self.router = router
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if reading == nil { take(part, context) } else { arrivals.append(.part(part)) }
    }

    private func take(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        if case .head(let head) = part {
            isAnswered = router.pendingCount == 0 && !isClosed && takeOver(head, context)
            if !isAnswered { router.pendingCount += 1 }
        }
        if !isAnswered { context.fireChannelRead(wrapInboundOut(part)) }
    }

    /// Answers a request or has its report read; false if it is the router's.
    private func takeOver(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) -> Bool {
        if let found = answers.answer(head, &dates) {
            write(found, context)
            return true
        }
        guard let report = answers.reading(head) else { return false }
        let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        let isStarted = answers.start(report) { made in
            eventLoop.execute { bound.value.handler.finish(made, bound.value.context) }
        }
        if isStarted { reading = head }
        return isStarted
    }

    /// The report was read, or is the router's after all: nil.
    private func finish(_ made: QuickReading.Made?, _ context: ChannelHandlerContext) {
        guard let head = reading, !isClosed else { return }
        reading = nil
        if let made {
            write(answers.found(made, &dates), context)
        } else {
            isAnswered = false
            router.pendingCount += 1
            context.fireChannelRead(wrapInboundOut(.head(head)))
        }
        takeArrivals(context)
        channelReadComplete(context: context)
        readIfHeld(context)
    }

    /// Takes what has waited, up to the next report that has to be read.
    private func takeArrivals(_ context: ChannelHandlerContext) {
        let waiting = arrivals
        arrivals = []
        for (index, arrival) in waiting.enumerated() {
            guard reading == nil else {
                arrivals = Array(waiting[index...]) + arrivals
                return
            }
            switch arrival {
            case .part(let part): take(part, context)
            case .event(let event): takeEvent(event, context)
            case .error(let error): context.fireErrorCaught(error)
            }
        }
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
        if reading == nil, context.channel.isWritable { context.read() } else { isReadHeld = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        readIfHeld(context)
        context.fireChannelWritabilityChanged()
    }

    private func readIfHeld(_ context: ChannelHandlerContext) {
        guard isReadHeld, reading == nil, context.channel.isWritable else { return }
        isReadHeld = false
        context.read()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if reading == nil { takeEvent(event, context) } else { arrivals.append(.event(event)) }
    }

    /// The server stops, or the client will ask no more: the connection may close once what was answered here has been
    /// sent.
    private func takeEvent(_ event: Any, _ context: ChannelHandlerContext) {
        let isEnd = event is ChannelShouldQuiesceEvent || event as? ChannelEvent == .inputClosed
        guard isEnd, !isClosed else { return context.fireUserInboundEventTriggered(event) }
        let sent = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound((context: context, event: event), eventLoop: context.eventLoop)
        sent.futureResult.whenComplete { _ in
            bound.value.context.fireUserInboundEventTriggered(bound.value.event)
        }
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: sent)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if reading == nil { context.fireErrorCaught(error) } else { arrivals.append(.error(error)) }
    }

    /// The client is gone: the report is nobody's any more, and the router has what came behind it.
    func channelInactive(context: ChannelHandlerContext) {
        isClosed = true
        if reading != nil {
            reading = nil
            takeArrivals(context)
            context.fireChannelReadComplete()
        }
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { isClosed = true }
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
