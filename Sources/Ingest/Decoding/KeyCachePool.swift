import Synchronization
import Telemetry

/// The name caches of a decoder between its bodies: a body of one message would else spend its time on making one.
final class KeyCachePool: Sendable {
    static let cachesMax = 16
    /// A cache that a sender has filled with more names than this is let go.
    static let namesMax = 2_048

    private let caches = Mutex<[KeyCache]>([])
    private let nameLengthMax: Int

    init(nameLengthMax: Int) { self.nameLengthMax = nameLengthMax }

    func borrow() -> KeyCache {
        caches.withLock { $0.popLast() } ?? KeyCache(nameLengthMax: nameLengthMax)
    }

    func giveBack(_ cache: KeyCache) {
        guard cache.nameCount <= Self.namesMax else { return }
        caches.withLock { caches in
            if caches.count < Self.cachesMax { caches.append(cache) }
        }
    }
}
