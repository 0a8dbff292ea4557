import HTTPTypes
import PrimaryStore

extension Route {
    /// Geofences, groups and assets, and how they are tied to calculators and to each other.
    static let entities: [Route] =
        entity(.geofence, "Geofence", plural: "geofences") + entity(.group, "Group", plural: "groups")
        + entity(.asset, "Asset", plural: "assets") + geofenceTests + assetIntervals + links

    private static func entity(_ kind: EntityKind, _ schema: String, plural: String) -> [Route] {
        let path = "/gw/\(plural)"
        let one = path + "/{selector}"
        let consequence =
            switch kind {
            case .geofence: " and what is assigned to them"
            case .group: "; what only they assign is unassigned, and its intervals are deleted for good"
            case .asset: " with their intervals"
            }
        return [
            Route(
                .post, path, "Create \(plural)", parameters: [fields], body: schema, takesMany: true, result: schema,
                handler: { api in { call throws(APIFailure) in try await api.createEntities(kind, call) } }),
            Route(
                .get, one, "Read \(plural)", parameters: collection, result: schema,
                handler: { api in { call throws(APIFailure) in try await api.readEntities(kind, call) } }),
            Route(
                .put, one, "Replace the given fields of \(plural)", parameters: [fields], body: schema, result: schema,
                handler: { api in
                    { call throws(APIFailure) in try await api.changeEntities(kind, call, merging: false) }
                }),
            Route(
                .patch, one, "Merge the given fields into \(plural)", parameters: [fields], body: schema,
                result: schema,
                handler: { api in
                    { call throws(APIFailure) in try await api.changeEntities(kind, call, merging: true) }
                }),
            Route(
                .delete, one, "Delete \(plural)\(consequence)", parameters: kind == .geofence ? [] : [confirmation],
                result: "Reference",
                handler: { api in { call throws(APIFailure) in try await api.deleteEntities(kind, call) } }),
        ]
    }

    private static let geofenceTests: [Route] = [
        Route(
            .get, "/gw/geofences/{selector}/hittest", "Tell which geofences are around a position, the first one first",
            parameters: [
                Parameter("data", .string, "the parameters below as one JSON object; may also be the body"),
                Parameter("lat", .number, "latitude in degrees"), Parameter("lon", .number, "longitude in degrees"),
            ], result: "Hit", handler: API.hitTest)
    ]

    private static let assetIntervals: [Route] = [
        Route(
            .get, "/gw/assets/{selector}/intervals", "Read for how long which device stood for assets",
            parameters: [
                Parameter("data", .string, "the parameters below as one JSON object; may also be the body"),
                Parameter("begin", .number, "intervals that end after it, in seconds"),
                Parameter("end", .number, "intervals that begin at or before it, in seconds"),
                Parameter("count", .integer, "the most intervals of each asset"),
                Parameter("reverse", .boolean, "the latest first"),
            ], result: "AssetInterval", handler: API.readAssetIntervals),
        Route(
            .post, "/gw/assets/{selector}/intervals",
            "Lay intervals over those of assets; device_id 0 takes away what they cover", body: "AssetInterval",
            takesMany: true, result: "AssetInterval", handler: API.storeAssetIntervals),
    ]

    private static let links: [Route] = LinkKind.allCases.flatMap { kind in
        let path = "/gw/\(kind.from.relation)/{selector}/\(kind.to.relation)/{\(kind.to.relation)}"
        let isOfGroup = kind.from == .group
        let (make, take) = isOfGroup ? ("Put", "into groups") : ("Assign", "to calculators")
        var routes = [
            Route(
                .post, path, "\(make) \(kind.to.relation) \(take)", result: "Link",
                handler: { api in { call throws(APIFailure) in try await api.makeLinks(kind, call) } }),
            Route(
                .get, path,
                "Read which \(kind.to.relation) are \(isOfGroup ? "in groups" : "assigned to calculators")",
                parameters: collection, result: "Link",
                handler: { api in { call throws(APIFailure) in try await api.readLinks(kind, call) } }),
            Route(
                .delete, path,
                isOfGroup ? "Take \(kind.to.relation) out of groups" : "Unassign \(kind.to.relation)",
                parameters: kind.to == .geofence ? [] : [confirmation], result: "Reference",
                handler: { api in { call throws(APIFailure) in try await api.removeLinks(kind, call) } }),
        ]
        if kind == .calculatorGeofence {
            routes.append(
                Route(
                    .put, path, "Assign geofences to calculators, as POST does", body: "Enabling", result: "Link",
                    handler: { api in { call throws(APIFailure) in try await api.putLinks(kind, call) } }))
        }
        return routes
    }

    static let confirmation = Parameter("confirm", .string, "intervals: yes, delete the intervals there are")
}
