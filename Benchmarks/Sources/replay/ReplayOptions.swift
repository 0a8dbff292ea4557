import Fleet

/// What the command line asks for.
struct ReplayOptions {
    var folder: String?
    var devices = 20
    var days = 30
    var rounds = 7
    /// Only the ways whose name holds this.
    var only = ""
    /// Where the figures are written as JSON.
    var out: String?

    static let usage = """
        usage: replay [--columns FOLDER | --devices N --days N] [--rounds N] [--only TEXT] [--out FILE]
          --columns FOLDER   raw columns to read the messages from, instead of a made-up fleet
        """

    init(_ arguments: [String]) throws(FleetError) {
        var rest = arguments[...]
        while let flag = rest.popFirst() {
            guard let value = rest.popFirst() else { throw FleetError(description: Self.usage) }
            switch flag {
            case "--columns": folder = value
            case "--devices": devices = try Self.count(value)
            case "--days": days = try Self.count(value)
            case "--rounds": rounds = try Self.count(value)
            case "--only": only = value
            case "--out": out = value
            default: throw FleetError(description: Self.usage)
            }
        }
    }

    private static func count(_ text: String) throws(FleetError) -> Int {
        guard let count = Int(text), count > 0 else { throw FleetError(description: usage) }
        return count
    }

    func fleet() throws(FleetError) -> FleetColumns {
        if let folder { return try FleetColumns(folder: folder) }
        return FleetColumns(devices: devices, days: days)
    }
}
