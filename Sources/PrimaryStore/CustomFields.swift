import Telemetry

/// The custom fields of one interval and how they stand in its text: in the order in which they were first set, before
/// the last brace.
struct CustomFields: Equatable {
    private(set) var members: [JSONValue.Member]

    init(_ members: [JSONValue.Member] = []) { self.members = members }

    var isEmpty: Bool { members.isEmpty }

    var json: String { JSONValue.object(members).text }

    /// Replaces and adds names; null takes one away. `ownNames` are those that the interval has without them.
    mutating func merge(_ changes: [JSONValue.Member], ownNames: Set<String>) throws(StoreError) {
        for change in changes {
            guard change.value != .null else {
                members.removeAll { $0.key == change.key }
                continue
            }
            guard !change.key.isEmpty, !IntervalFields.reservedNames.contains(change.key),
                !ownNames.contains(change.key)
            else { throw .invalid("\"\(change.key)\" cannot be the name of a custom field: the interval has it") }
            if let place = members.firstIndex(where: { $0.key == change.key }) {
                members[place].value = change.value
            } else {
                members.append(change)
            }
        }
        guard members.count <= IntervalFields.nameCountMax else {
            throw .invalid("an interval has at most \(IntervalFields.nameCountMax) custom fields")
        }
        guard json.utf8.count <= IntervalFields.byteCountMax else {
            throw .invalid("the custom fields of an interval have at most \(IntervalFields.byteCountMax) bytes")
        }
    }

    /// The text of an interval with the fields; a name that the interval has by now is its own.
    func appended(to text: IntervalText) -> IntervalText {
        let ownNames = text.ownNames
        var writer = JSONWriter(capacity: text.bytes.count + 256)
        writer.write(raw: text.bytes.dropLast())
        for member in members where !ownNames.contains(member.key) {
            writer.write(key: member.key)
            member.value.write(to: &writer)
        }
        var result = text
        result.details.customCount = writer.bytes.count - (text.bytes.count - 1)
        writer.write(literal: "}")
        result.bytes = writer.bytes
        return result
    }
}

extension IntervalText {
    /// The same text without custom fields.
    var withoutCustomFields: IntervalText {
        guard details.customCount > 0 else { return self }
        var result = self
        result.bytes.removeLast(details.customCount + 1)
        result.bytes.append(UInt8(ascii: "}"))
        result.details.customCount = 0
        return result
    }

    /// The names in a text without custom fields.
    var ownNames: Set<String> {
        // What pushes write is JSON; were it not, there would be no name to keep apart.
        Set(((try? JSONValue(parsing: bytes))?.members ?? []).map(\.key))
    }
}
