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

    /// Called after each durable commit that a reader of the log, the feed or the registry may wait for, on the
    /// store's own thread: it must only wake others.
    func addCommitObserver(_ observer: @escaping @Sendable (CommitNotice) -> Void)

    // MARK: Message log

    /// Appends batches, all or none, and returns their positions once they are durable. Blocks.
    func append(_ batches: [LogAppend]) throws(StoreError) -> [Int64]
    func append(_ batches: [LogAppend]) async throws(StoreError) -> [Int64]

    /// The position of the last batch that is durable; 0 before the first.
    var lastPosition: Int64 { get }

    /// Batches of some slots after a position, and up to another one, in order.
    func readLog(after: Int64, upTo: Int64?, slots: SlotSet, limit: LogLimit) throws(StoreError) -> LogPage
    /// Batches of one device.
    func readLog(device: DeviceID, after: Int64, limit: LogLimit) throws(StoreError) -> LogPage
    /// What is not yet sealed of the devices of some slots, in the order of devices.
    func pendingLog(slots: SlotSet) throws(StoreError) -> [PendingLog]

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
    /// Deletes chunks that end before a moment, under the fence; returns how many. Blocks.
    func expireChunks(slot: Slot, epoch: Int64, device: DeviceID, before: Timestamp) throws(StoreError) -> Int

    // MARK: Slots

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
    /// Counts every change of any entity.
    var registryRevision: Int64 { get }
    func createDevice(ident: String, name: String, json: String) throws(StoreError) -> DeviceRecord
    /// Replaces a device; `expecting` refuses if it has another revision by now.
    func replaceDevice(
        _ id: DeviceID, ident: String, name: String, json: String, expecting: Int64?
    ) throws(StoreError) -> DeviceRecord
    /// Deletes a device with its assignments, intervals, chunks and log; the feed tells of the intervals.
    func deleteDevice(_ id: DeviceID, at: Timestamp) throws(StoreError)
    func createCalculator(name: String, json: String) throws(StoreError) -> CalculatorRecord
    func replaceCalculator(
        _ id: CalculatorID, name: String, json: String, expecting: Int64?
    ) throws(StoreError) -> CalculatorRecord
    /// Deletes a calculator with its assignments and their intervals.
    func deleteCalculator(_ id: CalculatorID, at: Timestamp) throws(StoreError)
    /// Every revision of a calculator, oldest first.
    func calculatorHistory(_ id: CalculatorID) throws(StoreError) -> [CalculatorRecord]
    /// Makes assignments, all or none; those that exist stay as they are. Returns what is new.
    func assign(_ keys: [AssignmentKey], isEnabled: Bool, isAutoCreated: Bool) throws(StoreError) -> [AssignmentRecord]
    func setAssignment(_ key: AssignmentKey, isEnabled: Bool) throws(StoreError)
    /// Ends assignments and deletes their intervals; the feed tells. Returns how many there were.
    func unassign(_ keys: [AssignmentKey], at: Timestamp) throws(StoreError) -> Int
    func assignment(_ key: AssignmentKey) throws(StoreError) -> AssignmentRecord?

    // MARK: Intervals and feed

    /// Applies pushes, each by itself: one that fails leaves the others alone. Repeating a push changes nothing and
    /// gives the same ids. Blocks.
    func push(_ pushes: [Push]) -> [Result<PushReceipt, StoreError>]
    func push(_ pushes: [Push]) async -> [Result<PushReceipt, StoreError>]

    func intervals(_ key: AssignmentKey, _ query: IntervalQuery) throws(StoreError) -> [StoredInterval]
    /// The joined JSON of the intervals: what an answer is made of.
    func intervalPage(_ key: AssignmentKey, _ query: IntervalQuery) throws(StoreError) -> IntervalPage
    /// All intervals of an assignment without their text, in the order of time.
    func heldIntervals(_ key: AssignmentKey) throws(StoreError) -> [HeldInterval]
    /// Feed rows of a slot after a revision. `withBodies` adds the present text of those not deleted.
    func changes(slot: Slot, after: Int64, countMax: Int, withBodies: Bool) throws(StoreError) -> [FeedRow]
    /// The ledger, the latest first; of one assignment or of all.
    func jobs(_ key: AssignmentKey?, countMax: Int) throws(StoreError) -> [JobRecord]

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
    /// The slots of the batches that were appended, and the last position.
    package var appendedSlots = SlotSet()
    package var lastPosition: Int64 = 0
    /// The slots whose feed grew.
    package var changedSlots = SlotSet()
    package var registryRevision: Int64 = 0

    package init() {}
}

extension PrimaryStore {
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

    package func pendingLog() throws(StoreError) -> [PendingLog] { try pendingLog(slots: .all) }
}
