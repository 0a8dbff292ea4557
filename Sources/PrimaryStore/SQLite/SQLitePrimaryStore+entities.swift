import SQLiteClient
import Telemetry

extension SQLitePrimaryStore {
    package func createEntity(_ kind: EntityKind, name: String, json: String) throws(StoreError) -> EntityRecord {
        try write { writer in try writer.createEntity(kind, name: name, json: json) }
    }

    package func replaceEntity(
        _ kind: EntityKind, _ id: Int64, name: String, json: String, expecting: Int64?
    ) throws(StoreError) -> EntityRecord {
        try write { writer in try writer.replaceEntity(kind, id, name: name, json: json, expecting: expecting) }
    }

    package func deleteEntity(_ kind: EntityKind, _ id: Int64, at moment: Timestamp) throws(StoreError) {
        try write { writer in try writer.deleteEntity(kind, id, at: moment) }
    }

    package func link(_ links: [LinkRecord], at moment: Timestamp) throws(StoreError) -> LinkChange {
        try change(links, at: moment) { transaction, link in try transaction.add(link) }
    }

    package func unlink(_ links: [LinkRecord], at moment: Timestamp) throws(StoreError) -> LinkChange {
        try change(links, at: moment) { transaction, link in try transaction.remove(link) }
    }

    package func overlayAssetIntervals(
        _ asset: Int64, _ intervals: [AssetInterval]
    ) throws(StoreError) -> [AssetInterval] {
        try write { writer in try writer.overlayAssetIntervals(asset, intervals) }
    }

    private func change(
        _ links: [LinkRecord], at moment: Timestamp,
        _ body: @escaping @Sendable (inout LinkTransaction, LinkRecord) throws -> Void
    ) throws(StoreError) -> LinkChange {
        try write { writer in
            var transaction = LinkTransaction(writer, at: moment)
            for link in links { try body(&transaction, link) }
            if transaction.isChanged { try writer.bumpRegistry() }
            return transaction.change
        }
    }
}
