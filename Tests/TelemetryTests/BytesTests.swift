import SeededRandom
import Telemetry
import Testing

@Suite("Binary reading and writing")
struct BytesTests {
    @Test("what was written is read back", arguments: 0..<50)
    func roundTrip(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let numbers = (0..<40).map { _ in random.next() >> UInt64.random(in: 0..<64, using: &random) }
        let values: [Value?] = [
            nil, .null, .boolean(true), .boolean(false), .number(Double(bitPattern: random.next() >> 2)),
            .string("é\u{0}🚚"), .json("{}"), .string(""),
        ]
        var writer = ByteWriter()
        for number in numbers {
            writer.write(varint: number)
            writer.write(zigzag: Int64(bitPattern: number))
            writer.write(fixed: UInt32(truncatingIfNeeded: number))
            writer.write(fixed: Int64(bitPattern: number))
            writer.write(Timestamp(microseconds: Int64(bitPattern: number)))
        }
        for value in values { writer.write(value) }
        writer.write(Timestamp?.none)
        writer.write(blob: [1, 2, 3])
        writer.write(raw: [4])

        var reader = ByteReader(writer.bytes)
        for number in numbers {
            #expect(try reader.readVarint() == number)
            #expect(try reader.readZigzag() == Int64(bitPattern: number))
            #expect(try reader.readFixed(UInt32.self) == UInt32(truncatingIfNeeded: number))
            #expect(try reader.readFixed(Int64.self) == Int64(bitPattern: number))
            #expect(try reader.readTimestamp() == Timestamp(microseconds: Int64(bitPattern: number)))
        }
        for value in values { #expect(try reader.readValue() == value, "seed \(seed)") }
        #expect(try reader.readTimestamp() == nil)
        #expect(try reader.readBlob() == [1, 2, 3])
        #expect(reader.remaining == 1 && !reader.isAtEnd)
        #expect(try reader.readByte() == 4)
        #expect(reader.isAtEnd)
    }

    @Test("widths are what the formats say")
    func widths() {
        func varint(_ value: UInt64) -> [UInt8] {
            var writer = ByteWriter()
            writer.write(varint: value)
            return writer.bytes
        }
        func zigzag(_ value: Int64) -> [UInt8] {
            var writer = ByteWriter()
            writer.write(zigzag: value)
            return writer.bytes
        }
        #expect(varint(0) == [0] && varint(127) == [127] && varint(128) == [0x80, 1] && varint(300) == [0xac, 2])
        #expect(varint(.max) == [UInt8](repeating: 255, count: 9) + [1])
        #expect(zigzag(0) == [0] && zigzag(-1) == [1] && zigzag(1) == [2] && zigzag(-64) == [127])
        #expect(zigzag(.min) == varint(.max) && zigzag(.max) == varint(.max - 1))
        var writer = ByteWriter()
        writer.write(fixed: UInt32(0x0102_0304))
        #expect(writer.bytes == [4, 3, 2, 1])
    }

    @Test("every prefix of a text is refused, never read beyond its end")
    func truncation() throws {
        var writer = ByteWriter()
        writer.write("abc")
        writer.write(zigzag: -1_000_000)
        writer.write(Value.number(1.5))
        writer.write(Timestamp(microseconds: 5))
        func read(_ bytes: ArraySlice<UInt8>) throws(MalformedBytes) {
            var reader = ByteReader(bytes)
            _ = try reader.readString()
            _ = try reader.readZigzag()
            _ = try reader.readValue()
            _ = try reader.readTimestamp()
        }
        try read(writer.bytes[...])
        for length in 0..<writer.bytes.count {
            let error = #expect(throws: MalformedBytes.self) { try read(writer.bytes[..<length]) }
            #expect(error.map { $0.offset <= length } ?? false)
        }
    }

    @Test(
        "hostile input is refused",
        arguments: [
            [UInt8](repeating: 0xff, count: 11), [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            [0x80, 0x80, 0x80, 0x80, 0x10, 1, 2], [2, 0xc3, 0x28], [5, 1, 2],
        ] as [[UInt8]])
    func hostile(_ bytes: [UInt8]) {
        #expect(throws: MalformedBytes.self) {
            var reader = ByteReader(bytes)
            _ = try reader.readString()
        }
    }

    @Test("a varint of more than 64 bits is refused")
    func overlongVarint() {
        #expect(throws: MalformedBytes.self) {
            var reader = ByteReader([UInt8](repeating: 0x80, count: 10) + [1])
            _ = try reader.readVarint()
        }
        #expect(throws: MalformedBytes.self) {
            var reader = ByteReader([UInt8](repeating: 0xff, count: 9) + [0x7f])
            _ = try reader.readVarint()
        }
    }

    @Test("a count over its limit and a kind that is never stored are refused")
    func limits() {
        var writer = ByteWriter()
        writer.write(varint: 1001)
        #expect(throws: MalformedBytes.self) {
            var reader = ByteReader(writer.bytes)
            _ = try reader.readCount(max: 1000)
        }
        for kind in [ValueKind.error.rawValue, 7, 255] {
            #expect(throws: MalformedBytes.self) {
                var reader = ByteReader([kind, 0, 0, 0, 0, 0, 0, 0, 0])
                _ = try reader.readValue()
            }
        }
    }

    @Test("random bytes never trap and never loop", arguments: 0..<50)
    func fuzz(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let bytes = (0..<Int.random(in: 0..<40, using: &random)).map { _ in
                UInt8(truncatingIfNeeded: random.next() >> UInt64.random(in: 0..<64, using: &random))
            }
            var reader = ByteReader(bytes)
            while !reader.isAtEnd {
                let before = reader.offset
                do { _ = try reader.readValue() } catch { break }
                #expect(reader.offset > before, "seed \(seed)")
            }
        }
    }
}
