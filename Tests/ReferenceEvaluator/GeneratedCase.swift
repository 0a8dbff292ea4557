import Foundation

/// A calculator of a random case.
public struct GeneratedCalculator: Sendable, Equatable {
    public var id: Int
    public var json: String
    /// What its `timezone` names.
    public var timeZoneIdentifier: String
    /// The geofences assigned to it, an array; each has its `id` in it.
    public var geofencesJSON: String
}

/// A random calculator, with those that it reads and a device's messages, from one seed.
public struct GeneratedCase: Sendable {
    public var seed: UInt64
    /// The calculators whose intervals are read, each after those it reads itself; their ids count up from 1.
    public var sources: [GeneratedCalculator] = []
    /// The id of the calculator under test.
    public var calculatorID = 1
    public var calculatorJSON: String
    public var timeZoneIdentifier: String
    public var constants: [String: RefValue]
    public var metadataJSON: String
    /// The geofences assigned to the calculator, an array.
    public var geofencesJSON: String
    /// In order, one for each timestamp, 0 to 400 of them.
    public var messages: [RefMessage]
    /// What a device may have sent for them, in order of acceptance: some of a message in two parts, some of it twice.
    ///
    /// Coalesced by rule 7 they give `messages`, whatever hash decides which part overrides: parts of one timestamp
    /// agree where they overlap, and only a duplicate has another acceptance, a later one.
    public var rawMessages: [RefMessage]
    public var nowMicroseconds: Int64

    /// All calculators, sources first; the last is the one under test.
    public var calculators: [GeneratedCalculator] {
        sources + [
            GeneratedCalculator(
                id: calculatorID, json: calculatorJSON, timeZoneIdentifier: timeZoneIdentifier,
                geofencesJSON: geofencesJSON)
        ]
    }

    /// The reference evaluator of its calculators.
    public func nest() throws(ReferenceError) -> ReferenceNest {
        var members: [ReferenceNest.Member] = []
        for calculator in calculators {
            guard let zone = TimeZone(identifier: calculator.timeZoneIdentifier) else {
                throw ReferenceError("no time zone \(calculator.timeZoneIdentifier)")
            }
            members.append(
                ReferenceNest.Member(
                    id: calculator.id, json: calculator.json, timeZone: zone,
                    geofencesJSON: calculator.geofencesJSON))
        }
        return try ReferenceNest(calculators: members, constants: constants, metadataJSON: metadataJSON)
    }

    /// The intervals that the reference evaluator finds, by calculator.
    public func expected() throws(ReferenceError) -> [Int: [RefInterval]] {
        try nest().evaluate(messages, nowMicroseconds: nowMicroseconds)
    }

    /// Everything that is needed to see the case: calculators and messages as JSON lines.
    public var report: String {
        let lines = messages.map(\.jsonLine)
        let now = RefValue.text(of: Double(nowMicroseconds) / 1e6)
        let others = sources.map { "source \($0.id), \($0.timeZoneIdentifier)\n\($0.json)\n\($0.geofencesJSON)" }
        let own = ["seed \(seed), \(timeZoneIdentifier), now \(now)", calculatorJSON, geofencesJSON]
        return (others + own + lines).joined(separator: "\n")
    }
}

extension RefMessage {
    /// A flat JSON object with its stamps in seconds.
    public var jsonLine: String {
        let stamps = [
            JSONTree.Member(key: "timestamp", value: .number(Double(timestampMicroseconds) / 1e6)),
            JSONTree.Member(key: "server.timestamp", value: .number(Double(acceptanceMicroseconds) / 1e6)),
        ]
        let members = values.sorted { $0.key < $1.key }
            .map { JSONTree.Member(key: $0.key, value: JSONTree($0.value)) }
        return JSONTree.object(stamps + members).text
    }
}
