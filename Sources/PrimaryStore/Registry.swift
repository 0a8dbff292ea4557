import Telemetry

/// A device as the registry keeps it.
package struct DeviceRecord: Sendable, Hashable {
    package var id: DeviceID
    /// What the device calls itself; unique.
    package var ident: String
    package var name: String
    /// The whole entity as JSON text; the store does not look inside.
    package var json: String
    /// Counts the changes from 1.
    package var revision: Int64

    package init(id: DeviceID, ident: String, name: String, json: String, revision: Int64) {
        self.id = id
        self.ident = ident
        self.name = name
        self.json = json
        self.revision = revision
    }
}

/// A device as it is to be created.
package struct NewDevice: Sendable, Hashable {
    package var ident: String
    package var name: String
    package var json: String

    package init(ident: String, name: String, json: String) {
        self.ident = ident
        self.name = name
        self.json = json
    }
}

/// A calculator as the registry keeps it.
package struct CalculatorRecord: Sendable, Hashable {
    package var id: CalculatorID
    package var name: String
    /// The whole entity as JSON text; the store does not look inside.
    package var json: String
    /// Counts the changes from 1.
    package var revision: Int64

    package init(id: CalculatorID, name: String, json: String, revision: Int64) {
        self.id = id
        self.name = name
        self.json = json
        self.revision = revision
    }
}

/// How far an assignment has been applied.
package struct AssignmentMarks: Sendable, Hashable {
    package var logPosition: Int64
    package var calculatorRevision: Int64
    package var deviceRevision: Int64
    /// The greatest interval id ever given; the store counts it and ignores what a push says.
    package var lastIntervalID: Int64
    /// Intervals that end before it are frozen.
    package var horizon: Timestamp

    package init(
        logPosition: Int64 = 0, calculatorRevision: Int64 = 0, deviceRevision: Int64 = 0, lastIntervalID: Int64 = 0,
        horizon: Timestamp = .distantPast
    ) {
        self.logPosition = logPosition
        self.calculatorRevision = calculatorRevision
        self.deviceRevision = deviceRevision
        self.lastIntervalID = lastIntervalID
        self.horizon = horizon
    }
}

/// One calculator on one device.
package struct AssignmentRecord: Sendable, Hashable {
    package var key: AssignmentKey
    package var isEnabled: Bool
    /// Made by the store because a group implies it, not by a person.
    package var isAutoCreated: Bool
    package var marks: AssignmentMarks

    package init(key: AssignmentKey, isEnabled: Bool, isAutoCreated: Bool, marks: AssignmentMarks) {
        self.key = key
        self.isEnabled = isEnabled
        self.isAutoCreated = isAutoCreated
        self.marks = marks
    }
}

/// The whole registry at one moment.
package struct RegistrySnapshot: Sendable {
    /// Counts every change of any entity.
    package var revision: Int64
    package var devices: [DeviceRecord]
    package var calculators: [CalculatorRecord]
    package var assignments: [AssignmentRecord]
    /// Geofences, groups and assets, in the order of kind and id.
    package var entities: [EntityRecord]
    package var links: [LinkRecord]
    /// In the order of asset and time.
    package var assetIntervals: [AssetInterval]

    package init(
        revision: Int64, devices: [DeviceRecord], calculators: [CalculatorRecord], assignments: [AssignmentRecord],
        entities: [EntityRecord] = [], links: [LinkRecord] = [], assetIntervals: [AssetInterval] = []
    ) {
        self.revision = revision
        self.devices = devices
        self.calculators = calculators
        self.assignments = assignments
        self.entities = entities
        self.links = links
        self.assetIntervals = assetIntervals
    }
}
