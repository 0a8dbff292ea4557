import PrimaryStore
import Telemetry

/// What a test does between two steps of a worker.
///
/// Unchecked: the workers of a rig run on the test's own thread, and nobody else holds it.
final class StoreHooks: @unchecked Sendable {
    enum Call: CaseIterable {
        case readLog, readLogOfDevice, pendingLog, archivedChunks, archiveMark, seal, push, intervals
    }

    /// Called before a call of a worker is passed on.
    var before: ((_ worker: Int, Call) throws(StoreError) -> Void)?
    /// Changes what a push is answered with, once it is durable.
    var afterPush: (([Result<PushReceipt, StoreError>]) -> [Result<PushReceipt, StoreError>])?
}

/// A store as one worker sees it, that lets a test in: before what the worker reads and writes, and after a push.
final class HookedStore: PrimaryStore {
    private let base: SQLitePrimaryStore
    private let hooks: StoreHooks
    private let worker: Int

    init(_ base: SQLitePrimaryStore, _ hooks: StoreHooks, worker: Int) {
        self.base = base
        self.hooks = hooks
        self.worker = worker
    }

    private func pass(_ call: StoreHooks.Call) throws(StoreError) { try hooks.before?(worker, call) }

    // MARK: What workers call

    var parameters: ParameterTable { base.parameters }
    var storeID: UInt64 { base.storeID }
    var lastPosition: Int64 { base.lastPosition }
    var registryRevision: Int64 { base.registryRevision }

    func readLog(after: Int64, upTo: Int64?, slots: SlotSet, limit: LogLimit) throws(StoreError) -> LogPage {
        try pass(.readLog)
        return try base.readLog(after: after, upTo: upTo, slots: slots, limit: limit)
    }

    func readLog(device: DeviceID, after: Int64, limit: LogLimit) throws(StoreError) -> LogPage {
        try pass(.readLogOfDevice)
        return try base.readLog(device: device, after: after, limit: limit)
    }

    func pendingLog(slots: SlotSet) throws(StoreError) -> [PendingLog] {
        try pass(.pendingLog)
        return try base.pendingLog(slots: slots)
    }

    func archivedChunks(device: DeviceID, overlapping: TimeRange) throws(StoreError) -> [ArchivedChunk] {
        try pass(.archivedChunks)
        return try base.archivedChunks(device: device, overlapping: overlapping)
    }

    func forEachArchivedChunk(
        device: DeviceID, overlapping: TimeRange, isReversed: Bool,
        _ body: (ArchivedChunk) throws(StoreError) -> Bool
    ) throws(StoreError) {
        try pass(.archivedChunks)
        try base.forEachArchivedChunk(device: device, overlapping: overlapping, isReversed: isReversed, body)
    }

    func archiveMark(device: DeviceID) throws(StoreError) -> Int64 {
        try pass(.archiveMark)
        return try base.archiveMark(device: device)
    }

    func seal(_ seals: [Seal]) -> [Result<Void, StoreError>] {
        do { try pass(.seal) } catch { return seals.map { _ in .failure(error) } }
        return base.seal(seals)
    }

    func push(_ pushes: [Push]) -> [Result<PushReceipt, StoreError>] {
        do { try pass(.push) } catch { return pushes.map { _ in .failure(error) } }
        let results = base.push(pushes)
        return hooks.afterPush.map { $0(results) } ?? results
    }

    func intervals(_ key: AssignmentKey, _ query: IntervalQuery) throws(StoreError) -> [StoredInterval] {
        try pass(.intervals)
        return try base.intervals(key, query)
    }

    func assignment(_ key: AssignmentKey) throws(StoreError) -> AssignmentRecord? { try base.assignment(key) }
    func heldIntervals(_ key: AssignmentKey) throws(StoreError) -> [HeldInterval] { try base.heldIntervals(key) }
    func intervalFields(_ key: AssignmentKey) throws(StoreError) -> [IntervalFields] { try base.intervalFields(key) }

    func setIntervalFields(
        slot: Slot, epoch: Int64, key: AssignmentKey, id: Int64, fields: [JSONValue.Member], at moment: Timestamp
    ) throws(StoreError) -> HeldInterval {
        try base.setIntervalFields(slot: slot, epoch: epoch, key: key, id: id, fields: fields, at: moment)
    }

    // MARK: What is passed on as it is

    func addCommitObserver(_ observer: @escaping @Sendable (CommitNotice) -> Void) { base.addCommitObserver(observer) }
    func append(_ batches: [LogAppend]) throws(StoreError) -> [Int64] { try base.append(batches) }
    func append(_ batches: [LogAppend]) async throws(StoreError) -> [Int64] { try await base.append(batches) }
    func push(_ pushes: [Push]) async -> [Result<PushReceipt, StoreError>] { await base.push(pushes) }

    func expireChunks(slot: Slot, epoch: Int64, device: DeviceID, before: Timestamp) throws(StoreError) -> Int {
        try base.expireChunks(slot: slot, epoch: epoch, device: device, before: before)
    }

    func registry() throws(StoreError) -> RegistrySnapshot { try base.registry() }

    func claimAllSlots(owner: String, at moment: Timestamp) throws(StoreError) -> [Slot: Int64] {
        try base.claimAllSlots(owner: owner, at: moment)
    }

    func heartBeat(owner: String, at moment: Timestamp) throws(StoreError) -> SlotSet {
        try base.heartBeat(owner: owner, at: moment)
    }

    func releaseSlots(_ slots: SlotSet, owner: String) throws(StoreError) { try base.releaseSlots(slots, owner: owner) }
    func slotLeases() throws(StoreError) -> [SlotLease] { try base.slotLeases() }
    func slotRevisions() throws(StoreError) -> [Int64] { try base.slotRevisions() }

    func createDevice(ident: String, name: String, json: String) throws(StoreError) -> DeviceRecord {
        try base.createDevice(ident: ident, name: name, json: json)
    }

    func createDevices(_ devices: [NewDevice]) -> [Result<DeviceRecord, StoreError>] { base.createDevices(devices) }

    func replaceDevice(
        _ id: DeviceID, ident: String, name: String, json: String, expecting: Int64?
    ) throws(StoreError) -> DeviceRecord {
        try base.replaceDevice(id, ident: ident, name: name, json: json, expecting: expecting)
    }

    func deleteDevice(_ id: DeviceID, at moment: Timestamp) throws(StoreError) {
        try base.deleteDevice(id, at: moment)
    }

    func createCalculator(name: String, json: String) throws(StoreError) -> CalculatorRecord {
        try base.createCalculator(name: name, json: json)
    }

    func replaceCalculator(
        _ id: CalculatorID, name: String, json: String, expecting: Int64?
    ) throws(StoreError) -> CalculatorRecord {
        try base.replaceCalculator(id, name: name, json: json, expecting: expecting)
    }

    func deleteCalculator(_ id: CalculatorID, at moment: Timestamp) throws(StoreError) {
        try base.deleteCalculator(id, at: moment)
    }

    func calculatorHistory(_ id: CalculatorID) throws(StoreError) -> [CalculatorRecord] {
        try base.calculatorHistory(id)
    }

    func assign(_ keys: [AssignmentKey], isEnabled: Bool, isAutoCreated: Bool) throws(StoreError) -> [AssignmentRecord]
    {
        try base.assign(keys, isEnabled: isEnabled, isAutoCreated: isAutoCreated)
    }

    func setAssignments(_ keys: [AssignmentKey], isEnabled: Bool) throws(StoreError) {
        try base.setAssignments(keys, isEnabled: isEnabled)
    }

    func unassign(_ keys: [AssignmentKey], at moment: Timestamp) throws(StoreError) -> Int {
        try base.unassign(keys, at: moment)
    }

    func createEntity(_ kind: EntityKind, name: String, json: String) throws(StoreError) -> EntityRecord {
        try base.createEntity(kind, name: name, json: json)
    }

    func replaceEntity(
        _ kind: EntityKind, _ id: Int64, name: String, json: String, expecting: Int64?
    ) throws(StoreError) -> EntityRecord {
        try base.replaceEntity(kind, id, name: name, json: json, expecting: expecting)
    }

    func deleteEntity(_ kind: EntityKind, _ id: Int64, at moment: Timestamp) throws(StoreError) {
        try base.deleteEntity(kind, id, at: moment)
    }

    func link(_ links: [LinkRecord], at moment: Timestamp) throws(StoreError) -> LinkChange {
        try base.link(links, at: moment)
    }

    func unlink(_ links: [LinkRecord], at moment: Timestamp) throws(StoreError) -> LinkChange {
        try base.unlink(links, at: moment)
    }

    func overlayAssetIntervals(
        _ asset: Int64, _ intervals: [AssetInterval]
    ) throws(StoreError) -> [AssetInterval] { try base.overlayAssetIntervals(asset, intervals) }

    func intervalPage(_ key: AssignmentKey, _ query: IntervalQuery) throws(StoreError) -> IntervalPage {
        try base.intervalPage(key, query)
    }

    func pruneVersions(before: Timestamp) throws(StoreError) -> Int { try base.pruneVersions(before: before) }

    func changes(slot: Slot, after: Int64, countMax: Int, withBodies: Bool) throws(StoreError) -> [FeedRow] {
        try base.changes(slot: slot, after: after, countMax: countMax, withBodies: withBodies)
    }

    func jobs(_ key: AssignmentKey?, countMax: Int) throws(StoreError) -> [JobRecord] {
        try base.jobs(key, countMax: countMax)
    }

    func createToken(
        name: String, kind: TokenRecord.Kind, expires: Timestamp?, at moment: Timestamp
    ) throws(StoreError) -> CreatedToken { try base.createToken(name: name, kind: kind, expires: expires, at: moment) }

    func token(secret: String) throws(StoreError) -> TokenRecord? { try base.token(secret: secret) }
    func tokens() throws(StoreError) -> [TokenRecord] { try base.tokens() }
    func revokeToken(_ id: Int64) throws(StoreError) { try base.revokeToken(id) }

    func touchTokens(_ ids: [Int64], at moment: Timestamp) throws(StoreError) {
        try base.touchTokens(ids, at: moment)
    }
}
