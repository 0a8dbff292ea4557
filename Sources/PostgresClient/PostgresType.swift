/// A type of the server, by its number.
package struct PostgresType: Sendable, Hashable, CustomStringConvertible {
    package let oid: UInt32

    package init(oid: UInt32) { self.oid = oid }

    /// Left to the server to find out.
    package static let unknown = PostgresType(oid: 0)
    package static let bool = PostgresType(oid: 16)
    package static let bytea = PostgresType(oid: 17)
    package static let name = PostgresType(oid: 19)
    package static let int8 = PostgresType(oid: 20)
    package static let int2 = PostgresType(oid: 21)
    package static let int4 = PostgresType(oid: 23)
    package static let text = PostgresType(oid: 25)
    package static let json = PostgresType(oid: 114)
    package static let float4 = PostgresType(oid: 700)
    package static let float8 = PostgresType(oid: 701)
    package static let bpchar = PostgresType(oid: 1042)
    package static let varchar = PostgresType(oid: 1043)
    package static let date = PostgresType(oid: 1082)
    package static let timestamp = PostgresType(oid: 1114)
    package static let timestamptz = PostgresType(oid: 1184)
    package static let numeric = PostgresType(oid: 1700)
    package static let uuid = PostgresType(oid: 2950)
    package static let jsonb = PostgresType(oid: 3802)

    private static let names: [UInt32: String] = [
        0: "unknown", 16: "boolean", 17: "bytea", 18: "char", 19: "name", 20: "bigint", 21: "smallint", 23: "integer",
        25: "text", 26: "oid", 114: "json", 700: "real", 701: "double precision", 1000: "boolean[]", 1001: "bytea[]",
        1005: "smallint[]", 1007: "integer[]", 1009: "text[]", 1016: "bigint[]", 1021: "real[]",
        1022: "double precision[]", 1042: "character", 1043: "character varying", 1082: "date", 1114: "timestamp",
        1115: "timestamp[]", 1182: "date[]", 1184: "timestamp with time zone", 1185: "timestamp with time zone[]",
        1700: "numeric", 2950: "uuid", 2951: "uuid[]", 3802: "jsonb", 3807: "jsonb[]",
    ]

    private static let arrays: [UInt32: UInt32] = [
        16: 1000, 17: 1001, 20: 1016, 21: 1005, 23: 1007, 25: 1009, 701: 1022, 1082: 1182, 1184: 1185, 1700: 1231,
        2950: 2951, 3802: 3807,
    ]

    /// The name in SQL, or the number of a type that is not known here.
    package var description: String { Self.names[oid] ?? "type \(oid)" }

    /// The type of arrays of this one.
    package var array: PostgresType { PostgresType(oid: Self.arrays[oid] ?? 0) }

    /// Whether it travels as the bytes of a text.
    var isText: Bool {
        switch self {
        case .text, .varchar, .bpchar, .name, .json, .unknown: true
        default: false
        }
    }
}
