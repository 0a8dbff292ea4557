import CPostgres
import Dispatch
import Synchronization

/// Cancels what a connection is doing, from any thread.
///
/// The server is asked on a connection of its own. The request may come too late: then it does nothing, or meets the
/// next statement of the same connection.
// It holds a PGcancel, which libpq never changes once it is made: PQcancel only reads it and may run in several threads
// at a time. It is freed with the last owner.
package final class PostgresCanceller: @unchecked Sendable {
    /// So many requests to servers that do not answer may be under way in the process; more are not sent.
    package static let pendingMax = 16

    private static let pendingCount = Atomic<Int>(0)
    private let handle: OpaquePointer

    init(_ handle: OpaquePointer) { self.handle = handle }

    deinit { PQfreeCancel(handle) }

    /// Asks the server, and waits until it has taken the request, at most so long; false if it has not.
    ///
    /// libpq waits for the server without end, so it does so in a thread of its own.
    @discardableResult
    package func cancel(timeoutMilliseconds: Int = 3_000) -> Bool {
        guard Self.pendingCount.add(1, ordering: .relaxed).newValue <= Self.pendingMax else {
            Self.pendingCount.subtract(1, ordering: .relaxed)
            return false
        }
        let isTaken = Flag()
        let done = DispatchSemaphore(value: 0)
        DispatchQueue.global().async {
            isTaken.value.store(self.ask(), ordering: .releasing)
            Self.pendingCount.subtract(1, ordering: .relaxed)
            done.signal()
        }
        guard done.wait(timeout: .now() + .milliseconds(timeoutMilliseconds)) == .success else { return false }
        return isTaken.value.load(ordering: .acquiring)
    }

    private func ask() -> Bool {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { words in
            PQcancel(handle, words.baseAddress, Int32(words.count)) == 1
        }
    }

    private final class Flag: Sendable {
        let value = Atomic<Bool>(false)
    }
}
