import CMemory
import FoundationEssentials
import Glibc
import ServiceLifecycle
import Threads

/// Gives free memory back to the system now and then.
struct MemoryReturn: Service {
    /// Seconds between two looks.
    private static let lookSeconds = 2.0

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            var growth = MemoryGrowth()
            while !Task.isCancelled {
                // Work that takes long makes what there is to give back; nothing waits for it.
                try await Task.sleep(for: .seconds(Self.lookSeconds))
                guard let held = Self.held(), growth.isDue(held: held) else { continue }
                // It takes locks of the allocator for some milliseconds: not on the shared pool.
                await AsyncThread { memory_give_back() }.join()
            }
        }
    }

    /// Bytes of memory that the process holds; nil where the system does not tell.
    private static func held() -> Int? {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return nil }
        let fields = text.split(separator: " ")
        return fields.count > 1 ? Int(fields[1]).map { $0 * Int(sysconf(Int32(_SC_PAGESIZE))) } : nil
    }
}
