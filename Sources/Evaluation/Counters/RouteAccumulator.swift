import Calculators
import Expressions
import Telemetry

/// The counter `route`: the valid positions as an encoded polyline.
///
/// Source of the format: Google's "Encoded Polyline Algorithm Format", five decimals.
struct RouteAccumulator: Accumulator {
    private let columns: RouteColumns
    private var latitude: Int64 = 0
    private var longitude: Int64 = 0
    private var text: [UInt8] = []
    private var digest = ListDigest()
    private(set) var isIncomplete = false

    init(_ columns: RouteColumns) { self.columns = columns }

    mutating func consume(_ view: CounterView) {
        let latitudes = view.block.columns[columns.latitude]
        let longitudes = view.block.columns[columns.longitude]
        let valid = view.block.columns[columns.valid]
        let isUniform = latitudes.uniform == .number && longitudes.uniform == .number
        var start = view.rows.lowerBound
        while start < view.rows.upperBound {
            let end = min(start + Self.batchSize, view.rows.upperBound)
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.pointSizeMax * (end - start)) { buffer in
                guard let target = buffer.baseAddress else { return }
                var writer = PolylineWriter(target)
                for row in start..<end where isUniform || Self.areNumbers(latitudes, longitudes, row) {
                    guard valid.numeric(row) != 0 else { continue }
                    add(latitudes.numbers[row], longitudes.numbers[row], &writer)
                }
                text.append(contentsOf: UnsafeBufferPointer(start: target, count: writer.end - target))
            }
            start = end
        }
    }

    /// Points that are encoded at once, on the stack.
    private static let batchSize = 64
    /// A coordinate is at most 1e6 degrees: its steps take 38 bits, eight digits.
    private static let pointSizeMax = 16

    private static func areNumbers(_ latitudes: ValueColumn, _ longitudes: ValueColumn, _ row: Int) -> Bool {
        latitudes.kind(row) == .number && longitudes.kind(row) == .number
    }

    func result() -> Value? { digest.count > 0 ? .string(String(decoding: text, as: UTF8.self)) : nil }

    func write(to writer: inout ByteWriter, withLists: Bool) {
        digest.write(to: &writer)
        writer.write(zigzag: latitude)
        writer.write(zigzag: longitude)
        if withLists { writer.write(String(decoding: text, as: UTF8.self)) }
    }

    mutating func read(from reader: inout ByteReader, withLists: Bool) throws(MalformedBytes) {
        digest = try ListDigest(from: &reader)
        latitude = try reader.readZigzag()
        longitude = try reader.readZigzag()
        isIncomplete = digest.count > 0 && !withLists
        if withLists { text = Array(try reader.readString().utf8) }
    }

    @inline(__always)
    private mutating func add(_ latitude: Double, _ longitude: Double, _ writer: inout PolylineWriter) {
        guard abs(latitude) <= 1e6, abs(longitude) <= 1e6 else { return }
        let y = Self.rounded(latitude * 1e5)
        let x = Self.rounded(longitude * 1e5)
        writer.write(y - self.latitude)
        writer.write(x - self.longitude)
        (self.latitude, self.longitude) = (y, x)
        digest.add(UInt64(bitPattern: y &* 1_000_003 &+ x))
    }

    /// To the nearest integer, halves away from zero; without the library's function, which costs more than the rest.
    @inline(__always)
    private static func rounded(_ number: Double) -> Int64 {
        let whole = Int64(number)
        let rest = number - Double(whole)
        return whole &+ (rest >= 0.5 ? 1 : 0) &- (rest <= -0.5 ? 1 : 0)
    }
}

/// Writes the steps of a polyline where there is room for them.
private struct PolylineWriter {
    private(set) var end: UnsafeMutablePointer<UInt8>

    init(_ start: UnsafeMutablePointer<UInt8>) { end = start }

    @inline(__always)
    mutating func write(_ delta: Int64) {
        var rest = UInt64(bitPattern: (delta << 1) ^ (delta >> 63))
        while rest >= 32 {
            end.pointee = UInt8(truncatingIfNeeded: rest & 31 | 32) &+ 63
            end += 1
            rest >>= 5
        }
        end.pointee = UInt8(truncatingIfNeeded: rest) &+ 63
        end += 1
    }
}
