/// Writes a fleet's messages as the JSON that a gateway would send: 17 parameters each, in the order of arrival.
public struct MessageText {
    public let fleet: FleetColumns

    public init(fleet: FleetColumns) { self.fleet = fleet }

    /// Bodies of so many messages, each with the ident of its device (`d1`, `d2`, … or from another number on), or all
    /// with that of one.
    public func bodies(
        _ rows: [(device: Int, row: Int)], of count: Int, device id: Int? = nil, firstID: Int = 1
    ) -> [[UInt8]] {
        stride(from: 0, to: rows.count, by: count).map { start in
            var text = "["
            for (device, row) in rows[start..<min(start + count, rows.count)] {
                if text.utf8.count > 1 { text += "," }
                text += object(device, row, id: id ?? firstID + device)
            }
            return Array((text + "]").utf8)
        }
    }

    /// All rows in the order in which they arrived.
    public var arrivals: [(device: Int, row: Int)] {
        var rows: [(device: Int, row: Int)] = []
        for device in 0..<fleet.deviceCount { rows += fleet.rows(of: device).map { (device, $0) } }
        return rows.sorted { (fleet.arrivals[$0.row], $0.device, $0.row) < (fleet.arrivals[$1.row], $1.device, $1.row) }
    }

    public func object(_ device: Int, _ row: Int, at moment: String? = nil, id: Int? = nil) -> String {
        var text = "{\"ident\":\"d\(id ?? device + 1)\",\"timestamp\":\(moment ?? String(fleet.seconds[row]))"
        text += ",\"server.timestamp\":\(fleet.arrivals[row])"
        for (index, parameter) in FleetColumns.parameters.enumerated() {
            let value = fleet.values[index][row]
            text += ",\"\(parameter.name)\":"
            text += parameter.isBoolean ? (value != 0 ? "true" : "false") : value.text(parameter.decimals)
        }
        return text + "}"
    }
}
