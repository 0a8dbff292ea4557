import Telemetry

/// The system of record: message log and archive, intervals and their change feed, registry, slots, tokens.
///
/// Writes wait until they are durable; what came while a commit ran shares the next one. A write is visible to readers
/// only once it is durable. Calls may come from any thread; the blocking ones must not be made on the shared pool of
/// Swift tasks, which has `async` variants where it needs them. No call reads a clock: times are passed in.
package protocol PrimaryStore: Sendable {
    /// The names of all parameters; ids in chunks and log batches are of this table. Names are stored before the first
    /// batch or chunk that uses them.
    var parameters: ParameterTable { get }

    /// A number given at random when the store was made: a cache made from another store is told by it.
    var storeID: UInt64 { get }

    /// What a reader from outside knows the store by: another one after it was restored from a backup, since what came
    /// after the backup is then gone or told differently.
    var storeIdentity: String { get }

    /// Called after each durable commit that a reader of the log, the feed or the registry may wait for, on the
    /// store's own thread: it must only wake others.
    func addCommitObserver(_ observer: @escaping @Sendable (CommitNotice) -> Void)

    // MARK: Message log

    /// Appends batches, all or none, and returns their positions once they are durable. Blocks.
    func append(_ batches: [LogAppend]) throws(StoreError) -> [Int64]
    /// The same without blocking: it answers on a thread of the store's own, which is not to be held up.
    func append(
        _ batches: [LogAppend], answer: @escaping @Sendable (Result<[Int64], StoreError>) -> Void)

    /// The position of the last batch that is durable; 0 before the first.
    var lastPosition: Int64 { get }

    /// Batches of some slots after a position, and up to another one, in order.
    func readLog(after: Int64, upTo: Int64?, slots: SlotSet, limit: LogLimit) throws(StoreError) -> LogPage
    /// Batches of one device.
    func readLog(device: DeviceID, after: Int64, limit: LogLimit) throws(StoreError) -> LogPage
    /// What is not yet sealed of the devices of some slots, in the order of devices.
    func pendingLog(slots: SlotSet) throws(StoreError) -> [PendingLog]
    /// The messages of all devices after a cursor, from log and archive, for a reader from outside.
    func readMessages(after cursor: MessageCursor, limit: MessageLimit) throws(StoreError) -> MessagePage

    // MARK: Archive

    /// The chunks of a device that overlap a range, in the order of time.
    func archivedChunks(device: DeviceID, overlapping: TimeRange) throws(StoreError) -> [ArchivedChunk]
    /// The same one at a time, or the latest first; the body returns false to stop. Sees one state of the archive, and
    /// holds it for as long as it takes.
    func forEachArchivedChunk(
        device: DeviceID, overlapping: TimeRange, isReversed: Bool,
        _ body: (ArchivedChunk) throws(StoreError) -> Bool
    ) throws(StoreError)
    /// The log position up to which the device's messages are in the archive.
    func archiveMark(device: DeviceID) throws(StoreError) -> Int64
    /// Replaces chunks and trims the log, under the fence, each seal in one transaction by itself. Blocks.
    func seal(_ seals: [Seal]) -> [Result<Void, StoreError>]
    /// Chunks of any device that end before a moment and are not stored for the long run yet, in the order of their
    /// ends, after a place in that order.
    func warmChunks(
        endingBefore: Timestamp, after place: ChunkPlace?, countMax: Int
    ) throws(StoreError) -> [ChunkPlace]
    /// Stores chunks for the long run, under the fence, each by itself; one that has changed is `invalid`. Blocks.
    func cool(_ coolings: [Cooling]) -> [Result<Void, StoreError>]
    /// The chunks of a device whose bytes are not what was written: those still among the others, and those set apart;
    /// nil: of all devices, only those set apart.
    func damagedChunks(device: DeviceID?) throws(StoreError) -> [DamagedChunk]
    /// Takes a damaged chunk out of the archive, its bytes kept as they are, under the fence. Blocks.
    func setApart(_ chunk: DamagedChunk, slot: Slot, epoch: Int64, at: Timestamp) throws(StoreError)
    /// Puts a good copy in the place of a damaged chunk, set apart or not, under the fence. Blocks.
    func repair(_ damaged: DamagedChunk, with copy: Seal.Chunk, slot: Slot, epoch: Int64) throws(StoreError)

    // MARK: Expiry

    /// Lets go of what has expired, each by itself: one that fails leaves the others alone. Blocks.
    func expire(_ expiries: [Expiry]) -> [Result<ExpiryReceipt, StoreError>]
    /// Messages of a device before it are gone, and none is taken; `distantPast` if none ever went.
    func horizon(device: DeviceID) throws(StoreError) -> Timestamp
    /// What an assignment goes on from at its horizon (`AssignmentMarks.horizon`); nil if it begins from nothing there.
    func horizonState(_ key: AssignmentKey) throws(StoreError) -> HorizonState?
    /// The slot time of each slot, by slot: the greatest acceptance stamp of its log, or tick.
    func slotTimes() throws(StoreError) -> [Timestamp]
    /// Raises the slot time of slots, under the fence. Blocks.
    func tick(_ epochs: [Slot: Int64], at: Timestamp) throws(StoreError)

    // MARK: Messages kept apart (blocking)

    /// Keeps messages apart, at most `ApartMessage.countMax` of a device; what is more is counted only.
    func keepApart(_ messages: [ApartMessage]) throws(StoreError)
    /// Messages kept apart of a device with ids above one, in the order of ids.
    func apartMessages(
        device: DeviceID, reason: ApartReason?, after id: Int64, countMax: Int
    ) throws(StoreError) -> [ApartMessage]
    func apartCounts(device: DeviceID) throws(StoreError) -> [ApartCount]
    /// Takes messages kept apart away, and appends them to the log in the same transaction if `append` has them.
    /// Refuses ids that the device does not have. Returns the log position.
    func takeApart(device: DeviceID, ids: [Int64], append: LogAppend?) throws(StoreError) -> Int64?

    // MARK: Health

    /// Compares running counts and checksums with the rows there are, slot by slot, and everything that belongs to no
    /// slot when `slots` is all; returns what does not fit, in words. Reads everything of those slots.
    func audit(slots: SlotSet) throws(StoreError) -> [String]

    // MARK: Slots

    /// Makes an owner the owner of those slots that nobody owns, that it owns itself, or whose owner has not been heard
    /// of for `leaseSeconds`, each with an epoch one greater; returns the epochs of those. Blocks.
    func claimSlots(
        _ slots: SlotSet, owner: String, at: Timestamp, leaseSeconds: Double
    ) throws(StoreError) -> [Slot: Int64]

    /// Makes an owner the owner of every slot, each with an epoch one greater. Blocks.
    func claimAllSlots(owner: String, at: Timestamp) throws(StoreError) -> [Slot: Int64]
    /// Says that the owner is alive; returns the slots it still owns. Blocks.
    func heartBeat(owner: String, at: Timestamp) throws(StoreError) -> SlotSet
    /// Gives the owner's slots up; its epochs are void from then on. Blocks.
    func releaseSlots(_ slots: SlotSet, owner: String) throws(StoreError)
    func slotLeases() throws(StoreError) -> [SlotLease]
    /// The number of the last feed row of every slot, by slot.
    func slotRevisions() throws(StoreError) -> [Int64]

    // MARK: Registry (blocking)

    func registry() throws(StoreError) -> RegistrySnapshot
    /// What of it has changed since a revision; nil if it is to be read as a whole: too much has changed, or more than
    /// devices, assignments and groups.
    func registryChanges(since revision: Int64) throws(StoreError) -> RegistryChanges?
    /// Which devices and assignments changed behind one revision and up to another; nil in the same cases. Reads no
    /// file.
    func registryKeys(after: Int64, upTo: Int64) -> RegistryKeys?
    /// Counts every change of any entity.
    var registryRevision: Int64 { get }
    func createDevice(ident: String, name: String, json: String) throws(StoreError) -> DeviceRecord
    /// Creates devices in one commit; one that is refused leaves the others alone.
    func createDevices(_ devices: [NewDevice]) -> [Result<DeviceRecord, StoreError>]
    /// Replaces a device; `expecting` refuses if it has another revision by now. A driver that its metadata name anew
    /// drives it from the moment on.
    func replaceDevice(
        _ id: DeviceID, ident: String, name: String, json: String, expecting: Int64?, at: Timestamp
    ) throws(StoreError) -> DeviceRecord
    /// The drivers of a device, or of all devices, in the order of device and time: written with the device.
    func deviceDrivers(_ device: DeviceID?) throws(StoreError) -> [DeviceDriver]
    /// Deletes a device with its assignments, intervals, links, chunks and log, and the intervals in which it stood for
    /// an asset; the feed tells of the intervals.
    func deleteDevice(_ id: DeviceID, at: Timestamp) throws(StoreError)
    func createCalculator(name: String, json: String) throws(StoreError) -> CalculatorRecord
    func replaceCalculator(
        _ id: CalculatorID, name: String, json: String, expecting: Int64?
    ) throws(StoreError) -> CalculatorRecord
    /// Deletes a calculator with its assignments, their intervals and its links.
    func deleteCalculator(_ id: CalculatorID, at: Timestamp) throws(StoreError)
    /// Every revision of a calculator, oldest first.
    func calculatorHistory(_ id: CalculatorID) throws(StoreError) -> [CalculatorRecord]
    /// Makes assignments, all or none; those that exist stay as they are, but one that only a group implied is then by
    /// hand too. Returns what is new.
    func assign(_ keys: [AssignmentKey], isEnabled: Bool, isAutoCreated: Bool) throws(StoreError) -> [AssignmentRecord]
    /// Enables or disables assignments, all or none.
    func setAssignments(_ keys: [AssignmentKey], isEnabled: Bool) throws(StoreError)
    /// Ends assignments and deletes their intervals; the feed tells. Those that a group implies stay, as the group's.
    /// Returns how many ended.
    func unassign(_ keys: [AssignmentKey], at: Timestamp) throws(StoreError) -> Int
    func assignment(_ key: AssignmentKey) throws(StoreError) -> AssignmentRecord?

    // MARK: Geofences, groups, assets (blocking)

    func createEntity(_ kind: EntityKind, name: String, json: String) throws(StoreError) -> EntityRecord
    /// Replaces an entity; `expecting` refuses if it has another revision by now.
    func replaceEntity(
        _ kind: EntityKind, _ id: Int64, name: String, json: String, expecting: Int64?
    ) throws(StoreError) -> EntityRecord
    /// Deletes an entity with its links and all that they implied; an asset with its assignments and intervals too.
    func deleteEntity(_ kind: EntityKind, _ id: Int64, at: Timestamp) throws(StoreError)
    /// Makes links, all or none, and in the same transaction the assignments and links that groups then imply. Those
    /// that exist stay; one that only a group implied is then by hand too.
    func link(_ links: [LinkRecord], at: Timestamp) throws(StoreError) -> LinkChange
    /// Removes links, all or none, with the assignments and links that no group implies any more and that nobody made
    /// by hand; the feed tells of the intervals. A link that a group implies stays, as the group's.
    func unlink(_ links: [LinkRecord], at: Timestamp) throws(StoreError) -> LinkChange
    /// Lays intervals over those of an asset, each over all before it, all or none. What they cover is cut away, so
    /// that no two overlap; device 0 leaves a gap. Returns all of the asset.
    func overlayAssetIntervals(_ asset: Int64, _ intervals: [AssetInterval]) throws(StoreError) -> [AssetInterval]

    // MARK: Intervals and feed

    /// Applies pushes, each by itself: one that fails leaves the others alone. Repeating a push changes nothing and
    /// gives the same ids. Blocks.
    func push(_ pushes: [Push]) -> [Result<PushReceipt, StoreError>]
    func push(_ pushes: [Push]) async -> [Result<PushReceipt, StoreError>]

    /// Tells whether intervals that were read are still what would be read now.
    var intervalRevisions: IntervalRevisions { get }
    func intervals(_ key: AssignmentKey, _ query: IntervalQuery) throws(StoreError) -> [StoredInterval]
    /// The joined JSON of the intervals: what an answer is made of.
    func intervalPage(_ key: AssignmentKey, _ query: IntervalQuery) throws(StoreError) -> IntervalPage
    /// Sets custom fields of an interval, under the fence: names that it has are replaced, null takes one away, the
    /// others stay. Its text is written anew and the feed says `updated`. Blocks.
    func setIntervalFields(
        slot: Slot, epoch: Int64, key: AssignmentKey, id: Int64, fields: [JSONValue.Member], at: Timestamp
    ) throws(StoreError) -> HeldInterval
    /// The custom fields of the intervals that have any, in the order of ids.
    func intervalFields(_ key: AssignmentKey) throws(StoreError) -> [IntervalFields]
    /// Deletes versions of intervals that were replaced before a moment, but not more than
    /// `IntervalQuery.prunedVersionCountMax` at once; returns how many. Blocks.
    func pruneVersions(before: Timestamp) throws(StoreError) -> Int
    /// All intervals of an assignment without their text, in the order of time.
    func heldIntervals(_ key: AssignmentKey) throws(StoreError) -> [HeldInterval]
    /// Intervals of an assignment with ids above one, in the order of ids, until a limit; at least one is given, even
    /// if it is larger.
    func intervals(
        _ key: AssignmentKey, after id: Int64, countMax: Int, byteCountMax: Int
    ) throws(StoreError) -> [StoredInterval]
    /// Feed rows of a slot after a revision, until a limit; at least one is given, even if it is larger. `withBodies`
    /// adds the present text, activity and calculator's revision of those not deleted.
    func changes(
        slot: Slot, after: Int64, countMax: Int, byteCountMax: Int, withBodies: Bool
    ) throws(StoreError) -> [FeedRow]
    /// Drops feed rows that are older than a moment and superseded by later ones of the same interval, at most
    /// `IntervalQuery.prunedVersionCountMax` at once, under the fence; returns how many. Reading from 0 on still gives
    /// the table of intervals; going on after a row that was dropped is refused. Blocks.
    func trimFeed(slot: Slot, epoch: Int64, before: Timestamp) throws(StoreError) -> Int
    /// The ledger, the latest first; of one assignment or of all.
    func jobs(_ key: AssignmentKey?, countMax: Int) throws(StoreError) -> [JobRecord]
    /// The jobs that are held, oldest first.
    func heldJobs() throws(StoreError) -> [JobRecord]
    /// Writes a job that is held into the ledger, under the fence; an older one of the same assignment is then
    /// superseded. Returns its id. Blocks.
    func hold(_ job: JobRecord, slot: Slot, epoch: Int64) throws(StoreError) -> Int64
    /// Says what became of a held job, under the fence; it is refused if the job is not held. Blocks.
    func decide(
        job id: Int64, _ outcome: JobRecord.Outcome, slot: Slot, epoch: Int64
    ) throws(StoreError) -> JobRecord

    // MARK: Settings (blocking)

    /// What people have set at run time, by name.
    func settings() throws(StoreError) -> [String: String]
    /// Sets a value; nil takes it away.
    func setSetting(_ name: String, _ value: String?) throws(StoreError)

    // MARK: Tokens (blocking)

    func createToken(
        name: String, kind: TokenRecord.Kind, expires: Timestamp?, at: Timestamp
    ) throws(StoreError) -> CreatedToken
    /// The token with this secret, whether valid or not.
    func token(secret: String) throws(StoreError) -> TokenRecord?
    func tokens() throws(StoreError) -> [TokenRecord]
    func revokeToken(_ id: Int64) throws(StoreError)
    /// Notes that tokens were used.
    func touchTokens(_ ids: [Int64], at: Timestamp) throws(StoreError)
}

/// What a commit brought.
package struct CommitNotice: Sendable {
    /// The slots of all batches behind `positionBefore` up to `lastPosition`, whoever appended them: workers pass by
    /// what is of none of their slots. A store that cannot say it gives a position before that nobody has reached.
    package var appendedSlots = SlotSet()
    package var positionBefore: Int64 = 0
    package var lastPosition: Int64 = 0
    /// The slots whose feed grew.
    package var changedSlots = SlotSet()
    package var registryRevision: Int64 = 0

    package init() {}
}

extension PrimaryStore {
    /// Appends batches without blocking a thread.
    package func append(_ batches: [LogAppend]) async throws(StoreError) -> [Int64] {
        let result = await withCheckedContinuation { continuation in
            append(batches) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    package func readLog(after: Int64, slots: SlotSet) throws(StoreError) -> LogPage {
        try readLog(after: after, upTo: nil, slots: slots, limit: LogLimit())
    }

    package func readLog(device: DeviceID, after: Int64) throws(StoreError) -> LogPage {
        try readLog(device: device, after: after, limit: LogLimit())
    }

    package func seal(_ seal: Seal) throws(StoreError) {
        for result in self.seal([seal]) { try result.get() }
    }

    /// All chunks of a device in order.
    package func forEachArchivedChunk(
        device: DeviceID, _ body: (ArchivedChunk) throws(StoreError) -> Bool
    ) throws(StoreError) {
        try forEachArchivedChunk(device: device, overlapping: .all, isReversed: false, body)
    }

    package func changes(
        slot: Slot, after: Int64, countMax: Int, withBodies: Bool
    ) throws(StoreError) -> [FeedRow] {
        try changes(slot: slot, after: after, countMax: countMax, byteCountMax: .max, withBodies: withBodies)
    }

    /// Replaces a device where the moment does not matter: a new driver takes the place of the one before.
    package func replaceDevice(
        _ id: DeviceID, ident: String, name: String, json: String, expecting: Int64?
    ) throws(StoreError) -> DeviceRecord {
        try replaceDevice(id, ident: ident, name: name, json: json, expecting: expecting, at: .distantPast)
    }

    package func pendingLog() throws(StoreError) -> [PendingLog] { try pendingLog(slots: .all) }

    package func setAssignment(_ key: AssignmentKey, isEnabled: Bool) throws(StoreError) {
        try setAssignments([key], isEnabled: isEnabled)
    }

    /// The intervals of a source calculator that overlap a range, the active ones too.
    package func sourceIntervals(
        _ key: AssignmentKey, overlapping range: TimeRange
    ) throws(StoreError) -> [StoredInterval] {
        try intervals(key, IntervalQuery(range: range))
    }
}
