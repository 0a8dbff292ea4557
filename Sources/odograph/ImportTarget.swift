import HTTPAPI
import Ingest
import PrimaryStore
import Telemetry

/// Where an import puts its messages.
protocol ImportTarget {
    /// The parameter names of the batches that it takes.
    var parameters: ParameterTable { get }
    /// Takes messages of one device; they are durable when it returns, those that are kept apart too.
    func append(_ messages: MessageBatch, ident: String) async throws -> ImportOutcome
    /// Keeps messages of one device apart that have no possible timestamp.
    func keepApart(_ messages: [ImpossibleMessage], ident: String) async throws -> ImportOutcome
    /// Ends the import.
    func finish() throws
}

/// What became of some messages.
struct ImportOutcome {
    /// Taken into the device's history.
    var taken = 0
    /// Acknowledged and kept apart.
    var apart = 0
    /// Neither: too long to be kept apart.
    var refused = 0

    mutating func add(_ other: ImportOutcome) {
        taken += other.taken
        apart += other.apart
        refused += other.refused
    }
}

/// A data folder that no server has open.
final class FolderTarget: ImportTarget {
    private let lock: DataFolderLock
    private let store: SQLitePrimaryStore
    private var devices: [String: DeviceID] = [:]
    private var horizons: [DeviceID: Timestamp] = [:]

    var parameters: ParameterTable { store.parameters }

    init(folder: String) throws {
        do {
            lock = try DataFolderLock(folder: folder)
        } catch StoreError.locked {
            throw CommandFailure(reason: "\(folder) is in use by a running server: give --server URL --token T instead")
        }
        store = try SQLitePrimaryStore(folder: folder)
        for device in try store.registry().devices { devices[device.ident] = device.id }
    }

    func append(_ messages: MessageBatch, ident: String) async throws -> ImportOutcome {
        let device = try device(ident)
        let now = Server.clock()
        let (taken, others) = MessageSieve(horizon: try horizon(device), now: now).sift(messages)
        if !taken.isEmpty { _ = try await store.append([LogAppend(device: device, batch: taken)]) }
        var outcome = ImportOutcome(taken: taken.count)
        for (reason, rows) in others {
            let made = ApartMessage.messages(
                messages, rows: rows, of: device, reason: reason, at: now, table: parameters)
            if !made.kept.isEmpty { try store.keepApart(made.kept) }
            outcome.apart += made.kept.count
            outcome.refused += made.tooLongCount
        }
        return outcome
    }

    func keepApart(_ messages: [ImpossibleMessage], ident: String) async throws -> ImportOutcome {
        let (device, now) = (try device(ident), Server.clock())
        try store.keepApart(messages.map { ApartMessage(impossible: $0.json, of: device, at: now) })
        return ImportOutcome(apart: messages.count)
    }

    /// Nobody else writes to the folder, so it stands.
    private func horizon(_ device: DeviceID) throws -> Timestamp {
        if let known = horizons[device] { return known }
        let horizon = try store.horizon(device: device)
        horizons[device] = horizon
        return horizon
    }

    func finish() throws { store.close() }

    private func device(_ ident: String) throws -> DeviceID {
        if let known = devices[ident] { return known }
        let made = try store.createDevice(ident: ident, name: ident, json: Self.entity(ident).text)
        devices[ident] = made.id
        return made.id
    }

    /// The entity of a device that an import makes.
    static func entity(_ ident: String) -> JSONValue {
        .object([
            .init("name", .string(ident)), .init("configuration", .object([.init("ident", .string(ident))])),
        ])
    }
}

/// A running server.
final class ServerTarget: ImportTarget {
    /// Messages in one request, so that a body stays well below the server's limit.
    private static let messagesPerRequest = 2_000
    /// Bytes of messages kept apart in one request.
    private static let bytesPerRequest = 4 << 20

    let parameters = ParameterTable()
    private let client: ServerClient
    private var devices: [String: Int64] = [:]

    init(url: String, token: String) throws {
        client = try ServerClient(server: url, token: token)
    }

    func append(_ messages: MessageBatch, ident: String) async throws -> ImportOutcome {
        let device = try device(ident)
        let renderer = MessageRenderer(table: parameters)
        var outcome = ImportOutcome()
        for start in stride(from: 0, to: messages.count, by: Self.messagesPerRequest) {
            var writer = JSONWriter(capacity: 1 << 20)
            writer.write(literal: "[")
            for row in start..<min(messages.count, start + Self.messagesPerRequest) {
                writer.separate()
                renderer.write(messages, row: row, to: &writer)
            }
            writer.write(literal: "]")
            outcome.add(try send(writer.bytes, device))
        }
        return outcome
    }

    func keepApart(_ messages: [ImpossibleMessage], ident: String) async throws -> ImportOutcome {
        let device = try device(ident)
        var outcome = ImportOutcome()
        var rest = messages[...]
        while !rest.isEmpty {
            // One at least: a single text is far below the server's limit.
            var (byteCount, count) = (0, 0)
            for message in rest {
                byteCount += message.json.utf8.count + 1
                if count > 0, byteCount > Self.bytesPerRequest { break }
                count += 1
            }
            let body = "[\(rest.prefix(count).map(\.json).joined(separator: ","))]"
            outcome.add(try send(Array(body.utf8), device))
            rest = rest.dropFirst(count)
        }
        return outcome
    }

    private func send(_ body: [UInt8], _ device: Int64) throws -> ImportOutcome {
        let items = try client.call("POST", "/gw/devices/\(device)/messages?history=true", body)
        return items.reduce(into: ImportOutcome()) { outcome, item in
            outcome.taken += Int(item["accepted"]?.integerValue ?? 0)
            outcome.apart += Int(item["apart"]?.integerValue ?? 0)
        }
    }

    func finish() {}

    private func device(_ ident: String) throws -> Int64 {
        if let known = devices[ident] { return known }
        let body = JSONValue.array([FolderTarget.entity(ident)]).text
        let found = try? client.call("GET", "/gw/devices/configuration.ident=%22\(Self.escaped(ident))%22?fields=id")
        let items = try found.flatMap { $0.isEmpty ? nil : $0 } ?? client.call("POST", "/gw/devices", Array(body.utf8))
        guard let id = items.first?["id"]?.integerValue else {
            throw CommandFailure(reason: "the server gave no id for device \(ident)")
        }
        devices[ident] = id
        return id
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            let isPlain = (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
            result +=
                isPlain || byte == 0x2d || byte == 0x5f
                ? String(UnicodeScalar(byte)) : "%" + String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
        return result
    }
}
