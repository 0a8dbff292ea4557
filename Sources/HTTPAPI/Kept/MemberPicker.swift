import Telemetry

/// Picks members of stored objects by their names, as bytes: nothing is parsed, and a value comes out as it is stored.
struct MemberPicker: Sendable {
    /// The names as they stand in the text, with their quotes.
    private let names: [[UInt8]]

    init(_ names: some Sequence<String>) {
        self.names = names.map { name in
            var writer = JSONWriter()
            writer.write(string: name)
            return writer.bytes
        }
    }

    /// The keys under which the values of dotted names may lie, the names themselves and all that stands before a dot.
    init(pathsTo names: [String]) {
        var keys: Set<String> = []
        for name in names {
            let path = name.split(separator: ".").map(String.init)
            for count in path.indices { keys.insert(path[...count].joined(separator: ".")) }
        }
        self.init(keys.sorted())
    }

    /// Appends the members of an object that have one of the names, `"name":value` with commas between them; before the
    /// first one too if the text does not end where a list begins.
    func pick(from object: [UInt8], into text: inout [UInt8]) {
        object.withUnsafeBufferPointer { object in
            var place = 1
            while place < object.count, object[place] == UInt8(ascii: "\"") {
                let colon = Self.endOfString(object, place)
                let end = Self.endOfValue(object, colon + 1)
                if isNamed(UnsafeBufferPointer(rebasing: object[place..<colon])) {
                    if text.last != UInt8(ascii: "{") { text.append(UInt8(ascii: ",")) }
                    text.append(contentsOf: UnsafeBufferPointer(rebasing: object[place..<end]))
                }
                place = end + 1
            }
        }
    }

    private func isNamed(_ key: UnsafeBufferPointer<UInt8>) -> Bool {
        names.contains { $0.count == key.count && $0.elementsEqual(key) }
    }

    /// The place behind a string that begins at a place; the end of the text if it does not end.
    private static func endOfString(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
        var place = start + 1
        while place < text.count, text[place] != UInt8(ascii: "\"") {
            place += text[place] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(place + 1, text.count)
    }

    /// The place of the comma or brace behind a value that begins at a place.
    private static func endOfValue(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
        var place = start
        var depth = 0
        while place < text.count {
            switch text[place] {
            case UInt8(ascii: "\""):
                place = endOfString(text, place)
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "}"):
                if depth == 0 { return place }
                depth -= 1
            case UInt8(ascii: ",") where depth == 0: return place
            default: break
            }
            place += 1
        }
        return text.count
    }
}
