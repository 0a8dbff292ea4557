import Glibc

/// Bytes read block by block from a file, or from memory, with the number of the line that comes next.
struct ByteSource: ~Copyable {
    static let blockSize = 262_144

    private let file: String
    private let descriptor: Int32?
    private var block: [UInt8]
    private var position = 0
    private var bytesBefore = 0
    /// The number of the line that the next byte stands in, from 1.
    private(set) var line = 1
    /// The file's size; nil for what is not a plain file.
    let size: Int?

    init(memory bytes: [UInt8]) {
        file = "memory"
        descriptor = nil
        block = bytes
        size = bytes.count
    }

    /// Opens a file; `-` is standard input.
    init(file: String) throws(ImportError) {
        let descriptor = file == "-" ? dup(STDIN_FILENO) : open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(file: file, reason: String(cString: strerror(errno))) }
        var status = stat()
        let isPlain = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        self.file = file
        self.descriptor = descriptor
        size = isPlain ? Int(status.st_size) : nil
        block = []
    }

    deinit {
        if let descriptor { close(descriptor) }
    }

    /// How many bytes have been taken.
    var bytesRead: Int { bytesBefore + position }

    /// The next byte, left where it is; nil at the end.
    mutating func peek() throws(ImportError) -> UInt8? {
        if position == block.count, try !fill() { return nil }
        return block[position]
    }

    /// Takes the next byte; nil at the end.
    mutating func next() throws(ImportError) -> UInt8? {
        guard let byte = try peek() else { return nil }
        position += 1
        if byte == 0x0a { line += 1 }
        return byte
    }

    /// Takes a byte if it comes next.
    mutating func take(_ byte: UInt8) throws(ImportError) -> Bool {
        guard try peek() == byte else { return false }
        _ = try next()
        return true
    }

    /// Takes a byte-order mark, which says nothing here.
    mutating func skipByteOrderMark() throws(ImportError) {
        guard try peek() == 0xef else { return }
        for byte: UInt8 in [0xef, 0xbb, 0xbf] where try !take(byte) {
            throw .malformed(line: 1, reason: "the file is not UTF-8 text")
        }
    }

    /// Passes over the rest of the line.
    mutating func skipLine() throws(ImportError) {
        while let byte = try next(), byte != 0x0a {}
    }

    private mutating func fill() throws(ImportError) -> Bool {
        guard let descriptor else { return false }
        bytesBefore += block.count
        position = 0
        var failure: Int32 = 0
        block = [UInt8](unsafeUninitializedCapacity: Self.blockSize) { buffer, count in
            var got = -1
            repeat { got = read(descriptor, buffer.baseAddress, buffer.count) } while got < 0 && errno == EINTR
            count = max(0, got)
            failure = got < 0 ? errno : 0
        }
        guard failure == 0 else { throw .unreadable(file: file, reason: String(cString: strerror(failure))) }
        return !block.isEmpty
    }
}
