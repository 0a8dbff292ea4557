import Telemetry

@testable import Ingest

let acceptedAt = Timestamp(seconds: 1_700_000_000)

func decode(
    _ text: String, table: ParameterTable = ParameterTable(), acceptance: Acceptance = .now(acceptedAt),
    limits: DecodingLimits = DecodingLimits()
) throws(JSONError) -> DecodedMessages {
    try MessageDecoder(table: table, limits: limits).decode(Array(text.utf8), acceptance: acceptance)
}

extension IdentMessages {
    /// The value of a parameter in a row.
    func value(_ name: String, _ row: Int, _ table: ParameterTable) -> Value? {
        table.existing(name).flatMap { messages.values($0) }?[row]
    }
}
