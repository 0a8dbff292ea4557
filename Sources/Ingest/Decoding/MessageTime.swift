import Telemetry

/// The moment a message bears, or why it bears none.
enum MessageTime: Equatable {
    case missing
    case notNumber(ValueKind)
    case outside(seconds: Double)
    case moment(Timestamp)

    init(seconds: Double) {
        self = Self.isPossible(seconds) ? .moment(Timestamp(seconds: seconds)) : .outside(seconds: seconds)
    }

    /// Why the message is refused.
    var reason: String {
        switch self {
        case .missing: "is missing"
        case .notNumber(let kind): "must be a number of seconds, is \(kind.noun)"
        case .outside(let seconds) where Self.isPossible(seconds / 1e3):
            "\(seconds.text) looks like milliseconds; divide by 1000"
        case .outside(let seconds) where Self.isPossible(seconds / 1e6):
            "\(seconds.text) looks like microseconds; divide by 1000000"
        case .outside(let seconds): "\(seconds.text) is outside the years 2000 to 2100"
        case .moment: "is fine"
        }
    }

    private static func isPossible(_ seconds: Double) -> Bool {
        seconds >= DecodingLimits.secondsMin && seconds <= DecodingLimits.secondsMax
    }
}
