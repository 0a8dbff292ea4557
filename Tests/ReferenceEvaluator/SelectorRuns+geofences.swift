/// Where a geofence selector finds a message to be.
enum GeofenceFinding {
    /// Inside, or crossed on the way to the message.
    case inside(Geofence)
    case outside
    /// Without a valid position.
    case unknown
}

extension SelectorRuns {
    static func findings(_ definition: SelectorDefinition, _ view: MessageStream) -> [GeofenceFinding] {
        guard case .geofence(let inline, let isCrossing) = definition.kind else { return [] }
        let geofences = inline.isEmpty ? view.surroundings.geofences : inline
        var last: Position?
        return view.messages.enumerated().map { place, message in
            let time = message.timestampMicroseconds
            if place > 0, definition.isGap(time - view.messages[place - 1].timestampMicroseconds) { last = nil }
            guard let position = Position(message) else { return .unknown }
            defer { last = position }
            if let around = Geofence.containing(position, in: geofences).first { return .inside(around) }
            guard isCrossing, let last else { return .outside }
            return Geofence.crossed(from: last, to: position, in: geofences).first.map { .inside($0) } ?? .outside
        }
    }

    /// The places whose leg would cross other geofences if "straight" meant a little else.
    static func doubtfulCrossings(_ definition: SelectorDefinition, _ view: MessageStream) -> [Int] {
        guard case .geofence(let inline, true) = definition.kind else { return [] }
        let geofences = inline.isEmpty ? view.surroundings.geofences : inline
        var last: Position?
        return view.messages.indices.filter { place in
            guard let position = Position(view.messages[place]) else { return false }
            defer { last = position }
            guard let last else { return false }
            return geofences.contains { $0.isCrossingDoubtful(from: last, to: position) }
        }
    }

    /// ON inside, ON_NEW where the geofence is another than the last known one, UNKNOWN without a valid position.
    func geofenceStates() -> [SelectorState] {
        var known: Geofence?
        return findings.map { finding in
            guard case .inside(let geofence) = finding else {
                if case .outside = finding { return .off }
                return .unknown
            }
            defer { known = geofence }
            return geofence == known ? .on : .onNew
        }
    }

    /// Whether it is a geofence selector.
    var findsGeofences: Bool { if case .geofence = definition.kind { true } else { false } }

    /// The geofence that a geofence selector finds at a place of the calculator's stream.
    ///
    /// A message that the selector does not see has no leg, and is judged by its own position.
    func geofence(at place: Int) -> Geofence? {
        guard case .geofence(let inline, _) = definition.kind else { return nil }
        guard let index = seen.firstIndex(of: place) else {
            let geofences = inline.isEmpty ? stream.surroundings.geofences : inline
            return Position(stream.messages[place]).flatMap { Geofence.containing($0, in: geofences).first }
        }
        if case .inside(let geofence) = findings[index] { return geofence }
        return nil
    }
}
