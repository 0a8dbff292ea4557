import Telemetry

extension JSONValue {
    /// The same with the members of every object sorted, and without some names anywhere.
    func sorted(without names: Set<String> = []) -> JSONValue {
        switch self {
        case .object(let members):
            .object(
                members.filter { !names.contains($0.key) }.sorted { $0.key < $1.key }.map {
                    Member($0.key, $0.value.sorted(without: names))
                })
        case .array(let items): .array(items.map { $0.sorted(without: names) })
        default: self
        }
    }

    /// Where this one and another differ first; both sorted.
    func difference(from other: JSONValue, at path: String = "$") -> String? {
        guard self != other else { return nil }
        if let mine = members, let others = other.members, mine.map(\.key) == others.map(\.key) {
            for (left, right) in zip(mine, others) {
                if let found = left.value.difference(from: right.value, at: path + "." + left.key) { return found }
            }
        }
        if let mine = arrayValue, let others = other.arrayValue, mine.count == others.count {
            for (index, (left, right)) in zip(mine, others).enumerated() {
                if let found = left.difference(from: right, at: path + "[\(index)]") { return found }
            }
        }
        return "\(path): \(text.prefix(300)) is not \(other.text.prefix(300))"
    }
}
