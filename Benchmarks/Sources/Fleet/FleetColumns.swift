import Glibc
import Telemetry

/// The messages of a fleet, device after device, each in the order of time: 15 parameters beside the two stamps.
public struct FleetColumns: Sendable {
    public struct Parameter: Sendable {
        public var name: String
        /// The file of raw values, and how wide they are.
        public var file: String
        public var type: RawType
        public var decimals: Int
        public var isBoolean = false
    }

    public static let parameters: [Parameter] = [
        Parameter(name: "position.latitude", file: "lat", type: .float64, decimals: 7),
        Parameter(name: "position.longitude", file: "lon", type: .float64, decimals: 7),
        Parameter(name: "position.altitude", file: "alt", type: .int16, decimals: 0),
        Parameter(name: "position.direction", file: "heading", type: .int16, decimals: 0),
        Parameter(name: "position.speed", file: "speed", type: .int16, decimals: 0),
        Parameter(name: "position.satellites", file: "sats", type: .uint8, decimals: 0),
        Parameter(name: "position.hdop", file: "hdop", type: .float32, decimals: 1),
        Parameter(name: "position.valid", file: "valid", type: .uint8, decimals: 0, isBoolean: true),
        Parameter(name: "engine.ignition.status", file: "ignition", type: .uint8, decimals: 0, isBoolean: true),
        Parameter(name: "vehicle.mileage", file: "mileage", type: .float64, decimals: 3),
        Parameter(name: "can.fuel.volume", file: "fuel", type: .float32, decimals: 1),
        Parameter(name: "external.powersource.voltage", file: "volt", type: .float32, decimals: 2),
        Parameter(name: "gsm.signal.level", file: "gsm", type: .uint8, decimals: 0),
        Parameter(name: "can.engine.rpm", file: "rpm", type: .int16, decimals: 0),
        Parameter(name: "can.engine.coolant.temperature", file: "temp", type: .int16, decimals: 0),
    ]

    /// Device `k` has the rows from `offsets[k]` to before `offsets[k + 1]`.
    public var offsets: [Int]
    /// When each message was made and when it arrived, in seconds.
    public var seconds: [Int64]
    public var arrivals: [Int64]
    /// The values of each of `parameters`.
    public var values: [[Double]]

    public var count: Int { seconds.count }
    public var deviceCount: Int { offsets.count - 1 }

    public func rows(of device: Int) -> Range<Int> { offsets[device]..<offsets[device + 1] }

    public func values(_ name: String) -> [Double] {
        Self.parameters.firstIndex { $0.name == name }.map { values[$0] } ?? []
    }

    /// Reads a folder of raw little-endian columns: `offsets.bin`, `ts.bin`, `server_ts.bin` and one a parameter.
    public init(folder: String) throws(FleetError) {
        func load(_ file: String, _ type: RawType) throws(FleetError) -> [Double] {
            try type.read("\(folder)/\(file).bin")
        }
        offsets = try load("offsets", .int64).map { Int($0) }
        seconds = try load("ts", .int64).map { Int64($0) }
        arrivals = try load("server_ts", .int64).map { Int64($0) }
        values = []
        for parameter in Self.parameters {
            let power = pow(10, Double(parameter.decimals))
            values.append(try load(parameter.file, parameter.type).map { ($0 * power).rounded() / power })
        }
    }

    /// Writes what `init(folder:)` reads.
    public func write(folder: String) throws(FleetError) {
        mkdir(folder, 0o755)
        func save(_ file: String, _ type: RawType, _ cells: [Double]) throws(FleetError) {
            try type.write(cells, to: "\(folder)/\(file).bin")
        }
        try save("offsets", .int64, offsets.map(Double.init))
        try save("ts", .int64, seconds.map(Double.init))
        try save("server_ts", .int64, arrivals.map(Double.init))
        for (parameter, cells) in zip(Self.parameters, values) { try save(parameter.file, parameter.type, cells) }
    }

    init(offsets: [Int], seconds: [Int64], arrivals: [Int64], values: [[Double]]) {
        self.offsets = offsets
        self.seconds = seconds
        self.arrivals = arrivals
        self.values = values
    }

    /// The messages of some rows of one device as the engine keeps them.
    public func batch(_ rows: Range<Int>, table: ParameterTable) -> MessageBatch {
        let columns = Self.parameters.enumerated().compactMap { index, parameter -> MessageColumn? in
            guard let id = table.id(for: parameter.name) else { return nil }
            let numbers = Array(values[index][rows])
            return MessageColumn(
                parameter: id, values: ValueColumn(uniform: parameter.isBoolean ? .boolean : .number, numbers: numbers))
        }
        .sorted { $0.parameter < $1.parameter }
        let hashes = PayloadHash.hashes(
            of: columns, nameHashes: columns.map { table.nameHash($0.parameter) }, count: rows.count)
        return MessageBatch(
            timestamps: rows.map { seconds[$0] * 1_000_000 }, acceptances: rows.map { arrivals[$0] * 1_000_000 },
            hashes: hashes, columns: columns)
    }

    /// The rows of each UTC day of a device.
    public func days(of device: Int) -> [Range<Int>] {
        var days: [Range<Int>] = []
        var start = offsets[device]
        let end = offsets[device + 1]
        while start < end {
            var next = start
            while next < end, seconds[next] / 86_400 == seconds[start] / 86_400 { next += 1 }
            days.append(start..<next)
            start = next
        }
        return days
    }
}

public struct FleetError: Error, CustomStringConvertible {
    public var description: String

    public init(description: String) { self.description = description }
}

/// How a file of raw values is laid out.
public enum RawType: Sendable {
    case uint8, int16, int64, float32, float64

    func read(_ path: String) throws(FleetError) -> [Double] {
        guard let bytes = Self.bytes(path) else { throw FleetError(description: "\(path): cannot be read") }
        return bytes.withUnsafeBytes { raw in
            switch self {
            case .uint8: raw.map { Double($0) }
            case .int16: Self.cells(raw, as: Int16.self).map { Double($0) }
            case .int64: Self.cells(raw, as: Int64.self).map { Double($0) }
            case .float32: Self.cells(raw, as: Float.self).map { Double($0) }
            case .float64: Self.cells(raw, as: Double.self)
            }
        }
    }

    private static func cells<Cell: BitwiseCopyable>(_ raw: UnsafeRawBufferPointer, as type: Cell.Type) -> [Cell] {
        stride(from: 0, to: raw.count - raw.count % MemoryLayout<Cell>.size, by: MemoryLayout<Cell>.size)
            .map { raw.loadUnaligned(fromByteOffset: $0, as: type) }
    }

    func write(_ cells: [Double], to path: String) throws(FleetError) {
        guard let file = fopen(path, "wb") else { throw FleetError(description: "\(path): cannot be written") }
        defer { fclose(file) }
        switch self {
        case .uint8: Self.put(cells.map { UInt8($0) }, file)
        case .int16: Self.put(cells.map { Int16($0) }, file)
        case .int64: Self.put(cells.map { Int64($0) }, file)
        case .float32: Self.put(cells.map { Float($0) }, file)
        case .float64: Self.put(cells, file)
        }
    }

    private static func put<Cell: BitwiseCopyable>(_ cells: [Cell], _ file: UnsafeMutablePointer<FILE>) {
        _ = cells.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) }
    }

    private static func bytes(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "rb") else { return nil }
        defer { fclose(file) }
        fseek(file, 0, SEEK_END)
        let count = ftell(file)
        rewind(file)
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = fread(buffer.baseAddress, 1, count, file)
        }
    }
}
