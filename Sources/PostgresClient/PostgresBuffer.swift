/// Bytes in the order of the network, as they go to the server; it grows and is used again.
///
/// It is the innermost loop of a COPY, so it writes to memory of its own instead of an array.
package final class PostgresBuffer {
    private(set) var start: UnsafeMutableRawPointer
    private var capacity: Int
    package private(set) var count = 0

    init(capacity: Int = 1024) {
        self.capacity = capacity
        start = .allocate(byteCount: capacity, alignment: 8)
    }

    deinit { start.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

    func removeAll() { count = 0 }

    /// Forgets what was written after a place.
    func cut(to place: Int) {
        precondition(place <= count, "a buffer is only cut shorter")
        count = place
    }

    package func append(_ value: UInt8) { store(value) }
    package func append(_ value: Int16) { store(value.bigEndian) }
    package func append(_ value: UInt16) { store(value.bigEndian) }
    package func append(_ value: Int32) { store(value.bigEndian) }
    package func append(_ value: UInt32) { store(value.bigEndian) }
    package func append(_ value: Int64) { store(value.bigEndian) }
    package func append(_ value: UInt64) { store(value.bigEndian) }
    package func append(_ value: Double) { store(value.bitPattern.bigEndian) }
    package func append(_ value: Float) { store(value.bitPattern.bigEndian) }

    package func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        reserve(bytes.count)
        (start + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    package func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }

    /// A text; one with a NUL in it is refused, since PostgreSQL cannot store it.
    package func append(_ text: String) throws(PostgresError) {
        let place = count
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
        try refuseNUL(from: place)
    }

    /// Writes a length before what the body writes.
    func appendSized<Failure: Error>(_ body: () throws(Failure) -> Void) throws(Failure) {
        let place = count
        append(Int32(0))
        try body()
        let size = count - place - 4
        precondition(size <= Int32.max, "a value is smaller than 2 GiB")
        (start + place).storeBytes(of: Int32(size).bigEndian, as: Int32.self)
    }

    func refuseNUL(from place: Int) throws(PostgresError) {
        let written = UnsafeRawBufferPointer(start: start + place, count: count - place)
        guard !written.isEmpty, written.contains(0) else { return }
        throw PostgresError(.client, "a text has a NUL character in it, which PostgreSQL cannot store")
    }

    @inline(__always)
    private func store<Value: BitwiseCopyable>(_ value: Value) {
        reserve(MemoryLayout<Value>.size)
        (start + count).storeBytes(of: value, as: Value.self)
        count += MemoryLayout<Value>.size
    }

    @inline(__always)
    private func reserve(_ more: Int) { if count + more > capacity { grow(count + more) } }

    private func grow(_ needed: Int) {
        capacity = max(needed, capacity * 2)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
        larger.copyMemory(from: start, byteCount: count)
        start.deallocate()
        start = larger
    }
}
