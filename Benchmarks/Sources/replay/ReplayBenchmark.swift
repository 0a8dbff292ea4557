import Fleet
import Glibc

/// Measures how long a fleet's history takes to calculate, a way after the other, round after round.
@main
struct ReplayBenchmark {
    static func main() {
        do {
            try run(ReplayOptions(Array(CommandLine.arguments.dropFirst())))
        } catch {
            print(error)
            exit(2)
        }
    }

    private static func run(_ options: ReplayOptions) throws {
        let fleet = try options.fleet()
        let input = try ReplayInput(fleet)
        print(
            "\(fleet.count) messages of \(fleet.deviceCount) devices; chunks take",
            (Double(input.chunkBytes) / Double(fleet.count)).text(2), "bytes a message")
        var jobs: [(name: String, run: () throws -> ReplayResult)] = []
        let limit = LimitJob(fleet)
        jobs.append(("C over columns", { limit.run() }))
        for isDecoding in [false, true] {
            for (route, byDay) in [(false, false), (true, false), (false, true), (true, true)] {
                let replay = try Replay(input, route: route, byDay: byDay, isDecoding: isDecoding)
                jobs.append((replay.name, replay.run))
            }
        }
        try measure(jobs.filter { options.only.isEmpty || $0.name.contains(options.only) }, options, fleet.count)
    }

    private static func measure(
        _ jobs: [(name: String, run: () throws -> ReplayResult)], _ options: ReplayOptions, _ count: Int
    ) throws {
        var seconds = [[Double]](repeating: [], count: jobs.count)
        var results = [ReplayResult](repeating: ReplayResult(), count: jobs.count)
        for _ in 0..<options.rounds {
            for (index, job) in jobs.enumerated() {
                let start = CPUClock.process
                results[index] = try job.run()
                seconds[index].append(CPUClock.process - start)
            }
        }
        let measures = Measures()
        for (index, job) in jobs.enumerated() {
            measures.add("replay, \(job.name)", "ns a message", seconds[index].map { $0 * 1e9 / Double(count) })
            print("   ", results[index].text)
        }
        measures.add("replay, memory at most", "MB", highestMemory / 1e6)
        // By day an interval is cut at midnight; what is compared with other programs is not.
        if let index = jobs.lastIndex(where: { !$0.name.contains("by day") }) {
            let plain = results[index]
            measures.add("replay, intervals", "intervals", Double(plain.intervals))
            measures.add("replay, messages in intervals", "messages", plain.messages)
            measures.add("replay, kilometres", "km", plain.kilometres)
            measures.add("replay, maximum speeds", "km/h", plain.maximumSpeeds)
        }
        if let path = options.out { try measures.write(to: path) }
    }

    private static var highestMemory: Double {
        var usage = rusage()
        // RUSAGE_SELF is 0; Glibc imports the name with another type than the function takes.
        getrusage(0, &usage)
        return Double(usage.ru_maxrss) * 1_024
    }
}
