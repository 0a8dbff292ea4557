import HTTPClient
import PrimaryStore
import Telemetry

/// Where an import puts its messages.
protocol ImportTarget {
    /// The parameter names of the batches that it takes.
    var parameters: ParameterTable { get }
    /// Takes messages of one device; they are durable when it returns.
    func append(_ messages: MessageBatch, ident: String) async throws
    /// Ends the import.
    func finish() throws
}

/// A data folder that no server has open.
final class FolderTarget: ImportTarget {
    private let lock: DataFolderLock
    private let store: SQLitePrimaryStore
    private var devices: [String: DeviceID] = [:]

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

    func append(_ messages: MessageBatch, ident: String) async throws {
        _ = try await store.append([LogAppend(device: try device(ident), batch: messages)])
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

    let parameters = ParameterTable()
    private let client: HTTPClient
    private let url: String
    private let headers: [String]
    private var devices: [String: Int64] = [:]

    init(url: String, token: String) throws {
        client = try HTTPClient()
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        headers = ["Authorization: FlespiToken \(token)", "Content-Type: application/json"]
    }

    func append(_ messages: MessageBatch, ident: String) async throws {
        let device = try device(ident)
        let renderer = MessageRenderer(table: parameters)
        for start in stride(from: 0, to: messages.count, by: Self.messagesPerRequest) {
            var writer = JSONWriter(capacity: 1 << 20)
            writer.write(literal: "[")
            for row in start..<min(messages.count, start + Self.messagesPerRequest) {
                writer.separate()
                renderer.write(messages, row: row, to: &writer)
            }
            writer.write(literal: "]")
            _ = try call("POST", "/gw/devices/\(device)/messages?history=true", writer.bytes)
        }
    }

    func finish() {}

    private func device(_ ident: String) throws -> Int64 {
        if let known = devices[ident] { return known }
        let body = JSONValue.array([FolderTarget.entity(ident)]).text
        let found = try? call("GET", "/gw/devices/configuration.ident=%22\(Self.escaped(ident))%22?fields=id", nil)
        let items = try found.flatMap { $0.isEmpty ? nil : $0 } ?? call("POST", "/gw/devices", Array(body.utf8))
        guard let id = items.first?["id"]?.integerValue else {
            throw CommandFailure(reason: "the server gave no id for device \(ident)")
        }
        devices[ident] = id
        return id
    }

    private func call(_ method: String, _ path: String, _ body: [UInt8]?) throws -> [JSONValue] {
        let answer = try client.send(method, url + path, headers: headers, body: body)
        let json = try? JSONValue(parsing: answer.body)
        guard answer.status == 200 else {
            let reason = json?["errors"]?.arrayValue?.first?["reason"]?.stringValue ?? "status \(answer.status)"
            throw CommandFailure(reason: "\(method) \(url)\(path): \(reason)")
        }
        return json?["result"]?.arrayValue ?? []
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
