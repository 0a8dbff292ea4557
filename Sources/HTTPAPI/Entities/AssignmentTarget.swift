import PrimaryStore
import Telemetry

/// What calculators are assigned to: a device, or an asset, whose stream of messages shares the numbers of devices.
struct AssignmentTarget: Identified {
    let id: DeviceID
    let name: String

    var number: Int64 { id.assetID ?? id.rawValue }
}

extension DeviceID {
    /// What stands behind it: a device or an asset.
    var kind: SelectableKind { assetID == nil ? .device : .asset }

    /// Such as `device 5`.
    var noted: String { "\(kind.noun) \(assetID ?? rawValue)" }
}

extension AssignmentKey {
    var members: [JSONValue.Member] {
        [
            .init("calc_id", JSONValue(calculator.rawValue)),
            .init(device.kind.idName, JSONValue(device.assetID ?? device.rawValue)),
        ]
    }

    var json: JSONValue { .object(members) }

    /// The path of the assignment.
    var path: String { "/gw/calcs/\(calculator)/\(device.kind.relation)/\(device.assetID ?? device.rawValue)" }
}

extension API {
    /// The devices or the assets of a path of assignments, whichever it names.
    func targets(
        _ call: Call, _ contents: EntityCatalog.Contents
    ) throws(APIFailure) -> (selection: Selection<AssignmentTarget>, namesIDs: Bool) {
        let isAsset = call.path["assets"] != nil
        let text = call.segment(isAsset ? "assets" : "devices")
        let selector = try ItemSelector(text, of: isAsset ? .asset : .device, limits: limits)
        if isAsset {
            let assets = contents.entities(selector, of: .asset)
            let items = assets.items.map { AssignmentTarget(id: DeviceID(asset: $0.id), name: $0.name) }
            return (Selection(items: items, errors: assets.errors), selector.namesIDs)
        }
        let devices = contents.devices(selector)
        let items = devices.items.map { AssignmentTarget(id: $0.id, name: $0.name) }
        return (Selection(items: items, errors: devices.errors), selector.namesIDs)
    }
}
