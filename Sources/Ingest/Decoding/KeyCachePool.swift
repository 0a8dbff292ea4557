import Synchronization
import Telemetry

/// The name caches of a decoder between its bodies: a body of one message would else spend its time on making one.
final class KeyCachePool: Sendable {
    static let cachesMax = 16
    /// A cache that a sender has filled with more names than this is let go.
    static let namesMax = 2_048
    /// The same of one whose names have more bytes than this, those among them that can be no parameter's.
    static let bytesMax = 131_072

    private let caches = Mutex<[KeyCache]>([])
    private let nameLengthMax: Int

    init(nameLengthMax: Int) { self.nameLengthMax = nameLengthMax }

    /// The bytes of the names that are kept.
    var byteCount: Int { caches.withLock { caches in caches.reduce(0) { $0 + $1.byteCount } } }

    func borrow() -> KeyCache {
        caches.withLock { $0.popLast() } ?? KeyCache(nameLengthMax: nameLengthMax)
    }

    func giveBack(_ cache: KeyCache) {
        guard cache.nameCount <= Self.namesMax, cache.byteCount <= Self.bytesMax else { return }
        caches.withLock { caches in
            if caches.count < Self.cachesMax { caches.append(cache) }
        }
    }
}
