import Telemetry

/// Reads GPX 1.0 and 1.1: track points, route points and waypoints that bear a time.
///
/// Children are recognised by their local names, extensions included; `speed` is in metres per second, as GPX 1.0 and
/// the common extensions have it.
struct GPXReader: FileFormatReader {
    private var scanner = XMLScanner()
    private let zone: TimeZoneTable
    private let keys: Keys
    private var isInPoint = false
    private var pointName = ""
    private var child: String?
    private var text = ""
    private var hasMoment = false

    private struct Keys {
        var latitude, longitude, altitude, speed, direction, satellites, hdop, vdop, pdop, valid: Int
    }

    init(_ assembler: inout MessageAssembler, _ options: ImportOptions) {
        zone = options.timeZone
        keys = Keys(
            latitude: assembler.key("position.latitude"), longitude: assembler.key("position.longitude"),
            altitude: assembler.key("position.altitude"), speed: assembler.key("position.speed"),
            direction: assembler.key("position.direction"), satellites: assembler.key("position.satellites"),
            hdop: assembler.key("position.hdop"), vdop: assembler.key("position.vdop"),
            pdop: assembler.key("position.pdop"), valid: assembler.key("position.valid"))
    }

    mutating func read(
        _ source: inout ByteSource, _ assembler: inout MessageAssembler, countMax: Int
    ) throws(ImportError) -> Bool {
        while assembler.count + assembler.refusedCount < countMax {
            guard let event = try scanner.next(&source) else { return false }
            take(event, line: source.line, &assembler)
        }
        return true
    }
}

extension GPXReader {
    private static let points: Set<String> = ["trkpt", "rtept", "wpt"]

    private mutating func take(_ event: XMLScanner.Event, line: Int, _ assembler: inout MessageAssembler) {
        switch event {
        case .start(let name, let attributes):
            if !isInPoint, Self.points.contains(name) {
                beginPoint(name, attributes, line, &assembler)
            } else if isInPoint {
                child = name
                text = ""
            }
        case .text(let more): if child != nil { text += more }
        case .end(let name):
            if isInPoint, name == pointName {
                endPoint(&assembler)
            } else if let child, child == name {
                set(name, &assembler)
                self.child = nil
            }
        }
    }

    private mutating func beginPoint(
        _ name: String, _ attributes: [String: String], _ line: Int, _ assembler: inout MessageAssembler
    ) {
        isInPoint = true
        pointName = name
        child = nil
        hasMoment = false
        assembler.begin(index: line)
        set(keys.latitude, attributes["lat"] ?? "", factor: 1, &assembler)
        set(keys.longitude, attributes["lon"] ?? "", factor: 1, &assembler)
    }

    private mutating func endPoint(_ assembler: inout MessageAssembler) {
        isInPoint = false
        child = nil
        if hasMoment { assembler.finish() } else { assembler.refuseMessage("timestamp", "the point has no time") }
    }

    private mutating func set(_ name: String, _ assembler: inout MessageAssembler) {
        switch name {
        case "time": setMoment(&assembler)
        case "ele": set(keys.altitude, text, factor: 1, &assembler)
        case "speed": set(keys.speed, text, factor: 3.6, &assembler)
        case "course": set(keys.direction, text, factor: 1, &assembler)
        case "sat": set(keys.satellites, text, factor: 1, &assembler)
        case "hdop": set(keys.hdop, text, factor: 1, &assembler)
        case "vdop": set(keys.vdop, text, factor: 1, &assembler)
        case "pdop": set(keys.pdop, text, factor: 1, &assembler)
        case "fix": assembler.set(keys.valid, boolean: trimmed(text) != Array("none".utf8)[...])
        default: break
        }
    }

    private mutating func setMoment(_ assembler: inout MessageAssembler) {
        let bytes = trimmed(text)
        guard let moment = MomentText.moment(bytes, order: nil, zone: zone) else { return }
        hasMoment = true
        assembler.set(timestamp: moment)
    }

    private func set(_ key: Int, _ text: String, factor: Double, _ assembler: inout MessageAssembler) {
        let bytes = trimmed(text)
        guard !bytes.isEmpty else { return }
        guard let number = NumberText.number(bytes) else {
            return assembler.refuse(key, "'\(text.prefix(40))' is no number")
        }
        assembler.set(key, number: factor == 1 ? number : (number * factor * 1e6).rounded() / 1e6)
    }

    private func trimmed(_ text: String) -> ArraySlice<UInt8> {
        var bytes = Array(text.utf8)[...]
        while let first = bytes.first, first <= 0x20 { bytes.removeFirst() }
        while let last = bytes.last, last <= 0x20 { bytes.removeLast() }
        return bytes
    }
}
