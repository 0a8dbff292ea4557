import PrimaryStore
import Telemetry

/// The intervals of assets: for how long which device stood for them.
extension API {
    func readAssetIntervals(_ call: Call) async throws(APIFailure) -> Answer {
        let selection = try entities(.asset, call.segment("selector"))
        var input = try call.dataFields()
        let begin = input.moment("begin")
        let end = input.moment("end")
        let count = input.integer("count", 1...Int64(AssetInterval.countMax)).map(Int.init) ?? AssetInterval.countMax
        let isReversed = input.boolean("reverse") ?? false
        input.refuseUnknown("a query of an asset's intervals")
        if let begin, let end, begin > end { input.fail("begin", "is after end") }
        try input.check()
        let range = TimeRange(inclusive: begin ?? .distantPast, end ?? .distantFuture)
        let held = catalog.present.assetIntervals
        let isTagged = selection.items.count > 1
        let intervals = selection.items.flatMap { asset in
            let wanted = (held[asset.id] ?? []).filter { $0.overlaps(range) }
            return (isReversed ? wanted.reversed() : wanted).prefix(count)
        }
        guard intervals.count <= limits.intervalsMax else {
            throw APIFailure(
                .tooLarge, "the answer would have more than \(limits.intervalsMax) intervals",
                hint: "narrow begin and end, or select fewer assets")
        }
        return Answer(result: intervals.map { $0.json(isTagged: isTagged) }, errors: selection.errors)
    }

    /// Lays intervals over those of assets, all or none of each asset, and answers what of them is there now.
    func storeAssetIntervals(_ call: Call) async throws(APIFailure) -> Answer {
        let selection = try entities(.asset, call.segment("selector"))
        let body = try call.json()
        let items = body.arrayValue ?? [body]
        guard items.count <= limits.itemsMax else {
            throw APIFailure(
                .tooLarge, "the body has \(items.count) items; at most \(limits.itemsMax) are taken at once")
        }
        let inputs = try assetIntervals(items, isArray: body.arrayValue != nil)
        let isTagged = selection.items.count > 1
        return try await each(selection) { asset throws(APIFailure) in
            let intervals = inputs.map { interval in
                var interval = interval
                interval.asset = asset.id
                return interval
            }
            let all = try await change { store throws(StoreError) in
                try store.overlayAssetIntervals(asset.id, intervals)
            } then: { contents, all in
                contents.assetIntervals[asset.id] = all.isEmpty ? nil : all
            }
            let ranges = intervals.map { TimeRange(lower: $0.begin, upper: $0.end ?? .distantFuture) }
            let touched = all.filter { held in ranges.contains { held.overlaps($0) } }
            return (touched.map { $0.json(isTagged: isTagged) }, [])
        }
    }

    private func assetIntervals(_ items: [JSONValue], isArray: Bool) throws(APIFailure) -> [AssetInterval] {
        let contents = catalog.present
        let moment = now()
        var intervals: [AssetInterval] = []
        var problems: [ErrorItem] = []
        for (index, item) in items.enumerated() {
            var input = InputFields(item, path: isArray ? "[\(index)]" : "")
            let interval = AssetInterval(&input, at: moment, contents)
            input.refuseUnknown("an asset's interval", readOnly: ["asset_id", "timestamp"])
            problems += input.problems.map { problem in
                var problem = problem
                problem.index = index
                return problem
            }
            if let interval { intervals.append(interval) }
        }
        if !problems.isEmpty { throw APIFailure(problems) }
        return intervals
    }
}

extension AssetInterval {
    /// Reads an interval of an asset that is yet to be named; nil where something is wrong with it.
    fileprivate init?(_ input: inout InputFields, at moment: Timestamp, _ contents: EntityCatalog.Contents) {
        let begin = input.moment("begin")
        let given = input.moment("end")
        // 0 says that it still lasts.
        let end = given == Timestamp(seconds: 0) ? nil : given
        let device = input.integer("device_id", 0...(DeviceID.assetIDBase - 1)) ?? 0
        let meta = input.object("meta")?.text ?? "{}"
        if begin == nil, input.problems.isEmpty { input.fail("begin", "is missing") }
        if let begin, let end, end <= begin {
            input.fail("end", "must be after begin; 0, or none, says that it still lasts")
        }
        if device != 0, contents.devices[DeviceID(device)] == nil {
            input.fail(
                "device_id", "is \(device), and there is no such device", hint: "0 says that no device stands for it")
        }
        if meta.utf8.count > Self.jsonBytesMax { input.fail("meta", "is over \(Self.jsonBytesMax) bytes") }
        guard input.problems.isEmpty, let begin else { return nil }
        self.init(asset: 0, begin: begin, end: end, device: DeviceID(device), json: meta, timestamp: moment)
    }

    fileprivate func overlaps(_ range: TimeRange) -> Bool {
        begin < range.upper && (end ?? .distantFuture) > range.lower
    }

    fileprivate func json(isTagged: Bool) -> JSONValue {
        .object(
            (isTagged ? [.init("asset_id", JSONValue(asset))] : []) + [
                .init("begin", .number(begin.seconds)), .init("end", .number(end?.seconds ?? 0)),
                .init("device_id", JSONValue(device.rawValue)),
                .init("meta", (try? JSONValue(parsing: json)) ?? .object([])),
                .init("timestamp", .number(timestamp.seconds)),
            ])
    }
}
