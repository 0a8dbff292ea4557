/// The constants of the format.
///
/// A chunk is a header, the timestamps, the acceptances, a body a column, the hashes (8 bytes each) and the CRC-32C of
/// all before it (4 bytes). Numbers are LEB128 varints (v), signed ones in zigzag (z), fixed widths little-endian:
///
///     header   'O' 'D' version, flags, v count
///              z first timestamp, v last - first, z earliest acceptance - first timestamp, v latest - earliest
///              v length of the timestamps, v length of the acceptances
///              v number of columns; of each: v parameter - previous one, codec, v length
///     times    z first - reference, then integers: the times less the first one, in the unit of the tag:
///              0 = seconds, 1 = milliseconds, 2 = microseconds. The reference is the first timestamp, for the
///              acceptances the earliest; with the flag 4 these are less their timestamps, and the reference is 0
///     column   shape = layout << 4 | kind; optional: integers 0 or 1 (present), mixed: integers (kinds);
///              then of the rows of each kind present: booleans (integers 0 or 1), numbers, texts
///     numbers  integers with the tag k: value = integer / 10^k; tag 14: one double for all; tag 15: doubles
///     texts    v number of texts, of each v length and UTF-8; if more than one: integers (which text)
///     integers tag << 4 | packing << 2 | order; `order` seeds (z); then what is left after that many differences:
///              constant: one z; varint: z each; groups of 32: z least, width, (value - least) in `width` bits each;
///              planes (from version 2 on): number of bytes, then the lowest byte of each zigzag, the next of each, …
///
/// Version 2 is for chunks that are kept. The codec of a column may be 1: its body is v length and a frame of zstd that
/// holds so many bytes. With the flag 8 there are no hashes; instead the codec is followed by the hash of the
/// parameter's name (8 bytes), and the hash of a message is `PayloadHash` over its columns. Nothing else differs.
///
/// A version once released is read for ever; a change of any of this is a new version.
enum ChunkFormat {
    static let magic: (UInt8, UInt8) = (0x4f, 0x44)
    /// With every hash and without codecs: what the log and the tail hold.
    static let versionPlain: UInt8 = 1
    /// The newest version.
    static let version: UInt8 = 2
    static let codecNone: UInt8 = 0
    static let codecZstd: UInt8 = 1
    static let checksumSize = 4
    static let hashSize = 8
    /// Magic, version, flags, eight varints, checksum.
    static let sizeMin = 16
    /// A chunk without hashes holds at most so many messages a byte, so that it cannot claim more than its bytes allow:
    /// 4,096 messages of one constant column still fit.
    static let messagesPerByteMax = 256

    struct Flags: OptionSet {
        let rawValue: UInt8
        static let isSorted = Flags(rawValue: 1)
        static let hasEqualTimestamps = Flags(rawValue: 2)
        /// The acceptances are stored as differences from the timestamps.
        static let relativeAcceptances = Flags(rawValue: 4)
        /// The hashes are not stored: they follow from the columns.
        static let computedHashes = Flags(rawValue: 8)
    }

    enum Layout: UInt8 {
        /// Every row has the kind of the shape.
        case uniform = 0
        /// Every row has the kind of the shape or is absent.
        case optional = 1
        /// The kinds stand in a stream.
        case mixed = 2
    }

    enum Packing: UInt8 {
        case constant = 0
        case varint = 1
        case groups = 2
        /// In whole bytes, which zstd can shorten: only within compressed columns.
        case planes = 3
    }

    /// Rows of a group share a least value and a width.
    static let groupSize = 32
    /// A wider value is stored in 64 bits, so that eight bytes always hold the whole of it.
    static let packedWidthMax = 56
    static let scaleMax = 9
    static let tagRawConstant: UInt8 = 14
    static let tagRaw: UInt8 = 15

    /// Powers of ten up to `scaleMax`.
    static let powers: [Double] = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]
    /// Units of times by tag, in microseconds.
    static let timeUnits: [Int64] = [1_000_000, 1000, 1]
}
