import CZlib
import MessageChunks
import PrimaryStore
import Publishing
import Synchronization
import Telemetry
import Testing

@testable import HTTPAPI

extension TestHouse {
    /// Creates a device with metadata and gives its id.
    func vehicle(_ ident: String, _ metadata: String = "{}") async throws -> Int64 {
        try await device(ident, ",\"metadata\":\(metadata)")
    }

    /// Stores messages of a device, as JSON with `timestamp` in seconds before now.
    func say(_ device: Int64, _ messages: [(ago: Double, fields: String)]) async throws {
        let items = messages.map { message in
            let moment = clock.now.advanced(bySeconds: -message.ago)
            return "{\"timestamp\":\(JSONValue(moment).text)\(message.fields.isEmpty ? "" : ",")\(message.fields)}"
        }
        let response = try await send(
            "POST", "/gw/devices/\(device)/messages?history=true", "[\(items.joined(separator: ","))]")
        #expect(response.status == 200 && response.errors.isEmpty, "\(response)")
    }

    /// The fields of a fix.
    static func fix(_ latitude: Double, _ longitude: Double, speed: Double, _ more: String = "") -> String {
        "\"position.latitude\":\(latitude),\"position.longitude\":\(longitude),\"position.speed\":\(speed)"
            + (more.isEmpty ? "" : ",") + more
    }

    /// Moves what the log has of a device into the archive, as one chunk.
    func seal(_ device: Int64) throws {
        let id = DeviceID(device)
        let slot = Slot(device: id)
        let epoch = try store.claimAllSlots(owner: "test", at: clock.now)[slot] ?? 0
        var parts = try store.readLog(device: id, after: 0).entries.map { entry throws(StoreError) in try entry.batch()
        }
        let old = try store.archivedChunks(device: id, overlapping: .all)
        parts += try old.map { try MessageChunk($0.bytes).batch() }
        let batch = MessageBatch.joined(parts).sorted()
        let range = try #require(batch.timeRange)
        let chunk = Seal.Chunk(
            first: range.lower, last: Timestamp(microseconds: range.upper.microseconds - 1), count: batch.count,
            bytes: MessageChunk.encode(batch))
        try store.seal(
            Seal(
                slot: slot, epoch: epoch, device: id, replaced: old.map(\.first), chunks: [chunk],
                upTo: store.lastPosition))
    }

    /// A calculator with the role of trips, assigned to devices.
    func tripCalculator(_ devices: [Int64], _ more: String = "", name: String = "Drives") async throws -> CalculatorID {
        let id = try await calculator(
            """
            {"name":"\(name)","selectors":[{"type":"expression","expression":"$position.speed>3"}],\
            "counters":[{"name":"distance","type":"parameter","parameter":"position.speed","method":"maximum"}],\
            "metadata":{"report":"trips"\(more)}}
            """)
        for device in devices {
            let response = try await send("POST", "/gw/calcs/\(id)/devices/\(device)")
            #expect(response.status == 200, "\(response)")
        }
        return CalculatorID(id)
    }

    /// Pushes trips of a device as the owner of its slot would; begin and end in seconds before now.
    @discardableResult
    func push(
        _ calculator: CalculatorID, _ device: Int64,
        _ trips: [(from: Double, to: Double, counters: [(String, Value)])], ids: [Int64?] = [],
        deleting deleted: [Int64] = []
    ) async throws -> [Int64] {
        let key = AssignmentKey(calculator: calculator, device: DeviceID(device))
        let slot = Slot(device: key.device)
        let epoch = try store.claimAllSlots(owner: "test", at: clock.now)[slot] ?? 0
        let writes = trips.enumerated().map { index, trip in
            let begin = clock.now.advanced(bySeconds: -trip.from)
            let interval = Interval(
                begin: begin, end: clock.now.advanced(bySeconds: -trip.to), firstOn: begin, isActive: trip.to == 0,
                counters: trip.counters.map { .init(name: $0.0, value: $0.1) })
            return IntervalWrite(
                id: index < ids.count ? ids[index] : nil, firstOn: begin, begin: begin, end: interval.end,
                isActive: interval.isActive, head: interval.head, tail: interval.tail,
                digest: hash64(interval.head + interval.tail))
        }
        let push = Push(
            slot: slot, epoch: epoch, key: key, calculatorRevision: 1, deletes: deleted, upserts: writes,
            marks: AssignmentMarks(logPosition: 1, calculatorRevision: 1), timestamp: clock.now)
        return try await store.push([push]).flatMap { try $0.get().ids }
    }
}

/// Reports that answer as they are told, and note what they are asked.
final class RecordedReports: FleetReports {
    private let outcome: Result<ReportAnswer, ReportError>
    private let noted = Mutex<[String]>([])

    init(_ outcome: Result<ReportAnswer, ReportError>) { self.outcome = outcome }

    var asked: [String] { noted.withLock { $0 } }

    private func answer(_ what: String) throws(ReportError) -> ReportAnswer {
        noted.withLock { $0.append(what) }
        return try outcome.get()
    }

    func livePositions(costCentre: String?, isIgnitionOn: Bool?) throws(ReportError) -> ReportAnswer {
        try answer("live \(costCentre ?? "-") \(isIgnitionOn.map { "\($0)" } ?? "-")")
    }

    func track(vehicleNumber: String, hours: Int) throws(ReportError) -> ReportAnswer {
        try answer("track \(vehicleNumber) \(hours)")
    }

    func dashboard(_ query: DashboardQuery) throws(ReportError) -> ReportAnswer {
        let days = query.days.map { "\($0.lowerBound.text)…\($0.upperBound.text)" } ?? "today"
        let filters = [query.driver, query.costCentre, query.city].map { $0 ?? "-" }.joined(separator: " ")
        return try answer(
            "dashboard \(query.vehicleNumbers) \(filters) \(days) \(query.includesPath ? "paths" : "lines")")
    }

    func tripPath(_ trip: Int64) throws(ReportError) -> ReportAnswer { try answer("path \(trip)") }

    func ingestHealth() throws(ReportError) -> ReportAnswer { try answer("health") }
}

/// Undoes gzip.
func inflated(_ bytes: [UInt8], bytesMax: Int = 16 << 20) -> [UInt8]? {
    var stream = z_stream()
    guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { return nil }
    defer { inflateEnd(&stream) }
    var input = bytes
    var output = [UInt8](repeating: 0, count: bytesMax)
    let isWhole = input.withUnsafeMutableBufferPointer { from in
        output.withUnsafeMutableBufferPointer { to in
            stream.next_in = from.baseAddress
            stream.avail_in = UInt32(from.count)
            stream.next_out = to.baseAddress
            stream.avail_out = UInt32(to.count)
            return inflate(&stream, Z_FINISH) == Z_STREAM_END
        }
    }
    return isWhole ? Array(output.prefix(Int(stream.total_out))) : nil
}

extension JSONValue {
    /// The features of an answer.
    var features: [JSONValue] { self["geojson"]?["features"]?.arrayValue ?? [] }

    /// The same with the keys of objects in order, so that texts can be compared.
    var inOrder: JSONValue {
        switch self {
        case .array(let items): .array(items.map(\.inOrder))
        case .object(let members):
            .object(members.map { Member($0.key, $0.value.inOrder) }.sorted { $0.key < $1.key })
        default: self
        }
    }
}
