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
        for row in view.rows {
            guard latitudes.kind(row) == .number, longitudes.kind(row) == .number, valid.numeric(row) != 0 else {
                continue
            }
            add(latitudes.numbers[row], longitudes.numbers[row])
        }
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

    private mutating func add(_ latitude: Double, _ longitude: Double) {
        guard abs(latitude) <= 1e6, abs(longitude) <= 1e6 else { return }
        let y = Int64((latitude * 1e5).rounded())
        let x = Int64((longitude * 1e5).rounded())
        encode(y - self.latitude)
        encode(x - self.longitude)
        (self.latitude, self.longitude) = (y, x)
        digest.add(UInt64(bitPattern: y &* 1_000_003 &+ x))
    }

    private mutating func encode(_ delta: Int64) {
        var rest = UInt64(bitPattern: delta < 0 ? ~(delta << 1) : delta << 1)
        while rest >= 32 {
            text.append(UInt8(rest & 31 | 32) + 63)
            rest >>= 5
        }
        text.append(UInt8(rest) + 63)
    }
}
