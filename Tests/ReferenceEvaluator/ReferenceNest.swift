import Foundation

/// Calculators on one device, some of which read the intervals of others.
public struct ReferenceNest {
    /// A calculator by its id.
    public struct Member: Sendable {
        public var id: Int
        public var json: String
        public var timeZone: TimeZone
        /// The geofences assigned to this calculator, an array.
        public var geofencesJSON: String

        public init(id: Int, json: String, timeZone: TimeZone, geofencesJSON: String = "[]") {
            self.id = id
            self.json = json
            self.timeZone = timeZone
            self.geofencesJSON = geofencesJSON
        }
    }

    /// Sources before those that read them.
    private var ordered: [(id: Int, reference: Reference)] = []

    /// Reads the calculators, which may be in any order. All of them are assigned to the device.
    public init(
        calculators: [Member], constants: [String: RefValue] = [:], metadataJSON: String = "{}"
    ) throws(ReferenceError) {
        var waiting: [(id: Int, reference: Reference)] = []
        for member in calculators {
            if waiting.contains(where: { $0.id == member.id }) {
                throw ReferenceError("two calculators have the id \(member.id)")
            }
            let reference = try Reference(
                calculatorJSON: member.json, timeZone: member.timeZone, constants: constants,
                metadataJSON: metadataJSON, geofencesJSON: member.geofencesJSON)
            waiting.append((member.id, reference))
        }
        while !waiting.isEmpty {
            let known = Set(ordered.map(\.id))
            guard let next = waiting.firstIndex(where: { known.isSuperset(of: $0.reference.definition.sources) })
            else {
                throw ReferenceError("a source calculator is missing, or the calculators read each other in a ring")
            }
            ordered.append(waiting.remove(at: next))
        }
    }

    /// The intervals of each calculator by its id, of messages in order, one for each timestamp.
    public func evaluate(_ messages: [RefMessage], nowMicroseconds: Int64) -> [Int: [RefInterval]] {
        var found: [Int: SourceIntervals] = [:]
        for (id, reference) in ordered {
            let intervals = reference.evaluate(messages, nowMicroseconds: nowMicroseconds, sources: found)
            found[id] = SourceIntervals(
                intervals: intervals, counterNames: reference.definition.counters.map(\.name))
        }
        return found.mapValues(\.intervals)
    }

    /// The ids of the calculators in the order of their evaluation.
    public var order: [Int] { ordered.map(\.id) }
}
