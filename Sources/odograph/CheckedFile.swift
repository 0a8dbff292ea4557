import Calculators
import Glibc
import Telemetry
import TimeZones

/// A file with one calculator, or an array of them, and everything that is wrong with it.
struct CheckedFile {
    let name: String
    /// The calculators without errors.
    private(set) var calculators: [Calculator] = []
    private(set) var findings: [CheckFinding] = []

    /// A larger file is no calculator.
    static let sizeMax = 16 << 20

    private let bytes: [UInt8]
    private let zones: TimeZoneDatabase

    /// Reads and checks a file; a calculator without a name is an error only if it is to be stored.
    init(_ name: String, requiresName: Bool, zones: TimeZoneDatabase) throws(CheckFailure) {
        self.init(name, bytes: try Self.contents(of: name), requiresName: requiresName, zones: zones)
    }

    init(_ name: String, bytes: [UInt8], requiresName: Bool, zones: TimeZoneDatabase) {
        self.name = name
        self.bytes = bytes
        self.zones = zones
        do throws(JSONError) {
            let value = try JSONValue(parsing: bytes)
            let locator = try JSONLocator(bytes)
            if let items = value.arrayValue {
                if items.isEmpty { add(CalculatorProblem(path: "", reason: "no calculator in the array"), "", locator) }
                for (index, item) in items.enumerated() { check(item, "[\(index)]", requiresName, locator) }
            } else {
                check(value, "", requiresName, locator)
            }
        } catch {
            let place = JSONLocator.position(of: error.offset, in: bytes)
            findings = [CheckFinding(position: place, isError: true, path: "", reason: error.reason)]
        }
        findings.sort { ($0.position.line, $0.position.column) < ($1.position.line, $1.position.column) }
    }

    var hasErrors: Bool { findings.contains { $0.isError } }

    /// The findings as lines `file:line:column: error: path: reason`.
    var lines: [String] { findings.map { "\(name):\($0)" } }

    private mutating func check(
        _ definition: JSONValue, _ base: String, _ requiresName: Bool, _ locator: JSONLocator
    ) {
        let zoneProblem = zoneProblem(of: definition)
        if let zoneProblem { add(zoneProblem, base, locator) }
        do throws(InvalidCalculator) {
            let calculator = try Calculator(definition, requiresName: requiresName)
            for warning in calculator.warnings { add(warning, base, locator, isError: false) }
            if zoneProblem == nil { calculators.append(calculator) }
        } catch {
            for problem in error.problems { add(problem, base, locator) }
        }
    }

    /// Whether the time zone is known: the calculator itself knows names only.
    private func zoneProblem(of definition: JSONValue) -> CalculatorProblem? {
        guard let name = definition["timezone"]?.stringValue else { return nil }
        do throws(TimeZoneError) {
            _ = try zones.table(name)
            return nil
        } catch {
            return CalculatorProblem(path: "timezone", reason: "\(error)")
        }
    }

    private mutating func add(
        _ problem: CalculatorProblem, _ base: String, _ locator: JSONLocator, isError: Bool = true
    ) {
        let isItem = problem.path.isEmpty || base.isEmpty
        let path = isItem ? base + problem.path : "\(base).\(problem.path)"
        let place = locator.place(of: path)
        let offset =
            if let column = problem.column {
                locator.offset(ofCharacter: column, inStringAt: place.value)
            } else if problem.isUnknownField {
                place.key ?? place.value
            } else {
                place.value
            }
        findings.append(
            CheckFinding(position: locator.position(of: offset), isError: isError, path: path, reason: problem.reason))
    }

    static func contents(of name: String) throws(CheckFailure) -> [UInt8] {
        guard let file = fopen(name, "r") else { throw CheckFailure(file: name, code: errno) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { break }
            bytes += buffer[..<count]
            guard bytes.count <= sizeMax else { throw CheckFailure(file: name, reason: "is larger than 16 MiB") }
        }
        if ferror(file) != 0 { throw CheckFailure(file: name, code: errno) }
        return bytes
    }
}

/// Something that is wrong with a calculator, or rarely meant, with its place in the file.
struct CheckFinding: Equatable, CustomStringConvertible {
    var position: JSONLocator.Position
    var isError: Bool
    /// The JSON path; empty for the file as a whole.
    var path: String
    var reason: String

    var description: String {
        let what = path.isEmpty ? reason : "\(path): \(reason)"
        return "\(position.line):\(position.column): \(isError ? "error" : "warning"): \(what)"
    }
}

/// Why a file cannot be read.
struct CheckFailure: Error, CustomStringConvertible {
    var description: String

    init(file: String, reason: String) { description = "\(file): \(reason)" }

    init(file: String, code: Int32) { self.init(file: file, reason: String(cString: strerror(code))) }
}

extension CalculatorProblem {
    /// Whether the key is at fault rather than its value.
    fileprivate var isUnknownField: Bool { reason.contains("no such field") }
}
