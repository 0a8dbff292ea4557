import Telemetry

/// Texts of intervals as the API and `odograph calculate` write them.
enum Intervals {
    /// The text of an answer with intervals, without `id` and `timestamp` of each.
    ///
    /// The first `timestamp` after an `id` is the interval's own: the two stand side by side.
    static func withoutIdentity(_ text: String) -> String {
        let source = Array(text.utf8)
        let mark = Array(",\"id\":".utf8)
        let second = Array(",\"timestamp\":".utf8)
        var result: [UInt8] = []
        var index = 0
        while index < source.count {
            if source[index] == mark[0], source[index...].starts(with: mark) {
                let afterID = end(of: source, from: index + mark.count)
                if source[afterID...].starts(with: second) {
                    index = end(of: source, from: afterID + second.count)
                    continue
                }
            }
            result.append(source[index])
            index += 1
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// The place after a number.
    private static func end(of source: [UInt8], from start: Int) -> Int {
        var index = start
        while index < source.count, (0x30...0x39).contains(source[index]) || source[index] == UInt8(ascii: ".") {
            index += 1
        }
        return index
    }

    /// The intervals that `odograph calculate` makes of the messages of one device, as the API answers them.
    static func calculated(_ calculator: String, messages: [String]) async throws -> String {
        let folder = try Folder()
        let definition = try folder.write(calculator, to: "calculator.json")
        let named = messages.map { Drives.named($0, "v") }
        let file = try folder.write(named.joined(separator: "\n"), to: "messages.jsonl")
        let outcome = try await Program.run(["calculate", "--calculator", definition, "--messages", file])
        guard outcome.status == 0 else { throw Obstacle("calculate: \(outcome)") }
        let head = "{\"ident\":\"v\","
        let lines = outcome.output.split(separator: "\n").filter { $0.hasPrefix(head) }.map { line in
            "{" + line.dropFirst(head.count).trimmingSuffix { $0 == "," }
        }
        return "{\"result\":[\(lines.joined(separator: ","))]}"
    }
}

extension Substring {
    fileprivate func trimmingSuffix(while condition: (Character) -> Bool) -> Substring {
        var result = self
        while let last = result.last, condition(last) { result.removeLast() }
        return result
    }
}

/// The change feed of a server, replayed.
enum Feed {
    /// A row that counts: what it says of an interval.
    struct Row {
        var slot: Int64
        var rev: Int64
        var operation: String
        var calculator: Int64
        var device: Int64
        var id: Int64
        var interval: JSONValue

        init(_ json: JSONValue) throws {
            guard let slot = json["slot"]?.integerValue, let rev = json["rev"]?.integerValue,
                let operation = json["operation"]?.stringValue, let calculator = json["calc_id"]?.integerValue,
                let device = json["device_id"]?.integerValue, let id = json["id"]?.integerValue
            else { throw Obstacle("a feed row without its fields: \(json.text)") }
            self.slot = slot
            self.rev = rev
            self.operation = operation
            self.calculator = calculator
            self.device = device
            self.id = id
            interval = json["interval"] ?? .null
        }

        var key: String { "\(calculator)/\(device)/\(id)" }
    }

    /// All rows from 0, slot by slot; revisions of a slot must count up without a gap.
    static func rows(_ server: TestServer, after revisions: [Int64: Int64] = [:]) async throws -> [Row] {
        var rows: [Row] = []
        for slot in try await server.get("/gw/changes").result.compactMap({ $0["slot"]?.integerValue }) {
            var last = revisions[slot] ?? 0
            while true {
                let page = try await server.get("/gw/changes?slot=\(slot)&after=\(last)&count=1000").result.map(
                    Row.init)
                if page.isEmpty { break }
                for row in page {
                    guard row.rev == last + 1 else { throw Obstacle("slot \(slot): \(row.rev) follows \(last)") }
                    last = row.rev
                }
                rows += page
            }
        }
        return rows
    }

    /// The last revision of each slot.
    static func revisions(_ server: TestServer) async throws -> [Int64: Int64] {
        var result: [Int64: Int64] = [:]
        for row in try await server.get("/gw/changes").result {
            if let slot = row["slot"]?.integerValue { result[slot] = row["rev"]?.integerValue }
        }
        return result
    }

    /// The intervals that remain after all rows, by assignment and id.
    static func table(_ rows: [Row]) throws -> [String: String] {
        var table: [String: String] = [:]
        for row in rows {
            switch row.operation {
            case "deleted":
                guard table.removeValue(forKey: row.key) != nil else { throw Obstacle("deleted twice: \(row.key)") }
            case "created":
                guard table.updateValue(row.interval.text, forKey: row.key) == nil else {
                    throw Obstacle("created twice: \(row.key)")
                }
            default:
                guard table.updateValue(row.interval.text, forKey: row.key) != nil else {
                    throw Obstacle("\(row.operation) before it was created: \(row.key)")
                }
            }
        }
        return table
    }

    /// The intervals of all assignments as the API gives them, by assignment and id.
    static func intervals(_ server: TestServer) async throws -> [String: String] {
        var table: [String: String] = [:]
        for item in try await server.get("/gw/calcs/all/devices/all/intervals/all").result {
            guard let calculator = item["calc_id"]?.integerValue, let device = item["device_id"]?.integerValue,
                let id = item["id"]?.integerValue
            else { throw Obstacle("an interval without its ids: \(item.text)") }
            var interval = item
            interval["calc_id"] = nil
            interval["device_id"] = nil
            table["\(calculator)/\(device)/\(id)"] = interval.text
        }
        return table
    }
}
