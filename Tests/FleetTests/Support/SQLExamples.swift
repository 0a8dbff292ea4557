import Foundation
import Telemetry

/// What the project's documents and dashboards ask a database.
enum SQLExamples {
    static let root = #filePath.components(separatedBy: "/Tests/")[0]

    /// The examples of `docs/sql.md`: the heading, and the statement below it.
    static func documented() throws -> [(title: String, sql: String)] {
        let text = try String(contentsOfFile: root + "/docs/sql.md", encoding: .utf8)
        return text.components(separatedBy: "\n## ").dropFirst().compactMap { section in
            let parts = section.components(separatedBy: "```sql\n")
            guard parts.count > 1, let sql = parts[1].components(separatedBy: "\n```").first else { return nil }
            return (String(section.prefix { $0 != "\n" }), sql)
        }
    }

    struct Panel {
        var dashboard: String
        var title: String
        var sql: String
    }

    /// The statements of every panel and variable of the dashboards.
    static func panels() throws -> [Panel] {
        let folder = root + "/docs/grafana/provisioning/dashboards-json"
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().flatMap { file -> [Panel] in
            let board = try JSONValue(parsing: Array(Data(contentsOf: URL(filePath: folder + "/" + file))))
            let panels = (board["panels"]?.arrayValue ?? []).flatMap { panel in
                (panel["targets"]?.arrayValue ?? []).compactMap { target in
                    target["rawSql"]?.stringValue.map {
                        Panel(dashboard: file, title: panel["title"]?.stringValue ?? "", sql: $0)
                    }
                }
            }
            let variables = (board["templating"]?["list"]?.arrayValue ?? []).compactMap { variable in
                variable["query"]?.stringValue.map {
                    Panel(dashboard: file, title: "$\(variable["name"]?.stringValue ?? "")", sql: $0)
                }
            }
            return variables + panels
        }
    }

    /// A statement as Grafana sends it: its macros and variables replaced.
    static func expanded(_ sql: String, from: String, to: String, variables: [String: [String]]) throws -> String {
        let macro = /\$(__[A-Za-z]+)\(([^)]*)\)/
        var text = sql.replacing(macro) { match in
            let arguments = match.2.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            return switch match.1 {
            case "__timeFilter": "\(arguments[0]) BETWEEN '\(from)' AND '\(to)'"
            case "__timeFrom": "'\(from)'"
            case "__timeTo": "'\(to)'"
            case "__time": "\(arguments[0]) AS \"time\""
            default: "unknown macro \(match.1)"
            }
        }
        for (name, values) in variables {
            let list = values.map { "'\($0.replacing("'", with: "''"))'" }.joined(separator: ",")
            for spelling in ["${\(name):sqlstring}", "${\(name)}", "$\(name)"] {
                text = text.replacing(spelling, with: list)
            }
        }
        return text
    }
}
