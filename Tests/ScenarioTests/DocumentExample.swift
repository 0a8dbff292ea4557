import FoundationEssentials
import Telemetry
import TestSupport

/// A worked example of a page: a calculator, messages and the intervals that come of them.
///
/// It stands behind the comment `<!-- example: name words -->` as blocks of code in this order: the calculator
/// (`json`); a block (`json`) for each of the words `geofences`, those assigned to the calculator, `metadata`, that
/// of the device, and `source=7`, another calculator with that id; the messages (`jsonl`), which may leave out the
/// device's `ident`; the intervals (`json`), without `id` and `timestamp`. The word `now=T` sets the clock,
/// `steps=[…]` gives the steps of a scenario.
struct DocumentExample: Sendable, CustomStringConvertible {
    let name: String
    private let place: String
    /// The contents of the files of a scenario's folder, by name.
    private let files: [String: String]
    /// The calculator and those that it reads.
    let definitions: [JSONValue]

    var description: String { "\(place), \(name)" }

    static let all: [Result<DocumentExample, DocumentError>] = DocumentPage.all.flatMap(each)

    static func each(in page: DocumentPage) -> [Result<DocumentExample, DocumentError>] {
        page.lines.enumerated().filter { $0.element.hasPrefix(marker) }.map { index, line in
            Result { () throws(DocumentError) -> DocumentExample in
                try DocumentExample(page, line: index + 1, marker: line)
            }
        }
    }

    private static let marker = "<!-- example: "
    private static let extras = ["geofences", "metadata", "source"]
    private static let ident = JSONValue.string("truck-1")

    private init(_ page: DocumentPage, line: Int, marker: String) throws(DocumentError) {
        place = "docs/\(page.name):\(line)"
        let words = marker.dropFirst(Self.marker.count).split(separator: " ").filter { $0 != "-->" }.map(String.init)
        name = words.first ?? ""
        let extras = words.dropFirst().filter { word in Self.extras.contains { word.hasPrefix($0) } }
        let blocks = page.blocks.filter { $0.line > line }.prefix(extras.count + 3)
        let languages = ["json"] + extras.map { _ in "json" } + ["jsonl", "json"]
        guard blocks.map(\.language) == languages, let last = blocks.last else {
            throw DocumentError(place: place, reason: "blocks \(languages) must follow, not \(blocks.map(\.language))")
        }
        let inner = page.lines[line..<last.line]
        if inner.contains(where: { $0.hasPrefix(Self.marker) || $0.hasPrefix("#") }) {
            throw DocumentError(place: place, reason: "another example or section begins before all its blocks")
        }
        var texts = blocks.map(\.text)[...]
        var files = ["calculator.json": texts.removeFirst()]
        for word in extras {
            let isSource = word.hasPrefix("source=")
            files[isSource ? "sources/\(word.dropFirst(7)).json" : "\(word).json"] = texts.removeFirst()
        }
        let messages = try Self.messages(texts.removeFirst(), place: place)
        files["messages.jsonl"] = messages.joined(separator: "\n")
        files["expected.json"] = texts.removeFirst()
        let now = words.first { $0.hasPrefix("now=") }.map { ",{\"now\":\($0.dropFirst(4))}" } ?? ""
        let steps = words.first { $0.hasPrefix("steps=") }.map { String($0.dropFirst(6)) }
        files["steps.json"] = steps ?? "[{\"post\":[1,\(messages.count)]}\(now)]"
        self.files = files
        definitions = files.filter { $0.key == "calculator.json" || $0.key.hasPrefix("sources/") }
            .compactMap { try? JSONValue(parsing: $0.value) }
    }

    private static func messages(_ text: String, place: String) throws(DocumentError) -> [String] {
        var messages: [String] = []
        for line in text.split(separator: "\n") {
            guard var message = try? JSONValue(parsing: String(line)) else {
                throw DocumentError(place: place, reason: "this is no message: \(line)")
            }
            if message["ident"] == nil { message["ident"] = ident }
            messages.append(message.text)
        }
        return messages
    }

    /// The example as a scenario; its folder is there only while it is read.
    func scenario() throws -> Scenario {
        let manager = FileManager.default
        let folder = "\(manager.temporaryDirectory.path)/odograph-document-\(UUID().uuidString)"
        defer { try? manager.removeItem(atPath: folder) }
        try manager.createDirectory(atPath: folder + "/sources", withIntermediateDirectories: true)
        for (name, text) in files {
            guard manager.createFile(atPath: "\(folder)/\(name)", contents: Data(text.utf8)) else {
                throw DocumentError(place: place, reason: "\(folder)/\(name) cannot be written")
            }
        }
        return try Scenario(folder: folder, name: description, calculators: Folders.calculators)
    }
}

/// Why a page cannot be tried.
struct DocumentError: Error, CustomStringConvertible {
    /// The page and the line.
    var place: String
    var reason: String

    var description: String { "\(place): \(reason)" }
}
