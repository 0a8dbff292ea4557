import Telemetry

/// How the two loops of the delivery are doing.
package struct DeliveryStatus: Sendable, Hashable {
    package var feed: LoopStatus
    package var messages: LoopStatus

    package init(feed: LoopStatus, messages: LoopStatus) {
        self.feed = feed
        self.messages = messages
    }

    /// Whether everything that the store has is delivered.
    package var isUpToDate: Bool {
        feed.lagCount == 0 && messages.lagCount == 0 && feed.state == .idle && messages.state == .idle
    }
}

/// How one loop of the delivery is doing.
package struct LoopStatus: Sendable, Hashable {
    package enum State: Sendable, Hashable {
        case connecting
        /// Everything is delivered.
        case idle
        case busy
        /// Slots of the feed, or devices whose archive is read, that are done.
        case rebuilding(done: Int, total: Int)
        case waiting(String)
        /// It tries again by itself.
        case failing(String)
        /// A person must mend it; it tries again once a minute.
        case refused(String)
    }

    package internal(set) var state = State.connecting
    /// Since when it is in this state.
    package internal(set) var since: Timestamp
    /// Rows of the feed, or positions of the log, that the store has and the sink has not.
    package internal(set) var lagCount: Int64 = 0
    /// Since when it has not had everything; nil if it has.
    package internal(set) var behindSince: Timestamp?
    package internal(set) var writtenCount = 0
    package internal(set) var deletedCount = 0
    /// Rows that were there already, or that the sink did not want.
    package internal(set) var passedOverCount = 0
    package internal(set) var batchCount = 0
    package internal(set) var retryCount = 0
    /// Batches, chunks and slots that could not be read.
    package internal(set) var damagedCount = 0
    package internal(set) var lastError: String?
    package internal(set) var lastDelivery: Timestamp?

    package init(since: Timestamp) { self.since = since }

    package func lagSeconds(at now: Timestamp) -> Double { behindSince.map { max(0, now.seconds(after: $0)) } ?? 0 }

    package var isFailing: Bool {
        switch state {
        case .failing, .refused: true
        default: false
        }
    }

    mutating func set(_ state: State, at now: Timestamp) {
        if !self.state.isLike(state) { since = now }
        self.state = state
    }

    mutating func setLag(_ count: Int64, at now: Timestamp) {
        lagCount = count
        behindSince = count == 0 ? nil : behindSince ?? now
    }
}

extension LoopStatus.State {
    fileprivate func isLike(_ other: Self) -> Bool {
        switch (self, other) {
        case (.rebuilding, .rebuilding), (.failing, .failing), (.refused, .refused): true
        default: self == other
        }
    }
}
