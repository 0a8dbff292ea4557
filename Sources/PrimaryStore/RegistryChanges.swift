import Telemetry

/// The devices and assignments that differ between two revisions of the registry: made, changed, or gone.
package struct RegistryKeys: Sendable, Hashable {
    package var devices: Set<DeviceID> = []
    package var assignments: Set<AssignmentKey> = []

    package init() {}

    package var count: Int { devices.count + assignments.count }

    package mutating func formUnion(_ other: RegistryKeys) {
        devices.formUnion(other.devices)
        assignments.formUnion(other.assignments)
    }
}

/// What brings a picture of the registry from one revision to another, where only devices, assignments and groups have
/// changed in between.
package struct RegistryChanges: Sendable {
    /// The revision that it leads to.
    package var revision: Int64
    package var keys: RegistryKeys
    /// The rows of `keys` that are there now; the others are gone.
    package var devices: [DeviceRecord] = []
    package var assignments: [AssignmentRecord] = []

    package init(revision: Int64, keys: RegistryKeys) {
        self.revision = revision
        self.keys = keys
    }
}
