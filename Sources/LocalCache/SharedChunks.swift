import Telemetry

/// Chunks of one device as they were decoded for the first of several jobs that read the same messages in turns.
struct SharedChunks {
    /// More bytes than this are not kept; a slice of a job takes some 5 MB.
    static let byteCountMax = 16 << 20

    let device: DeviceID
    /// The parameters that any of the jobs reads; nil: all of them.
    let parameters: [ParameterID]?
    private var batches: [Timestamp: MessageBatch] = [:]
    private var byteCount = 0

    init(device: DeviceID, parameters: [ParameterID]?) {
        self.device = device
        self.parameters = parameters
    }

    /// Whether what is kept has all that somebody wants.
    func covers(_ wanted: [ParameterID]?) -> Bool {
        guard let parameters else { return true }
        return wanted?.allSatisfy(parameters.contains) ?? false
    }

    subscript(first: Timestamp) -> MessageBatch? { batches[first] }

    mutating func keep(_ batch: MessageBatch, first: Timestamp) {
        // Times, acceptances, hashes, and for each column eight bytes of a value and its kind.
        let size = batch.count * (24 + 10 * batch.columns.count)
        if byteCount + size > Self.byteCountMax {
            batches = [:]
            byteCount = 0
        }
        batches[first] = batch
        byteCount += size
    }
}

extension WorkerCache {
    /// Says that several readers are about to read the chunks of a device in turns, and which parameters they want
    /// together (nil: all): what one has decoded serves the others, until a chunk changes.
    package func shareChunks(of device: DeviceID, parameters: [ParameterID]?) {
        if let shared, shared.device == device, shared.parameters == parameters { return }
        shared = SharedChunks(device: device, parameters: parameters)
    }

    /// Says that each chunk has one reader again.
    package func stopSharingChunks() { shared = nil }

    /// The messages of a chunk with at least the columns asked for.
    package func sharedChunk(
        _ device: DeviceID, first: Timestamp, parameters: [ParameterID]?
    ) throws(CacheError) -> MessageBatch {
        guard let wanted = shared, wanted.device == device, wanted.covers(parameters) else {
            return try chunk(device, first: first, parameters: parameters, hashes: false)
        }
        if let known = wanted[first] { return known }
        let batch = try chunk(device, first: first, parameters: wanted.parameters, hashes: false)
        shared?.keep(batch, first: first)
        return batch
    }
}
