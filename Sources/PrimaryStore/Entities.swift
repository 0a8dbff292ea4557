import Telemetry

/// What the registry keeps beside devices and calculators.
package enum EntityKind: String, Sendable, CaseIterable { case geofence, group, asset }

/// A geofence, a group or an asset as the registry keeps it.
package struct EntityRecord: Sendable, Hashable {
    package var kind: EntityKind
    /// Counts up per kind, and is never used again.
    package var id: Int64
    package var name: String
    /// The whole entity as JSON text; the store does not look inside.
    package var json: String
    /// Counts the changes from 1.
    package var revision: Int64

    package init(kind: EntityKind, id: Int64, name: String, json: String, revision: Int64) {
        self.kind = kind
        self.id = id
        self.name = name
        self.json = json
        self.revision = revision
    }
}

/// Between which entities a link is: the first stands on its `from` side, the second on its `to` side.
package enum LinkKind: String, Sendable, CaseIterable {
    case calculatorGeofence, calculatorGroup, groupDevice, groupGeofence, groupAsset
}

/// One entity tied to another.
///
/// A calculator's link to a group ties it to all that the group holds: to its devices and assets by assignments, to
/// its geofences by links, each made by the store and taken away by it once no group implies it any more.
package struct LinkRecord: Sendable, Hashable {
    /// A call that changes more links than this is refused, and so is one that by groups changes more assignments and
    /// links than this.
    package static let changeCountMax = 200_000

    package var kind: LinkKind
    package var from: Int64
    package var to: Int64
    /// Made by the store because a group implies it, not by a person; what a call asks for is always by hand.
    package var isAutoCreated: Bool

    package init(kind: LinkKind, from: Int64, to: Int64, isAutoCreated: Bool = false) {
        self.kind = kind
        self.from = from
        self.to = to
        self.isAutoCreated = isAutoCreated
    }
}

/// What a change of links brought with it.
package struct LinkChange: Sendable, Hashable {
    /// The links themselves, and those between calculators and geofences that groups imply.
    package var addedLinks: [LinkRecord] = []
    package var removedLinks: [LinkRecord] = []
    /// The assignments that groups imply, or do not imply any more.
    package var addedAssignments: [AssignmentRecord] = []
    package var removedAssignments: [AssignmentKey] = []

    package init() {}

    package var isEmpty: Bool { count == 0 }

    package var count: Int {
        addedLinks.count + removedLinks.count + addedAssignments.count + removedAssignments.count
    }
}
