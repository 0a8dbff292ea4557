import PrimaryStore

/// What a path can select.
enum SelectableKind: Sendable, CaseIterable {
    case device, calculator, geofence, group, asset

    init(_ kind: EntityKind) {
        switch kind {
        case .geofence: self = .geofence
        case .group: self = .group
        case .asset: self = .asset
        }
    }

    /// The kind behind a relation, such as `calcs` in `calcs.id=5`.
    init?(relation: String) {
        guard let kind = Self.allCases.first(where: { $0.relation == relation }) else { return nil }
        self = kind
    }

    /// Its name in paths and in selectors of what it is related to.
    var relation: String {
        switch self {
        case .device: "devices"
        case .calculator: "calcs"
        case .geofence: "geofences"
        case .group: "groups"
        case .asset: "assets"
        }
    }

    var noun: String {
        switch self {
        case .device: "device"
        case .calculator: "calculator"
        case .geofence: "geofence"
        case .group: "group"
        case .asset: "asset"
        }
    }

    /// Its id in answers about how it is tied to others.
    var idName: String {
        switch self {
        case .calculator: "calc_id"
        case .device, .geofence, .group, .asset: noun + "_id"
        }
    }

    var fields: [String] {
        switch self {
        case .device: DeviceEntity.fields
        case .calculator: CalculatorEntity.fields
        case .geofence: EntityKind.geofence.fields
        case .group: EntityKind.group.fields
        case .asset: EntityKind.asset.fields
        }
    }

    /// Whether the two are tied to each other by assignments or links.
    func isRelated(to other: SelectableKind) -> Bool {
        switch (self, other) {
        case (.calculator, .device), (.device, .calculator), (.calculator, .asset), (.asset, .calculator): true
        default: LinkKind.allCases.contains { ($0.from, $0.to) == (self, other) || ($0.from, $0.to) == (other, self) }
        }
    }
}

extension LinkKind {
    var from: SelectableKind {
        switch self {
        case .calculatorGeofence, .calculatorGroup: .calculator
        case .groupDevice, .groupGeofence, .groupAsset: .group
        }
    }

    var to: SelectableKind {
        switch self {
        case .calculatorGeofence, .groupGeofence: .geofence
        case .calculatorGroup: .group
        case .groupDevice: .device
        case .groupAsset: .asset
        }
    }
}
