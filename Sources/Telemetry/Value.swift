/// What a cell of a column holds; the raw values are part of the storage formats.
public enum ValueKind: UInt8, Sendable {
    case absent = 0
    case null = 1
    case boolean = 2
    case number = 3
    case string = 4
    /// An object or an array, kept as minimal JSON text.
    case json = 5
    /// The result of an expression that could not be evaluated; never stored.
    case error = 6
}

/// The value of a parameter, a counter or an expression.
public enum Value: Hashable, Sendable {
    case null
    case boolean(Bool)
    case number(Double)
    case string(String)
    /// An object or an array as minimal JSON text.
    case json(String)

    public var kind: ValueKind {
        switch self {
        case .null: .null
        case .boolean: .boolean
        case .number: .number
        case .string: .string
        case .json: .json
        }
    }

    /// The hash of the value: equal on every machine, -0 equal to 0.
    public var stableHash: UInt64 {
        switch self {
        case .null: 0x9e37_79b9_7f4a_7c15
        case .boolean(let flag): flag ? 0xbf58_476d_1ce4_e5b9 : 0x94d0_49bb_1331_11eb
        case .number(let number): Self.stableHash(of: number)
        case .string(let text): hash64(text.utf8)
        case .json(let text): mix64(hash64(text.utf8) ^ 0x5851_f42d_4c95_7f2d)
        }
    }

    /// The hash of a number: that of `.number(number)`.
    static func stableHash(of number: Double) -> UInt64 {
        mix64((number == 0 ? 0 : number.bitPattern) ^ 0x2545_f491_4f6c_dd1d)
    }
}
