import Foundation

/// What ten seconds of a load came to.
struct LoadSample: Encodable {
    /// Seconds since the first message.
    var at: Double
    var acknowledged: Int
    var tooMany: Int
    var failures: Int
    /// How far the senders were behind their plan at most, in seconds.
    var behind: Double
    /// Seconds from a message's moment to the interval that has it, in the change feed.
    var interval: LoadLatency
    var post: LoadLatency
    var read: LoadLatency
    /// Processor time of the server, as a share of one processor.
    var processors: Double
    var residentBytes: Int
    /// Bytes of files, by what they are.
    var files: LoadFiles
}

/// Quantiles of some latencies, in seconds; null where there were none.
struct LoadLatency: Encodable {
    var count: Int
    var p50, p99, most: Double?

    init(_ seconds: [Double]) {
        let sorted = seconds.sorted()
        func at(_ share: Double) -> Double? {
            sorted.isEmpty ? nil : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
        }
        count = sorted.count
        (p50, p99, most) = (at(0.5), at(0.99), sorted.last)
    }
}

/// Bytes of the files of a data folder.
struct LoadFiles: Encodable {
    var primary, primaryLog, caches, cacheLogs: Int

    init(_ server: ServerProcess) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: server.folder + "/data/cache")) ?? []
        func size(ofCaches suffix: String) -> Int {
            names.filter { $0.hasSuffix(suffix) }.reduce(0) { $0 + server.size("cache/" + $1) }
        }
        primary = server.size("primary.db")
        primaryLog = server.size("primary.db-wal")
        caches = size(ofCaches: ".db")
        cacheLogs = size(ofCaches: ".db-wal")
    }
}

/// What a whole load came to.
struct LoadReport: Encodable {
    struct Edit: Encodable {
        var calculator: Int
        var at: Double
        var seconds: Double?
        var messages: Double
    }

    var devices: Int
    var seconds: Int
    var calculators: Int
    var processors = ProcessInfo.processInfo.activeProcessorCount
    var readsPerSecond: Int
    /// Messages of all devices in a second: planned, and acknowledged on the average.
    var planned: Double
    var held: Double
    var isHeld: Bool
    var acknowledged: Int
    var stored: Int
    /// Devices whose stored messages are not exactly those that were acknowledged.
    var devicesThatDiffer: Int
    var tooMany: Int
    var failures: [String]
    var interval: LoadLatency
    var read: LoadLatency
    /// Seconds until nothing was pending any more after the last message.
    var settled: Double
    var residentBytesMost: Int
    var verifyStatus: Int32
    var verifySummary: String
    var edits: [Edit]
    var samples: [LoadSample]
}
