extension GeneratedCase {
    /// A smaller case that still fails: messages, calculators, counters, selectors, options, fields and geofences are
    /// left out as long as it does.
    ///
    /// Only cases that the reference evaluator can read are tried.
    public func shrunk(while fails: (GeneratedCase) -> Bool) -> GeneratedCase {
        let isWorse = { (candidate: GeneratedCase) in (try? candidate.nest()) != nil && fails(candidate) }
        var smallest = self
        while true {
            let size = smallest.size
            smallest = smallest.withFewerMessages(isWorse).withFewerCalculators(isWorse).withLess(isWorse)
            if smallest.size == size { return smallest }
        }
    }

    private var size: Int {
        messages.count + calculators.reduce(0) { $0 + $1.json.utf8.count + $1.geofencesJSON.utf8.count }
    }

    /// Runs of messages left out, long runs first.
    private func withFewerMessages(_ fails: (GeneratedCase) -> Bool) -> GeneratedCase {
        var smallest = self
        var length = messages.count / 2
        while length > 0 {
            var start = 0
            while start + length <= smallest.messages.count {
                let candidate = smallest.removingMessages(start..<start + length)
                if fails(candidate) { smallest = candidate } else { start += length }
            }
            length /= 2
        }
        return smallest
    }

    private func removingMessages(_ range: Range<Int>) -> GeneratedCase {
        var candidate = self
        let times = Set(messages[range].map(\.timestampMicroseconds))
        candidate.messages.removeSubrange(range)
        candidate.rawMessages.removeAll { times.contains($0.timestampMicroseconds) }
        return candidate
    }

    /// Sources left out; those that another reads stay by themselves, since the case could not be read.
    private func withFewerCalculators(_ fails: (GeneratedCase) -> Bool) -> GeneratedCase {
        var smallest = self
        for index in sources.indices.reversed() {
            var candidate = smallest
            candidate.sources.remove(at: index)
            if fails(candidate) { smallest = candidate }
        }
        return smallest
    }

    /// Parts of each calculator and of its geofences left out.
    private func withLess(_ fails: (GeneratedCase) -> Bool) -> GeneratedCase {
        var smallest = self
        for index in calculators.indices {
            for isGeofences in [false, true] {
                var place = 0
                while true {
                    let calculator = smallest.calculators[index]
                    guard let tree = try? JSONTree(isGeofences ? calculator.geofencesJSON : calculator.json) else {
                        break
                    }
                    let parts = tree.removableParts
                    guard place < parts.count else { break }
                    let candidate = smallest.replacing(index, with: tree.removing(parts[place]).text, isGeofences)
                    if fails(candidate) { smallest = candidate } else { place += 1 }
                }
            }
        }
        return smallest
    }

    private func replacing(_ index: Int, with json: String, _ isGeofences: Bool) -> GeneratedCase {
        var candidate = self
        switch (index < sources.count, isGeofences) {
        case (true, false): candidate.sources[index].json = json
        case (true, true): candidate.sources[index].geofencesJSON = json
        case (false, false): candidate.calculatorJSON = json
        case (false, true): candidate.geofencesJSON = json
        }
        return candidate
    }
}

extension JSONTree {
    /// Paths of places to whatever may be left out: items of lists and options, the outer ones first.
    ///
    /// Names, types and what belongs to a geometry stay; a calculator keeps a selector.
    fileprivate var removableParts: [[Int]] {
        let fixed: Set<String> = [
            "name", "type", "timezone", "id", "calc_id", "calculator_id", "source", "geometry", "center", "lat", "lon",
            "radius", "width", "path", "delay_threshold", "expression", "counter", "value", "method", "parameter",
        ]
        switch self {
        case .array(let items):
            return items.indices.map { [$0] }
                + items.indices.flatMap { place in
                    items[place].removableParts.map { [place] + $0 }
                }
        case .object(let members):
            let kept: Set<String> = ["selectors", "counters", "fields"]
            let own = members.indices.filter { !fixed.contains(members[$0].key) && !kept.contains(members[$0].key) }
            let inner = members.indices.filter { !["path", "center", "geometry"].contains(members[$0].key) }
            return own.map { [$0] }
                + inner.flatMap { place in members[place].value.removableParts.map { [place] + $0 } }
        default: return []
        }
    }

    /// The tree without the part at a path.
    fileprivate func removing(_ path: [Int]) -> JSONTree {
        guard let place = path.first else { return self }
        let rest = Array(path.dropFirst())
        switch self {
        case .array(var items):
            if rest.isEmpty { items.remove(at: place) } else { items[place] = items[place].removing(rest) }
            return .array(items)
        case .object(var members):
            if rest.isEmpty {
                members.remove(at: place)
            } else {
                members[place].value = members[place].value.removing(rest)
            }
            return .object(members)
        default: return self
        }
    }
}
