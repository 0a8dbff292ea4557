import NIOCore
import NIOHTTP1

/// How many requests of a connection the router has been given and has not answered.
final class RouterTally {
    var pendingCount = 0
}

/// Stands in front of the router: answers what it can at once, has reports read and messages stored, and passes on the
/// rest.
///
/// While the router is at work on a request of the connection, all that come behind it go to the router too; while a
/// report is being read or messages are being stored, all that comes behind waits here. So answers keep the order of
/// their requests. Its own answers go to the socket as finished bytes, past the encoder.
final class QuickHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// The request that is not answered yet and is not the router's.
    private enum Work {
        case none
        /// The body of messages is on its way.
        case gathering(QuickStoring)
        /// Another thread is at it: what of the request the router is given if it must answer after all.
        case waiting([HTTPServerRequestPart])
    }

    /// What came while another thread was at work.
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
    /// Whether more was to be read while the client had not taken what it was sent, or while there was to wait.
    private var isReadHeld = false
    private var work = Work.none
    /// Bounded: while there is anything, nothing more is taken from the socket.
    private var arrivals: [Arrival] = []
    /// Whether the client is gone.
    private var isClosed = false

    init(_ answers: QuickAnswers, _ router: RouterTally) {
        self.answers = answers
        self.router = router
    }

    private var isWaiting: Bool { if case .waiting = work { true } else { false } }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if isWaiting { arrivals.append(.part(part)) } else { take(part, context) }
    }

    private func take(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        if case .gathering(let storing) = work { return gather(part, storing, context) }
        if case .head(let head) = part {
            isAnswered = router.pendingCount == 0 && !isClosed && takeOver(head, context)
            if !isAnswered { router.pendingCount += 1 }
        }
        if !isAnswered { context.fireChannelRead(wrapInboundOut(part)) }
    }

    /// Answers a request or begins to; false if it is the router's.
    private func takeOver(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) -> Bool {
        if let found = answers.answer(head, &dates) {
            write(found, context)
            return true
        }
        if let storing = answers.storing(head) {
            work = .gathering(storing)
            return true
        }
        guard let report = answers.reading(head) else { return false }
        let finish = finish(context)
        let isStarted = answers.start(report) { made in
            finish { handler in made.map { handler.answers.found($0, &handler.dates) } }
        }
        if isStarted { work = .waiting([.head(head)]) }
        return isStarted
    }

    /// Takes a part of the body of messages; at its end they are stored.
    private func gather(
        _ part: HTTPServerRequestPart, _ storing: QuickStoring, _ context: ChannelHandlerContext
    ) {
        switch part {
        case .body(let buffer):
            if storing.take(buffer) { return }
        case .end(nil):
            let finish = finish(context)
            let bound = NIOLoopBound(storing, eventLoop: context.eventLoop)
            let isStarted = storing.start { isStored in
                finish { handler in
                    defer { bound.value.release() }
                    guard isStored, let answer = bound.value.answer() else { return nil }
                    return handler.answers.found(answer, &handler.dates)
                }
            }
            if isStarted { return work = .waiting(storing.parts + [part]) }
        default: break
        }
        leaveToRouter(storing, context)
        context.fireChannelRead(wrapInboundOut(part))
    }

    /// Gives the router messages whose body was being taken.
    private func leaveToRouter(_ storing: QuickStoring, _ context: ChannelHandlerContext) {
        storing.release()
        leaveToRouter(storing.parts, context)
    }

    private func leaveToRouter(_ parts: [HTTPServerRequestPart], _ context: ChannelHandlerContext) {
        work = .none
        isAnswered = false
        router.pendingCount += 1
        for part in parts { context.fireChannelRead(wrapInboundOut(part)) }
    }

    /// What another thread is to call when its work is done, with what makes the answer of it on this one; the answer
    /// nil: the router must give it.
    private func finish(
        _ context: ChannelHandlerContext
    ) -> @Sendable (@escaping @Sendable (QuickHandler) -> QuickAnswers.Found?) -> Void {
        let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        return { answer in
            eventLoop.execute { bound.value.handler.finish(answer(bound.value.handler), bound.value.context) }
        }
    }

    private func finish(_ found: QuickAnswers.Found?, _ context: ChannelHandlerContext) {
        guard case .waiting(let parts) = work, !isClosed else { return }
        if let found {
            work = .none
            write(found, context)
        } else {
            leaveToRouter(parts, context)
        }
        takeArrivals(context)
        channelReadComplete(context: context)
        readIfHeld(context)
    }

    /// Takes what has waited, up to the next request that there is to wait for.
    private func takeArrivals(_ context: ChannelHandlerContext) {
        let waiting = arrivals
        arrivals = []
        for (index, arrival) in waiting.enumerated() {
            guard !isWaiting else {
                arrivals = Array(waiting[index...]) + arrivals
                return
            }
            switch arrival {
            case .part(let part): take(part, context)
            case .event(let event): takeEvent(event, context)
            case .error(let error): takeError(error, context)
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

    /// A client that sends requests and reads no answers is not read from either. While there is to wait, one more read
    /// is let through: most clients send nothing before they have their answer, and to hold it would cost two calls.
    func read(context: ChannelHandlerContext) {
        if arrivals.isEmpty, context.channel.isWritable { context.read() } else { isReadHeld = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        readIfHeld(context)
        context.fireChannelWritabilityChanged()
    }

    private func readIfHeld(_ context: ChannelHandlerContext) {
        guard isReadHeld, arrivals.isEmpty, context.channel.isWritable else { return }
        isReadHeld = false
        context.read()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if isWaiting { arrivals.append(.event(event)) } else { takeEvent(event, context) }
    }

    /// The server stops, or the client will ask no more: the connection may close once what was answered here has been
    /// sent.
    private func takeEvent(_ event: Any, _ context: ChannelHandlerContext) {
        if case .gathering(let storing) = work { leaveToRouter(storing, context) }
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
        if isWaiting { arrivals.append(.error(error)) } else { takeError(error, context) }
    }

    private func takeError(_ error: any Error, _ context: ChannelHandlerContext) {
        if case .gathering(let storing) = work { leaveToRouter(storing, context) }
        context.fireErrorCaught(error)
    }

    /// The client is gone: the answer is nobody's any more, and the router has what came behind it.
    func channelInactive(context: ChannelHandlerContext) {
        isClosed = true
        let wasWaiting = isWaiting
        if case .gathering(let storing) = work { storing.release() }
        work = .none
        if wasWaiting {
            takeArrivals(context)
            context.fireChannelReadComplete()
        }
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        isClosed = true
        if case .gathering(let storing) = work { storing.release() }
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
