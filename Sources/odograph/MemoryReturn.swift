import CMemory
import FoundationEssentials
import Glibc
import ServiceLifecycle
import Threads

/// Gives free memory back to the system now and then, on a thread of its own: it takes locks of the allocator for some
/// milliseconds.
struct MemoryReturn: Service {
    /// Seconds between two looks.
    private static let lookSeconds = 2.0

    func run() async throws {
        let bell = Doorbell()
        let thread = AsyncThread { Self.lookAndReturn(until: bell) }
        await withTaskCancellationOrGracefulShutdownHandler {
            await thread.join()
        } onCancelOrGracefulShutdown: {
            bell.close()
        }
    }

    private static func lookAndReturn(until bell: Doorbell) {
        var growth = MemoryGrowth()
        while !bell.isClosed {
            bell.wait(seconds: lookSeconds)
            if let held = held(), growth.isDue(held: held) { memory_give_back() }
        }
    }

    /// Bytes of memory that the process holds; nil where the system does not tell.
    private static func held() -> Int? {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return nil }
        let fields = text.split(separator: " ")
        return fields.count > 1 ? Int(fields[1]).map { $0 * Int(sysconf(Int32(_SC_PAGESIZE))) } : nil
    }
}
