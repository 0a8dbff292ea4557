import Evaluation
import LocalCache
import MessageChunks
import PrimaryStore
import Telemetry

/// An asset's stream of messages exists in the caches alone: it is copied from the devices that stood for the asset,
/// each for as long as it did.
extension Worker {
    /// Copies what the devices of an asset sent while they stood for it.
    func copy(_ asset: MirroredDevice) throws -> CachedDevice {
        var latest: [Timestamp] = []
        var tail: [Int64: [MessageBatch]] = [:]
        for stretch in asset.stretches {
            // The log is read first: what another worker seals in between is then in both, and is read once.
            try forEachReadableEntry(of: stretch.facts.id, for: asset.facts.id) { entry in
                let batch = try entry.batch().sorted().part(in: stretch.range)
                if !batch.isEmpty { tail[entry.position, default: []].append(batch) }
            }
            if let last = try copyChunks(of: stretch, to: asset.facts.id) { latest.append(last) }
        }
        for (position, parts) in tail.sorted(by: { $0.key < $1.key }) {
            let batch = MessageBatch.joined(parts).sorted()
            try cache.appendTail(asset.facts.id, position: position, batch)
            if let last = batch.timestamps.last { latest.append(Timestamp(microseconds: last)) }
        }
        return CachedDevice(device: asset.facts.id, sealed: asset.courseDigest, latest: latest.max())
    }

    private func copyChunks(of stretch: FactsStretch, to asset: DeviceID) throws -> Timestamp? {
        var last: Timestamp?
        for chunk in try store.archivedChunks(device: stretch.facts.id, overlapping: stretch.range) {
            let part = try MessageHistory.decode(chunk, device: stretch.facts.id).part(in: stretch.range)
            guard !part.isEmpty else { continue }
            let encoded = sealed(part)
            try cache.insertChunk(asset, first: encoded.first, last: encoded.last, count: encoded.count, encoded.bytes)
            last = encoded.last
        }
        return last
    }

    /// What of a sorted batch was sent while its device stood for an asset.
    func assetPart(of batch: MessageBatch, _ device: DeviceID, _ asset: DeviceID) throws -> MessageBatch {
        let stretches = picture.devices[asset]?.stretches.filter { $0.facts.id == device } ?? []
        return MessageBatch.joined(stretches.map { batch.part(in: $0.range) })
    }

    /// Whether a cached asset has the course of devices that it has now, and nothing was trimmed that it lacks.
    func isCurrent(_ cached: CachedDevice, _ asset: MirroredDevice) throws -> Bool {
        guard cached.sealed == asset.courseDigest else { return false }
        return try asset.stretches.allSatisfy { try store.archiveMark(device: $0.facts.id) <= position }
    }

    /// Copies an asset anew once its course of devices has changed.
    func followAsset(_ device: DeviceID) throws {
        guard let asset = picture.devices[device], asset.isAsset, let cached = devices[device]?.cached,
            cached.sealed != asset.courseDigest
        else { return }
        try copyAnew(device)
    }

    /// The position up to which devices may be sealed: what they sent for assets must have reached the other workers.
    /// So for every device: another worker may know of an asset that this one has not heard of.
    var sealLimit: Int64 { min(position, setup.board.log.leastPosition(among: setup.workerCount)) }

    /// Makes the tails of assets into chunks of the cache: nobody seals them.
    func compactAssets() throws {
        guard now >= nextCompaction else { return }
        nextCompaction = now.advanced(bySeconds: Self.sealLookSeconds)
        guard devices.keys.contains(where: { picture.devices[$0]?.isAsset == true }) else { return }
        for (device, count) in try cache.tailCounts() where count >= setup.sealCount {
            guard picture.devices[device]?.isAsset == true, devices[device]?.sync == .synced else { continue }
            try cache.transaction { try compact(device) }
        }
    }

    private func compact(_ asset: DeviceID) throws {
        let tail = try cache.tail(asset)
        let course = devices[asset]?.cached?.sealed ?? 0
        var replaced: [Timestamp] = []
        var chunks: [Seal.Chunk] = []
        for day in tail.days() {
            let first = Timestamp(microseconds: (day.timestamps.first ?? 0) - 1)
            let last = Timestamp(microseconds: (day.timestamps.last ?? 0) + 1)
            var merged = day
            for chunk in try cache.chunks(asset, endingAfter: first, beginningBefore: last) {
                merged = try cache.chunk(asset, first: chunk.first, parameters: nil, hashes: true).merged(with: merged)
                replaced.append(chunk.first)
            }
            chunks += MessageChunk.split(merged).map { sealed($0) }
        }
        try cache.settleSeal(asset, replaced: replaced, upTo: .max)
        try cache.setDevice(
            CachedDevice(device: asset, sealed: course, latest: devices[asset]?.cached?.latest))
        for chunk in chunks {
            try cache.insertChunk(asset, first: chunk.first, last: chunk.last, count: chunk.count, chunk.bytes)
        }
    }
}

extension MessageBatch {
    /// The messages of a sorted batch in a range.
    fileprivate func part(in range: TimeRange) -> MessageBatch {
        let lower = firstRow(at: range.lower)
        return slice(lower..<Swift.max(lower, firstRow(at: range.upper)))
    }
}

extension RegistryPicture {
    /// The slots of devices that stand, or stood, for assets of some slots.
    func slotsBehindAssets(of slots: SlotSet) -> SlotSet {
        var result = slots
        for (device, assets) in assetsOfDevice where assets.contains(where: { slots.contains(Slot(device: $0)) }) {
            result.insert(Slot(device: device))
        }
        return result
    }
}
