import PrimaryStore
import Telemetry

/// What a test does between two steps of whoever uses a store.
///
/// Unchecked: the users of one store run on the test's own thread, and nobody else holds it.
package final class StoreHooks: @unchecked Sendable {
    package enum Call: String, CaseIterable {
        case readLog, readLogOfDevice, pendingLog, archivedChunks, archiveMark, seal, cool, push,
            intervals, assignment, heldIntervals, intervalFields, setIntervalFields, append, registry,
            claimAllSlots, heartBeat, releaseSlots, slotLeases, slotRevisions, createDevice, createDevices,
            replaceDevice, deleteDevice, createCalculator, replaceCalculator, deleteCalculator,
            calculatorHistory, assign, setAssignments, unassign, createEntity, replaceEntity, deleteEntity,
            link, unlink, overlayAssetIntervals, intervalPage, pruneVersions, changes, jobs, createToken, token,
            tokens, revokeToken, touchTokens, damagedChunks, setApart, repair, expire, horizon, horizonState,
            slotTimes, tick, keepApart, apartMessages, apartCounts, takeApart, audit, claimSlots, heldJobs,
            hold, decide, settings, setSetting, trimFeed
    }

    /// Called before a call of a user is passed on; what it throws is the answer.
    package var before: ((_ user: Int, Call) throws(StoreError) -> Void)?
    /// Called after a call has done its work; what it throws is the answer all the same.
    package var after: ((_ user: Int, Call) throws(StoreError) -> Void)?
    /// Changes what a push is answered with, once it is durable.
    package var afterPush: (([Result<PushReceipt, StoreError>]) -> [Result<PushReceipt, StoreError>])?
    /// Looks at what is about to be pushed, with nothing coming between it and the push.
    package var pushing: ((_ user: Int, [Push]) -> Void)?
    /// Looks at what has been pushed, before anybody is answered.
    package var pushed: ((_ user: Int, [Push], [Result<PushReceipt, StoreError>]) -> Void)?
    /// Looks at what has been let go, before anybody is answered.
    package var expired: ((_ user: Int, [Expiry], [Result<ExpiryReceipt, StoreError>]) -> Void)?
    /// Told of each write under the fence that was taken, with the epoch it carried.
    package var fenced: ((_ user: Int, Slot, _ epoch: Int64) -> Void)?
    /// The store's own clock, by which it judges leases and slot times; nil: what the users say.
    package var storeTime: (() -> Timestamp)?

    package init() {}
}

/// A store as one user sees it, that lets a test in before and after everything that the user reads and writes.
package final class HookedStore: PrimaryStore {
    package let base: any PrimaryStore
    private let hooks: StoreHooks
    private let user: Int

    package init(_ base: any PrimaryStore, _ hooks: StoreHooks, user: Int) {
        self.base = base
        self.hooks = hooks
        self.user = user
    }

    private func call<Answer>(
        _ call: StoreHooks.Call, _ body: () throws(StoreError) -> Answer
    ) throws(StoreError) -> Answer {
        try hooks.before?(user, call)
        let answer = try body()
        try hooks.after?(user, call)
        return answer
    }

    private func callEach<Answer>(
        _ call: StoreHooks.Call, _ count: Int, _ body: () -> [Result<Answer, StoreError>]
    ) -> [Result<Answer, StoreError>] {
        do throws(StoreError) {
            try hooks.before?(user, call)
            let answers = body()
            try hooks.after?(user, call)
            return answers
        } catch { return Array(repeating: .failure(error), count: count) }
    }

    package var parameters: ParameterTable { base.parameters }
    package var storeID: UInt64 { base.storeID }
    package var storeIdentity: String { base.storeIdentity }
    package var intervalRevisions: IntervalRevisions { base.intervalRevisions }
    package var lastPosition: Int64 { base.lastPosition }
    package var registryRevision: Int64 { base.registryRevision }

    package func readLog(after: Int64, upTo: Int64?, slots: SlotSet, limit: LogLimit) throws(StoreError) -> LogPage {
        try call(.readLog) { () throws(StoreError) in
            try base.readLog(after: after, upTo: upTo, slots: slots, limit: limit)
        }
    }

    package func readLog(device: DeviceID, after: Int64, limit: LogLimit) throws(StoreError) -> LogPage {
        try call(.readLogOfDevice) { () throws(StoreError) in
            try base.readLog(device: device, after: after, limit: limit)
        }
    }

    package func pendingLog(slots: SlotSet) throws(StoreError) -> [PendingLog] {
        try call(.pendingLog) { () throws(StoreError) in try base.pendingLog(slots: slots) }
    }

    package func archivedChunks(device: DeviceID, overlapping: TimeRange) throws(StoreError) -> [ArchivedChunk] {
        try call(.archivedChunks) { () throws(StoreError) in
            try base.archivedChunks(device: device, overlapping: overlapping)
        }
    }

    package func forEachArchivedChunk(
        device: DeviceID, overlapping: TimeRange, isReversed: Bool,
        _ body: (ArchivedChunk) throws(StoreError) -> Bool
    ) throws(StoreError) {
        try call(.archivedChunks) { () throws(StoreError) in
            try base.forEachArchivedChunk(device: device, overlapping: overlapping, isReversed: isReversed, body)
        }
    }

    package func archiveMark(device: DeviceID) throws(StoreError) -> Int64 {
        try call(.archiveMark) { () throws(StoreError) in try base.archiveMark(device: device) }
    }

    package func seal(_ seals: [Seal]) -> [Result<Void, StoreError>] {
        callEach(.seal, seals.count) {
            let results = base.seal(seals)
            for (seal, result) in zip(seals, results) { note(seal.slot, seal.epoch, result) }
            return results
        }
    }

    /// Without hooks: what it answers is only a hint.
    package func warmChunks(
        endingBefore moment: Timestamp, after place: ChunkPlace?, countMax: Int
    ) throws(StoreError) -> [ChunkPlace] {
        try base.warmChunks(endingBefore: moment, after: place, countMax: countMax)
    }

    package func cool(_ coolings: [Cooling]) -> [Result<Void, StoreError>] {
        callEach(.cool, coolings.count) {
            let results = base.cool(coolings)
            for (cooling, result) in zip(coolings, results) { note(cooling.slot, cooling.epoch, result) }
            return results
        }
    }

    private func note<Answer>(_ slot: Slot, _ epoch: Int64, _ result: Result<Answer, StoreError>) {
        if case .success = result { hooks.fenced?(user, slot, epoch) }
    }

    package func push(_ pushes: [Push]) -> [Result<PushReceipt, StoreError>] {
        let results = callEach(.push, pushes.count) {
            hooks.pushing?(user, pushes)
            let results = base.push(pushes)
            for (push, result) in zip(pushes, results) { note(push.slot, push.epoch, result) }
            hooks.pushed?(user, pushes, results)
            return results
        }
        return hooks.afterPush.map { $0(results) } ?? results
    }

    package func intervals(_ key: AssignmentKey, _ query: IntervalQuery) throws(StoreError) -> [StoredInterval] {
        try call(.intervals) { () throws(StoreError) in try base.intervals(key, query) }
    }

    package func assignment(_ key: AssignmentKey) throws(StoreError) -> AssignmentRecord? {
        try call(.assignment) { () throws(StoreError) in try base.assignment(key) }
    }

    package func heldIntervals(_ key: AssignmentKey) throws(StoreError) -> [HeldInterval] {
        try call(.heldIntervals) { () throws(StoreError) in try base.heldIntervals(key) }
    }

    package func intervalFields(_ key: AssignmentKey) throws(StoreError) -> [IntervalFields] {
        try call(.intervalFields) { () throws(StoreError) in try base.intervalFields(key) }
    }

    package func setIntervalFields(
        slot: Slot, epoch: Int64, key: AssignmentKey, id: Int64, fields: [JSONValue.Member], at moment: Timestamp
    ) throws(StoreError) -> HeldInterval {
        try call(.setIntervalFields) { () throws(StoreError) in
            let held = try base.setIntervalFields(
                slot: slot, epoch: epoch, key: key, id: id, fields: fields, at: moment)
            hooks.fenced?(user, slot, epoch)
            return held
        }
    }

    package func addCommitObserver(_ observer: @escaping @Sendable (CommitNotice) -> Void) {
        base.addCommitObserver(observer)
    }

    package func append(_ batches: [LogAppend]) throws(StoreError) -> [Int64] {
        try call(.append) { () throws(StoreError) in try base.append(batches) }
    }

    package func append(
        _ batches: [LogAppend], answer: @escaping @Sendable (Result<[Int64], StoreError>) -> Void
    ) {
        base.append(batches, answer: answer)
    }

    package func push(_ pushes: [Push]) async -> [Result<PushReceipt, StoreError>] { await base.push(pushes) }

    package func registry() throws(StoreError) -> RegistrySnapshot {
        try call(.registry) { () throws(StoreError) in try base.registry() }
    }

    package func registryChanges(since revision: Int64) throws(StoreError) -> RegistryChanges? {
        try call(.registry) { () throws(StoreError) in try base.registryChanges(since: revision) }
    }

    package func registryKeys(after: Int64, upTo: Int64) -> RegistryKeys? {
        base.registryKeys(after: after, upTo: upTo)
    }

    package func claimAllSlots(owner: String, at moment: Timestamp) throws(StoreError) -> [Slot: Int64] {
        try call(.claimAllSlots) { () throws(StoreError) in
            try base.claimAllSlots(owner: owner, at: storeTime(moment))
        }
    }

    private func storeTime(_ moment: Timestamp) -> Timestamp { hooks.storeTime?() ?? moment }

    private func note(_ slot: Slot, _ epoch: Int64) { hooks.fenced?(user, slot, epoch) }

    package func heartBeat(owner: String, at moment: Timestamp) throws(StoreError) -> SlotSet {
        try call(.heartBeat) { () throws(StoreError) in try base.heartBeat(owner: owner, at: storeTime(moment)) }
    }

    package func releaseSlots(_ slots: SlotSet, owner: String) throws(StoreError) {
        try call(.releaseSlots) { () throws(StoreError) in try base.releaseSlots(slots, owner: owner) }
    }

    package func slotLeases() throws(StoreError) -> [SlotLease] {
        try call(.slotLeases) { () throws(StoreError) in try base.slotLeases() }
    }

    package func slotRevisions() throws(StoreError) -> [Int64] {
        try call(.slotRevisions) { () throws(StoreError) in try base.slotRevisions() }
    }

    package func createDevice(ident: String, name: String, json: String) throws(StoreError) -> DeviceRecord {
        try call(.createDevice) { () throws(StoreError) in try base.createDevice(ident: ident, name: name, json: json) }
    }

    package func createDevices(_ devices: [NewDevice]) -> [Result<DeviceRecord, StoreError>] {
        callEach(.createDevices, devices.count) { base.createDevices(devices) }
    }

    package func replaceDevice(
        _ id: DeviceID, ident: String, name: String, json: String, expecting: Int64?, at moment: Timestamp
    ) throws(StoreError) -> DeviceRecord {
        try call(.replaceDevice) { () throws(StoreError) in
            try base.replaceDevice(id, ident: ident, name: name, json: json, expecting: expecting, at: moment)
        }
    }

    package func deviceDrivers(_ device: DeviceID?) throws(StoreError) -> [DeviceDriver] {
        try base.deviceDrivers(device)
    }

    package func readMessages(after cursor: MessageCursor, limit: MessageLimit) throws(StoreError) -> MessagePage {
        try base.readMessages(after: cursor, limit: limit)
    }

    package func intervals(
        _ key: AssignmentKey, after id: Int64, countMax: Int, byteCountMax: Int
    ) throws(StoreError) -> [StoredInterval] {
        try call(.intervals) { () throws(StoreError) in
            try base.intervals(key, after: id, countMax: countMax, byteCountMax: byteCountMax)
        }
    }

    package func deleteDevice(_ id: DeviceID, at moment: Timestamp) throws(StoreError) {
        try call(.deleteDevice) { () throws(StoreError) in try base.deleteDevice(id, at: moment) }
    }

    package func createCalculator(name: String, json: String) throws(StoreError) -> CalculatorRecord {
        try call(.createCalculator) { () throws(StoreError) in try base.createCalculator(name: name, json: json) }
    }

    package func replaceCalculator(
        _ id: CalculatorID, name: String, json: String, expecting: Int64?
    ) throws(StoreError) -> CalculatorRecord {
        try call(.replaceCalculator) { () throws(StoreError) in
            try base.replaceCalculator(id, name: name, json: json, expecting: expecting)
        }
    }

    package func deleteCalculator(_ id: CalculatorID, at moment: Timestamp) throws(StoreError) {
        try call(.deleteCalculator) { () throws(StoreError) in try base.deleteCalculator(id, at: moment) }
    }

    package func calculatorHistory(_ id: CalculatorID) throws(StoreError) -> [CalculatorRecord] {
        try call(.calculatorHistory) { () throws(StoreError) in try base.calculatorHistory(id) }
    }

    package func assign(_ keys: [AssignmentKey], isEnabled: Bool, isAutoCreated: Bool) throws(StoreError)
        -> [AssignmentRecord]
    {
        try call(.assign) { () throws(StoreError) in
            try base.assign(keys, isEnabled: isEnabled, isAutoCreated: isAutoCreated)
        }
    }

    package func setAssignments(_ keys: [AssignmentKey], isEnabled: Bool) throws(StoreError) {
        try call(.setAssignments) { () throws(StoreError) in try base.setAssignments(keys, isEnabled: isEnabled) }
    }

    package func unassign(_ keys: [AssignmentKey], at moment: Timestamp) throws(StoreError) -> Int {
        try call(.unassign) { () throws(StoreError) in try base.unassign(keys, at: moment) }
    }

    package func createEntity(_ kind: EntityKind, name: String, json: String) throws(StoreError) -> EntityRecord {
        try call(.createEntity) { () throws(StoreError) in try base.createEntity(kind, name: name, json: json) }
    }

    package func replaceEntity(
        _ kind: EntityKind, _ id: Int64, name: String, json: String, expecting: Int64?
    ) throws(StoreError) -> EntityRecord {
        try call(.replaceEntity) { () throws(StoreError) in
            try base.replaceEntity(kind, id, name: name, json: json, expecting: expecting)
        }
    }

    package func deleteEntity(_ kind: EntityKind, _ id: Int64, at moment: Timestamp) throws(StoreError) {
        try call(.deleteEntity) { () throws(StoreError) in try base.deleteEntity(kind, id, at: moment) }
    }

    package func link(_ links: [LinkRecord], at moment: Timestamp) throws(StoreError) -> LinkChange {
        try call(.link) { () throws(StoreError) in try base.link(links, at: moment) }
    }

    package func unlink(_ links: [LinkRecord], at moment: Timestamp) throws(StoreError) -> LinkChange {
        try call(.unlink) { () throws(StoreError) in try base.unlink(links, at: moment) }
    }

    package func overlayAssetIntervals(
        _ asset: Int64, _ intervals: [AssetInterval]
    ) throws(StoreError) -> [AssetInterval] {
        try call(.overlayAssetIntervals) { () throws(StoreError) in try base.overlayAssetIntervals(asset, intervals) }
    }

    package func intervalPage(_ key: AssignmentKey, _ query: IntervalQuery) throws(StoreError) -> IntervalPage {
        try call(.intervalPage) { () throws(StoreError) in try base.intervalPage(key, query) }
    }

    package func pruneVersions(before: Timestamp) throws(StoreError) -> Int {
        try call(.pruneVersions) { () throws(StoreError) in try base.pruneVersions(before: before) }
    }

    package func changes(
        slot: Slot, after: Int64, countMax: Int, byteCountMax: Int, withBodies: Bool
    ) throws(StoreError) -> [FeedRow] {
        try call(.changes) { () throws(StoreError) in
            try base.changes(
                slot: slot, after: after, countMax: countMax, byteCountMax: byteCountMax, withBodies: withBodies)
        }
    }

    package func jobs(_ key: AssignmentKey?, countMax: Int) throws(StoreError) -> [JobRecord] {
        try call(.jobs) { () throws(StoreError) in try base.jobs(key, countMax: countMax) }
    }

    package func createToken(
        name: String, kind: TokenRecord.Kind, expires: Timestamp?, at moment: Timestamp
    ) throws(StoreError) -> CreatedToken {
        try call(.createToken) { () throws(StoreError) in
            try base.createToken(name: name, kind: kind, expires: expires, at: moment)
        }
    }

    package func token(secret: String) throws(StoreError) -> TokenRecord? {
        try call(.token) { () throws(StoreError) in try base.token(secret: secret) }
    }

    package func tokens() throws(StoreError) -> [TokenRecord] {
        try call(.tokens) { () throws(StoreError) in try base.tokens() }
    }

    package func revokeToken(_ id: Int64) throws(StoreError) {
        try call(.revokeToken) { () throws(StoreError) in try base.revokeToken(id) }
    }

    package func touchTokens(_ ids: [Int64], at moment: Timestamp) throws(StoreError) {
        try call(.touchTokens) { () throws(StoreError) in try base.touchTokens(ids, at: moment) }
    }

    package func damagedChunks(device: DeviceID?) throws(StoreError) -> [DamagedChunk] {
        try call(.damagedChunks) { () throws(StoreError) in try base.damagedChunks(device: device) }
    }

    package func setApart(_ chunk: DamagedChunk, slot: Slot, epoch: Int64, at moment: Timestamp) throws(StoreError) {
        try call(.setApart) { () throws(StoreError) in
            try base.setApart(chunk, slot: slot, epoch: epoch, at: moment)
            note(slot, epoch)
        }
    }

    package func repair(
        _ damaged: DamagedChunk, with copy: Seal.Chunk, slot: Slot, epoch: Int64
    ) throws(StoreError) {
        try call(.repair) { () throws(StoreError) in
            try base.repair(damaged, with: copy, slot: slot, epoch: epoch)
            note(slot, epoch)
        }
    }

    package func expire(_ expiries: [Expiry]) -> [Result<ExpiryReceipt, StoreError>] {
        callEach(.expire, expiries.count) {
            let results = base.expire(expiries)
            for (expiry, result) in zip(expiries, results) { note(expiry.slot, expiry.epoch, result) }
            hooks.expired?(user, expiries, results)
            return results
        }
    }

    package func horizon(device: DeviceID) throws(StoreError) -> Timestamp {
        try call(.horizon) { () throws(StoreError) in try base.horizon(device: device) }
    }

    package func horizonState(_ key: AssignmentKey) throws(StoreError) -> HorizonState? {
        try call(.horizonState) { () throws(StoreError) in try base.horizonState(key) }
    }

    package func slotTimes() throws(StoreError) -> [Timestamp] {
        try call(.slotTimes) { () throws(StoreError) in try base.slotTimes() }
    }

    package func tick(_ epochs: [Slot: Int64], at moment: Timestamp) throws(StoreError) {
        try call(.tick) { () throws(StoreError) in
            try base.tick(epochs, at: storeTime(moment))
            for (slot, epoch) in epochs.sorted(by: { $0.key < $1.key }) { note(slot, epoch) }
        }
    }

    package func keepApart(_ messages: [ApartMessage]) throws(StoreError) {
        try call(.keepApart) { () throws(StoreError) in try base.keepApart(messages) }
    }

    package func apartMessages(
        device: DeviceID, reason: ApartReason?, after id: Int64, countMax: Int
    ) throws(StoreError) -> [ApartMessage] {
        try call(.apartMessages) { () throws(StoreError) in
            try base.apartMessages(device: device, reason: reason, after: id, countMax: countMax)
        }
    }

    package func apartCounts(device: DeviceID) throws(StoreError) -> [ApartCount] {
        try call(.apartCounts) { () throws(StoreError) in try base.apartCounts(device: device) }
    }

    package func takeApart(device: DeviceID, ids: [Int64], append: LogAppend?) throws(StoreError) -> Int64? {
        try call(.takeApart) { () throws(StoreError) in try base.takeApart(device: device, ids: ids, append: append) }
    }

    package func audit(slots: SlotSet) throws(StoreError) -> [String] {
        try call(.audit) { () throws(StoreError) in try base.audit(slots: slots) }
    }

    package func claimSlots(
        _ slots: SlotSet, owner: String, at moment: Timestamp, leaseSeconds: Double
    ) throws(StoreError) -> [Slot: Int64] {
        try call(.claimSlots) { () throws(StoreError) in
            try base.claimSlots(slots, owner: owner, at: storeTime(moment), leaseSeconds: leaseSeconds)
        }
    }

    package func trimFeed(slot: Slot, epoch: Int64, before moment: Timestamp) throws(StoreError) -> Int {
        try call(.trimFeed) { () throws(StoreError) in try base.trimFeed(slot: slot, epoch: epoch, before: moment) }
    }

    package func heldJobs() throws(StoreError) -> [JobRecord] {
        try call(.heldJobs) { () throws(StoreError) in try base.heldJobs() }
    }

    package func hold(_ job: JobRecord, slot: Slot, epoch: Int64) throws(StoreError) -> Int64 {
        try call(.hold) { () throws(StoreError) in
            let id = try base.hold(job, slot: slot, epoch: epoch)
            note(slot, epoch)
            return id
        }
    }

    package func decide(
        job id: Int64, _ outcome: JobRecord.Outcome, slot: Slot, epoch: Int64
    ) throws(StoreError) -> JobRecord {
        try call(.decide) { () throws(StoreError) in
            let record = try base.decide(job: id, outcome, slot: slot, epoch: epoch)
            note(slot, epoch)
            return record
        }
    }

    package func settings() throws(StoreError) -> [String: String] {
        try call(.settings) { () throws(StoreError) in try base.settings() }
    }

    package func setSetting(_ name: String, _ value: String?) throws(StoreError) {
        try call(.setSetting) { () throws(StoreError) in try base.setSetting(name, value) }
    }
}
