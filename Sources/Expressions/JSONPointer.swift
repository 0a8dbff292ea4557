import Telemetry

/// A way into a JSON value (RFC 6901): `/0/id`, with `~1` for a slash and `~0` for a tilde within a key.
enum JSONPointer {
    /// What the pointer leads to; nil where it leads nowhere.
    static func follow(_ pointer: String, in value: JSONValue) -> JSONValue? {
        var place = value
        for step in pointer.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let next = self.step(unescaped(step), in: place) else { return nil }
            place = next
        }
        return place
    }

    /// The member of an object, or the item of an array, by its name or number.
    static func step(_ key: String, in place: JSONValue) -> JSONValue? {
        switch place {
        case .object: place[key]
        case .array(let items): Int(key).flatMap { items.indices.contains($0) ? items[$0] : nil }
        default: nil
        }
    }

    private static func unescaped(_ step: Substring) -> String {
        guard step.utf8.contains(UInt8(ascii: "~")) else { return String(step) }
        // The slashes first, so that ~01 becomes ~1 and not a slash.
        return step.split(separator: "~1", omittingEmptySubsequences: false).joined(separator: "/")
            .split(separator: "~0", omittingEmptySubsequences: false).joined(separator: "~")
    }
}
