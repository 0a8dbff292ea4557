import Telemetry

/// What became of a body of messages.
package struct DecodedMessages: Sendable {
    /// The messages of each ident, in the order in which the idents first appear; nil stands for messages without one.
    package var byIdent: [IdentMessages] = []
    /// The messages that lie too far past their acceptance, kept apart so that they can be listed and admitted.
    package var future: [IdentMessages] = []
    /// What could be read but for its timestamp: counted and listed as refused, and given whole so that it can be kept
    /// apart; at most `DecodingLimits.impossibleCountMax` of them.
    package var impossible: [ImpossibleMessage] = []
    /// How many messages were kept, future ones included.
    package var accepted = 0
    /// How many messages were refused as a whole.
    package var refused = 0
    /// What was refused and why, at most `DecodingLimits.problemCountMax` of them.
    package var problems: [MessageProblem] = []
    /// How many problems more there were.
    package var problemsOmitted = 0

    package init() {}
}

/// The messages that one body holds for one ident, in the order they came.
package struct IdentMessages: Sendable, Equatable {
    /// The ident that the messages name; nil if they name none and belong to the device that the caller knows.
    package var ident: String?
    package var messages: MessageBatch
    /// The place in the body, or the line of the file, of the first of them.
    package var firstIndex: Int

    package init(ident: String?, messages: MessageBatch, firstIndex: Int = 0) {
        self.ident = ident
        self.messages = messages
        self.firstIndex = firstIndex
    }
}

/// A message whose timestamp is missing, or cannot be that of a message.
package struct ImpossibleMessage: Sendable, Equatable {
    /// The message's index in its body, or the number of its line in a file.
    package var index: Int
    /// The ident that it names; nil if it names none and belongs to the device that the caller knows.
    package var ident: String?
    /// What is wrong with its timestamp.
    package var reason: String
    /// The message as JSON text, with the timestamp as it came.
    package var json: String

    package init(index: Int, ident: String?, reason: String, json: String) {
        self.index = index
        self.ident = ident
        self.reason = reason
        self.json = json
    }
}

/// Why a message, or one parameter of it, was refused.
package struct MessageProblem: Sendable, Equatable, CustomStringConvertible {
    /// The message's index in its body, or the number of its line in a file.
    package var index: Int
    /// The parameter at fault; nil if the message as such is.
    package var parameter: String?
    package var reason: String
    /// Whether the whole message was refused, or only the parameter.
    package var refusesMessage: Bool

    package init(index: Int, parameter: String?, reason: String, refusesMessage: Bool) {
        self.index = index
        self.parameter = parameter
        self.reason = reason
        self.refusesMessage = refusesMessage
    }

    package var description: String { parameter.map { "\($0): \(reason)" } ?? reason }
}

/// When messages count as accepted: the stamp `server.timestamp`.
package enum Acceptance: Sendable {
    /// All of them at one moment.
    case now(Timestamp)
    /// Each at its own timestamp, so that imported history is never late nor expired.
    case history
}

/// What a message may hold.
package struct DecodingLimits: Sendable {
    /// Further parameters of a message are dropped.
    package var parameterCountMax = 1_000
    /// A longer name is refused with its value.
    package var nameLengthMax = ParameterTable.nameLengthMax
    /// A longer string, or JSON text, is refused.
    package var textLengthMax = 65_536
    /// Further problems are only counted.
    package var problemCountMax = 100
    /// Messages further ahead of their acceptance are kept apart.
    package var futureSecondsMax = 300
    /// Messages without a possible timestamp that are given whole; further ones are only refused.
    package var impossibleCountMax = 1_000
    /// A longer JSON text of such a message is not given.
    package var impossibleByteCountMax = 65_536

    package init() {}

    /// The moments a message may bear: the years 2000 to 2100.
    package static let secondsMin = 946_684_800.0
    package static let secondsMax = 4_102_444_800.0
}
