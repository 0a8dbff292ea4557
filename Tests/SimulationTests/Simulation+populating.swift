import PrimaryStore
import ReferenceEvaluator
import SeededRandom
import Telemetry

extension Simulation {
    /// Makes devices, calculators, geofences, groups, and what ties them together.
    func populate() throws {
        for index in 0..<random.below(7) { _ = try store.createDevice(ident: "idle-\(index)", name: "", json: "{}") }
        let count = random.pick([1, 1, 2, 2, 3, 5])
        let messageCount = random.pick([15, 30, 60, 100]) / count + 1
        for _ in 0..<count { try addDevice(messageCount) }
        for _ in 0..<random.pick([1, 2, 2, 3, 4]) { try addCalculator() }
        for _ in 0..<random.below(3) { try addGeofence() }
        var keys = calculators.flatMap { calculator in
            devices.map { AssignmentKey(calculator: calculator.id, device: $0.id) }
        }
        keys = keys.filter { _ in !random.among(8) }
        _ = try store.assign(keys, isEnabled: true, isAutoCreated: false)
        if random.among(3) { try addGroup() }
        // What a device sent for an asset is kept in the log for the workers of one process only.
        if rates.nodeCount == 1, random.among(3) { try addAsset() }
    }

    /// An asset, for which devices stand in turn; some calculators are its own too.
    private func addAsset() throws {
        let id = try store.createEntity(.asset, name: "asset", json: "{\"metadata\":{\"limit\":20}}").id
        assets.append(id)
        try overlayAsset()
        let keys = calculators.map { AssignmentKey(calculator: $0.id, device: DeviceID(asset: id)) }
        _ = try store.assign(keys, isEnabled: true, isAutoCreated: false)
    }

    /// Lets a device, or none, stand for an asset from one of its messages to another.
    func overlayAsset() throws {
        guard let asset = assets.first, let device = devices.filter({ !$0.isGone }).randomElement(using: &random),
            !device.messages.isEmpty
        else { return }
        let moments = device.messages.timestamps
        let borders = [random.pick(moments), random.pick(moments)].sorted()
        let interval = AssetInterval(
            asset: asset, begin: Timestamp(microseconds: borders[0]),
            end: random.among(4) ? nil : Timestamp(microseconds: borders[1] + 1),
            device: random.among(8) ? DeviceID(0) : device.id, json: "{}", timestamp: clock.now)
        note("device \(interval.device) stands for asset \(asset) from \(interval.begin.seconds)")
        _ = try store.overlayAssetIntervals(asset, [interval])
    }

    func addDevice(_ messageCount: Int) throws {
        let ident = "device-\(devices.count)"
        var device = SimulatedDevice(id: DeviceID(0), ident: ident, messages: MessageBatch(), batches: [])
        let json = deviceJSON(&device)
        device.id = try store.createDevice(ident: ident, name: "van", json: json).id
        device.messages = messageMaker.batch(messageCount, from: clock.now, store.parameters, &random)
        device.batches = SimulatedDevice.batches(device.messages.count, rates, &random)
        devices.append(device)
        note("device \(device.id) \(json)")
    }

    /// The entity of a device, with retention that may be drawn anew.
    func deviceJSON(_ device: inout SimulatedDevice) -> String {
        var members = ["\"metadata\":{\"limit\":\(random.pick([10, 30, 50]))}"]
        if maker.hasTTL, random.percent(70) {
            let ttl = Double(maker.step * random.pick([3, 10, 30]))
            device.ttlMin = min(device.ttlMin ?? ttl, ttl)
            members.append("\"messages_ttl\":\(ttl)")
        }
        if maker.hasTTL, random.among(8) {
            device.rotates = true
            members.append("\"messages_rotate\":\(random.pick([300, 2_000]))")
        }
        return "{\(members.joined(separator: ","))}"
    }

    func addCalculator() throws {
        let sources = calculators.map(\.id)
        let json = maker.json(&random, sources: sources)
        let id = try store.createCalculator(name: "made", json: json).id
        calculators.append((id, sources))
        note("calculator \(id) \(json)")
    }

    func addGeofence() throws {
        let json = maker.geofence(&random)
        let id = try store.createEntity(.geofence, name: "fence", json: json).id
        geofences.append(id)
        let links = calculators.filter { _ in random.among(2) }.map {
            LinkRecord(kind: .calculatorGeofence, from: $0.id.rawValue, to: id)
        }
        _ = try store.link(links, at: clock.now)
        note("geofence \(id) for \(links.map(\.from))")
    }

    /// A group that ties a calculator to some devices.
    func addGroup() throws {
        guard let calculator = calculators.randomElement(using: &random) else { return }
        let id = try store.createEntity(.group, name: "group", json: "{}").id
        groups.append(id)
        var links = [LinkRecord(kind: .calculatorGroup, from: calculator.id.rawValue, to: id)]
        for device in devices where !device.isGone && random.among(2) {
            links.append(LinkRecord(kind: .groupDevice, from: id, to: device.id.rawValue))
        }
        _ = try store.link(links, at: clock.now)
        note("group \(id) of \(links.map(\.to))")
    }
}
