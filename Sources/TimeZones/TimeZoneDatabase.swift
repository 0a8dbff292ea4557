import FoundationEssentials
import Synchronization
import Telemetry

/// The time zones of the machine, by their IANA names.
///
/// Each table is read from its compiled file once and kept. Names come from calculators and requests, so a name never
/// leads out of the folder. `UTC` needs no file.
package struct TimeZoneDatabase: Sendable {
    /// Longer names are refused; the longest there is has 32 bytes.
    package static let nameLengthMax = 64
    /// Larger files are refused; the largest there is has 4 kB.
    package static let fileSizeMax = 1 << 20

    private let directory: String
    private let cache = Cache()

    /// Holds the tables; only names of files that were read get in, so their number is a bound.
    private final class Cache: Sendable {
        let tables = Mutex<[String: TimeZoneTable]>(["UTC": .utc])
    }

    package init(directory: String = "/usr/share/zoneinfo") {
        self.directory = directory
    }

    /// The table of a zone; an unknown name is an error that tells the nearest known one.
    package func table(_ name: String) throws(TimeZoneError) -> TimeZoneTable {
        if let table = cache.tables.withLock({ $0[name] }) { return table }
        try check(name)
        // Read outside of the lock: who comes at the same time reads the same.
        guard let bytes = contents(of: name) else { throw .unknown(name: name, nearest: nearestName(to: name)) }
        let table = try TimeZoneTable(name: name, tzif: bytes)
        cache.tables.withLock { $0[name] = table }
        return table
    }

    private func check(_ name: String) throws(TimeZoneError) {
        if name.isEmpty { throw .refused(name: name, reason: "it is empty") }
        guard name.utf8.count <= Self.nameLengthMax else {
            let shown = String(name.prefix(Self.nameLengthMax)) + "…"
            throw .refused(name: shown, reason: "it is longer than \(Self.nameLengthMax) bytes")
        }
        // No name has a dot, so none climbs out of the folder.
        guard name.utf8.allSatisfy(Self.isNameByte) else {
            throw .refused(name: name, reason: "it may hold letters, digits, +, -, _ and / only")
        }
        if name.hasPrefix("/") || name.hasSuffix("/") {
            throw .refused(name: name, reason: "it begins or ends with a slash")
        }
        if Self.isForeign(name) { throw .unknown(name: name, nearest: nearestName(to: name)) }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "/"): true
        default: false
        }
    }

    /// What lies in the folder but is no zone of its own: copies, and the zone the machine happens to be set to.
    private static func isForeign(_ name: String) -> Bool {
        name.hasPrefix("posix/") || name.hasPrefix("right/") || name == "localtime" || name == "posixrules"
    }

    /// The bytes of a zone's file; `nil` if there is no such file, or it is something else than a zone.
    private func contents(of name: String) -> [UInt8]? {
        guard let data = FileManager.default.contents(atPath: "\(directory)/\(name)") else { return nil }
        guard data.count <= Self.fileSizeMax, data.starts(with: "TZif".utf8) else { return nil }
        return [UInt8](data)
    }
}

// MARK: The nearest name

extension TimeZoneDatabase {
    /// Every name there is, sorted.
    package var names: [String] {
        let listed = namesInSource()
        return Set((listed.isEmpty ? namesInDirectory() : listed) + ["UTC"]).sorted()
    }

    /// The names of the text from which the files were compiled: lines `Z name …` and `L target name`.
    private func namesInSource() -> [String] {
        guard let data = FileManager.default.contents(atPath: "\(directory)/tzdata.zi") else { return [] }
        return data.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let words = line.split(separator: UInt8(ascii: " "), maxSplits: 3)
            switch words.first?.first {
            case UInt8(ascii: "Z") where words.count > 1: return String(decoding: words[1], as: UTF8.self)
            case UInt8(ascii: "L") where words.count > 2: return String(decoding: words[2], as: UTF8.self)
            default: return nil
            }
        }
    }

    private func namesInDirectory() -> [String] {
        let paths = (try? FileManager.default.subpathsOfDirectory(atPath: directory)) ?? []
        return paths.filter { $0.utf8.allSatisfy(Self.isNameByte) && !Self.isForeign($0) && contents(of: $0) != nil }
    }

    /// The known name with the least edit distance, if it is near; a city alone finds its zone.
    private func nearestName(to name: String) -> String? {
        let wanted = Self.folded(name)
        var nearest: (name: String, distance: Int, wholeDistance: Int)?
        for candidate in names {
            let folded = Self.folded(candidate)
            let wholeDistance = Self.editDistance(wanted, folded)
            let city = folded.lastIndex(of: UInt8(ascii: "/")).map { Array(folded[($0 + 1)...]) } ?? folded
            let distance = min(wholeDistance, Self.editDistance(wanted, city))
            let isNearer = nearest.map { (distance, wholeDistance) < ($0.distance, $0.wholeDistance) } ?? true
            if isNearer { nearest = (candidate, distance, wholeDistance) }
        }
        guard let nearest, nearest.distance <= max(2, wanted.count / 3) else { return nil }
        return nearest.name
    }

    /// Lower case, with `_` for what people write between words.
    private static func folded(_ name: String) -> [UInt8] {
        name.lowercased().utf8.map { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: " ") ? UInt8(ascii: "_") : $0 }
    }

    /// The least number of insertions, deletions and replacements that make one text of the other.
    private static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (i, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let replaced = diagonal + (byte == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, diagonal + 1, row[j] + 1)
            }
        }
        return row[right.count]
    }
}
