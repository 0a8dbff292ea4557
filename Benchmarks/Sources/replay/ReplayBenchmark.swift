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
        for (index, job) in jobs.enumerated() {
            let median = seconds[index].median / Double(count) * 1e9
            let least = seconds[index].quantile(0) / Double(count) * 1e9
            print(
                job.name.padded(to: 36), "median", median.text(1), "ns a message, least", least.text(1), "–",
                results[index].text)
        }
        print("highest memory:", (highestMemory / 1e6).text(0), "MB")
    }

    private static var highestMemory: Double {
        var usage = rusage()
        // RUSAGE_SELF is 0; Glibc imports the name with another type than the function takes.
        getrusage(0, &usage)
        return Double(usage.ru_maxrss) * 1_024
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
