/// Takes the values out of what the server says.
///
/// A message names columns and constraints, which help, and repeats values, which are nobody's business in a log. Which
/// of both stands in quotes depends on the class of the error.
enum ServerWords {
    static let hidden = "…"

    /// In data exceptions (class 22) what stands in quotes or after a colon is the value.
    static func message(_ text: String, sqlState: String?) -> String {
        let line = oneLine(text)
        guard sqlState?.hasPrefix("22") == true else { return line }
        if let colon = line.firstRange(of: ": ") { return withoutQuoted(line[..<colon.lowerBound]) + ": " + hidden }
        return withoutQuoted(line[...])
    }

    /// The lines of a text without what they are set in with, one behind the other.
    static func oneLine(_ text: String) -> String {
        text.split(separator: "\n").map { $0.drop { $0 == "\t" || $0 == " " } }.joined(separator: "; ")
    }

    /// The key of a violated constraint without its values; nothing of a data exception.
    static func detail(_ text: String, sqlState: String?) -> String? {
        guard let state = sqlState?.prefix(2) else { return nil }
        if state == "22" { return nil }
        guard state == "23" else { return text }
        let open = [")=(", ") = (", "contains ("].compactMap { text.firstRange(of: $0)?.upperBound }.min()
        guard let open, let close = text.lastIndex(of: ")"), open <= close else { return nil }
        return text[..<open] + hidden + text[close...]
    }

    /// Where in a COPY, and in which functions; the rest repeats statements and data.
    static func context(_ text: String) -> String? {
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("COPY ") || $0.hasPrefix("PL/pgSQL function ") }
        let kept = lines.map { line in line.firstRange(of: ": ").map { line[..<$0.lowerBound] } ?? line }
        return kept.isEmpty ? nil : kept.joined(separator: "; ")
    }

    /// From the first quotation mark to the last: a value may hold marks of its own.
    static func withoutQuoted(_ text: Substring) -> String {
        guard let first = text.firstIndex(of: "\""), let last = text.lastIndex(of: "\""), first < last else {
            return String(text)
        }
        return text[...first] + hidden + text[last...]
    }
}
