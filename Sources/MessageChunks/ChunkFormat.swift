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
///              constant: one z; varint: z each; groups of 32: z least, width, (value - least) in `width` bits each
///
/// A version once released is read for ever; a change of any of this is a new version.
enum ChunkFormat {
    static let magic: (UInt8, UInt8) = (0x4f, 0x44)
    static let version: UInt8 = 1
    static let codecNone: UInt8 = 0
    static let checksumSize = 4
    static let hashSize = 8
    /// Magic, version, flags, eight varints, checksum.
    static let sizeMin = 16

    struct Flags: OptionSet {
        let rawValue: UInt8
        static let isSorted = Flags(rawValue: 1)
        static let hasEqualTimestamps = Flags(rawValue: 2)
        /// The acceptances are stored as differences from the timestamps.
        static let relativeAcceptances = Flags(rawValue: 4)
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
